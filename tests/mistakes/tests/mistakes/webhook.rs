//! What a webhook answers to one alert; where nothing else is said, it takes the next request.

use std::{sync::Arc, time::Duration};

use sluice_core::{Alert, Severity, pipeline::Sink};
use sluice_mistakes::{Mistake, differences, mistake};
use sluice_webhook::{Config, Slack, Url};

use crate::{
    answers::outcome,
    books::{Letters, TIME, documents, generation, settled},
    log::Log,
    server::{Server, Told},
};

pub const TABLE: &[Mistake<&[Told]>] = &[
    mistake(
        "400 for the message",
        &[Told::Answer(400, "", "invalid_payload")],
        "WARN slack sink: the webhook refused a message (400 invalid_payload); its record goes to the dead \
         letters\n\
         dead letter, reason refused_by_slack (400): invalid_payload\n\
         read 1 = delivered 0 + dropped 0 + dead-lettered 1 (refused_by_slack 1) + in flight 0; expired 0; \
         requests: 1",
    ),
    mistake(
        "404, the webhook was removed",
        &[Told::Answer(404, "", "no_service")],
        "WARN slack sink: the webhook is gone or forbidden (404 no_service); create a new one, put its URL in \
         the place that the config names, and restart the process; alerts wait and are tried again, none is \
         skipped\n\
         read 1 = delivered 1 + dropped 0 + dead-lettered 0 + in flight 0; expired 0; requests: 2",
    ),
    mistake(
        "403, the token is wrong",
        &[Told::Answer(403, "", "invalid_token")],
        "WARN slack sink: the webhook is gone or forbidden (403 invalid_token); create a new one, put its URL in \
         the place that the config names, and restart the process; alerts wait and are tried again, none is \
         skipped\n\
         read 1 = delivered 1 + dropped 0 + dead-lettered 0 + in flight 0; expired 0; requests: 2",
    ),
    mistake(
        "429 with a pause of a second",
        &[Told::Answer(429, "Retry-After: 1", "rate_limited")],
        "WARN slack sink: the webhook asks for a pause (429 rate_limited); alerts wait and are tried again, none \
         is skipped\n\
         read 1 = delivered 1 + dropped 0 + dead-lettered 0 + in flight 0; expired 0; requests: 2",
    ),
    mistake(
        "500",
        &[Told::Answer(500, "", "rollup_error")],
        "WARN slack sink: the webhook cannot take messages now (500 rollup_error); alerts wait and are tried \
         again, none is skipped\n\
         read 1 = delivered 1 + dropped 0 + dead-lettered 0 + in flight 0; expired 0; requests: 2",
    ),
    mistake(
        "a redirect",
        &[Told::Answer(302, "Location: http://127.0.0.1:9/", "")],
        "WARN slack sink: the webhook answers 302, a redirect, which is not followed; put the webhook's own URL \
         in its place; alerts wait and are tried again, none is skipped\n\
         read 1 = delivered 1 + dropped 0 + dead-lettered 0 + in flight 0; expired 0; requests: 2",
    ),
    mistake(
        "the connection is closed before the webhook answers",
        &[Told::Hangup],
        "WARN slack sink: the webhook cannot be reached: connection closed before message completed; alerts wait \
         and are tried again, none is skipped\n\
         read 1 = delivered 1 + dropped 0 + dead-lettered 0 + in flight 0; expired 0; requests: 2",
    ),
    mistake(
        "the webhook does not answer in time",
        &[Told::Silence],
        "WARN slack sink: the webhook does not answer within 2s (request_timeout); alerts wait and are tried \
         again, none is skipped\n\
         read 1 = delivered 1 + dropped 0 + dead-lettered 0 + in flight 0; expired 0; requests: 2",
    ),
];

fn alert() -> Alert {
    Alert {
        item: Some(0),
        plugin: "p".into(),
        fingerprint: "f".into(),
        severity: Severity::Error,
        title: String::new(),
        text: "secret".into(),
        details: Vec::new(),
        color: String::new(),
    }
}

#[tokio::test]
async fn answers() {
    let mut found = Vec::new();
    for Mistake { given, .. } in TABLE {
        let (log, _guard) = Log::start();
        let (server, generation, letters) = (Server::start(given), generation(), Arc::new(Letters::default()));
        let config = Config {
            url: Url::parse(&format!("{}/services/T0/B0/secret", server.url)).unwrap(),
            window: Duration::from_secs(300),
            max_age: None,
            queue: 100,
            give_up_after: None,
            request_timeout: Duration::from_secs(2),
            retry_initial: Duration::from_millis(5),
            retry_max: Duration::from_millis(40),
            ca: None,
            counters: Arc::default(),
            now: || TIME,
        };
        let mut sink = Slack::open(config, generation.clone(), Some(letters.clone())).unwrap();
        let mut batch = documents(&generation, &[r#"{"log":"an exception"}"#]);
        batch.raise(vec![alert()]);
        sink.send(batch).await.unwrap();
        settled(&generation).await;
        found.push(outcome(&log, &generation, &letters, &server));
    }
    assert_eq!(differences(TABLE, &found), "");
}
