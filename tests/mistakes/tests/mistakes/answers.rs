//! What servers answer: an index to two documents, a webhook to one alert, Kafka to one record. HOST stands for the
//! server. Where nothing else is said, the server takes the next request.

use std::{sync::Arc, time::Duration};

use rdkafka::{error::RDKafkaErrorCode, mocking::MockCluster};
use sluice_core::{Alert, Generation, Severity, encode::Encoding, pipeline::Sink};
use sluice_elastic::Elastic;
use sluice_kafka::{Acks, Connection, KafkaSink, ProducerConfig};
use sluice_mistakes::{Mistake, differences, mistake};
use sluice_webhook::{Slack, Url};
use tokio::time::timeout;

use crate::{
    books::{Letters, TIME, documents, generation, settled},
    records::index,
    server::{Server, Told},
};

const CREDENTIALS: &str = r#"{"error":{"type":"security_exception","reason":"secret"},"status":401}"#;
const MISSING: &str = r#"{"error":{"type":"index_not_found_exception","reason":"no such index"},"status":404}"#;

pub const INDEX: &[Mistake<&[Told]>] = &[
    mistake("a page of a proxy", &[Told::Answer(200, "", "<html><body>Login</body></html>")], ""),
    mistake("an answer that ends in the middle", &[Told::Answer(200, "", r#"{"errors":false,"items":[{"create""#)], ""),
    mistake("an answer about fewer documents than were sent", &[Told::OneLess], ""),
    mistake("401", &[Told::Answer(401, "", CREDENTIALS)], ""),
    mistake("403 without a body", &[Told::Answer(403, "", "")], ""),
    mistake("404 for the index", &[Told::Answer(404, "", MISSING)], ""),
    mistake("413 for two documents together", &[Told::Answer(413, "", "")], ""),
    mistake("413 for a document alone", &[Told::Answer(413, "", ""), Told::Answer(413, "", "")], ""),
    mistake("429 for the request", &[Told::Answer(429, "", "")], ""),
    mistake("503", &[Told::Answer(503, "", "upstream down")], ""),
    mistake(
        "429 for one document",
        &[Told::First(r#"{"create":{"status":429,"error":{"type":"es_rejected_execution_exception","reason":"x"}}}"#)],
        "",
    ),
    mistake(
        "a field of another type than the index has",
        &[Told::First(
            r#"{"create":{"status":400,"error":{"type":"document_parsing_exception","reason":"[1:9] failed to parse field [n] of type [long]","caused_by":{"type":"illegal_argument_exception","reason":"For input string: \"x\""}}}}"#,
        )],
        "",
    ),
    mistake(
        "an index that is closed to writing",
        &[Told::First(
            r#"{"create":{"status":403,"error":{"type":"cluster_block_exception","reason":"index [logs] blocked by: [FORBIDDEN/12/index read-only / allow delete (api)];"}}}"#,
        )],
        "",
    ),
    mistake(
        "a document that is there already",
        &[Told::First(
            r#"{"create":{"status":409,"error":{"type":"version_conflict_engine_exception","reason":"x"}}}"#,
        )],
        "",
    ),
    mistake("the connection is closed without an answer", &[Told::Hangup], ""),
    mistake("no answer in time", &[Told::Silence], ""),
];

pub const WEBHOOK: &[Mistake<&[Told]>] = &[
    mistake("400 for the message", &[Told::Answer(400, "", "invalid_payload")], ""),
    mistake("404, the webhook was removed", &[Told::Answer(404, "", "no_service")], ""),
    mistake("403, the token is wrong", &[Told::Answer(403, "", "invalid_token")], ""),
    mistake("429 with a pause of a second", &[Told::Answer(429, "Retry-After: 1", "rate_limited")], ""),
    mistake("500", &[Told::Answer(500, "", "rollup_error")], ""),
    mistake("a redirect", &[Told::Answer(302, "Location: http://127.0.0.1:9/", "")], ""),
    mistake("the connection is closed without an answer", &[Told::Hangup], ""),
    mistake("no answer in time", &[Told::Silence], ""),
];

/// An error of the topic, or none; the bytes of the record.
pub struct Sent(Option<RDKafkaErrorCode>, usize);

pub const KAFKA: &[Mistake<Sent>] = &[
    mistake("a record larger than the topic takes, without dead letters", Sent(None, 30_000), ""),
    mistake("a topic that is not there", Sent(Some(RDKafkaErrorCode::UnknownTopicOrPartition), 10), ""),
    mistake(
        "a topic that this client may not write to",
        Sent(Some(RDKafkaErrorCode::TopicAuthorizationFailed), 10),
        "",
    ),
];

/// The last trouble, the dead letters and the books. No text but a dead letter's may quote a document.
fn outcome(generation: &Generation, trouble: Option<String>, letters: &Letters, url: &str) -> String {
    assert!(!trouble.as_deref().unwrap_or_default().contains("secret"), "{trouble:?}");
    let letters = letters.said().into_iter().map(|(_, said)| said);
    let books = generation.ledger().balance().to_string();
    let lines: Vec<String> = trouble.into_iter().chain(letters).chain([books]).collect();
    lines.join("\n").replace(url, "HOST")
}

#[tokio::test]
async fn answers_of_an_index() {
    let mut found = Vec::new();
    for Mistake { given, .. } in INDEX {
        let (server, generation, letters) = (Server::start(given), generation(), Arc::new(Letters::default()));
        let mut sink = Elastic::open(index(&server), generation.clone(), letters.clone()).unwrap();
        sink.send(documents(&generation, &[r#"{"n":"secret"}"#, r#"{"n":2}"#])).await.unwrap();
        sink.flush().await.unwrap();
        settled(&generation).await;
        let said = outcome(&generation, sink.counters().last_error(), &letters, &server.url);
        found.push(format!("{said}; {} requests", server.bodies().len()));
    }
    assert_eq!(differences(INDEX, &found), "");
}

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
async fn answers_of_a_webhook() {
    let mut found = Vec::new();
    for Mistake { given, .. } in WEBHOOK {
        let (server, generation, letters) = (Server::start(given), generation(), Arc::new(Letters::default()));
        let config = sluice_webhook::Config {
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
        let said = outcome(&generation, sink.counters().snapshot().last_error, &letters, &server.url);
        found.push(format!("{said}; {} requests", server.bodies().len()));
    }
    assert_eq!(differences(WEBHOOK, &found), "");
}

#[tokio::test]
async fn answers_of_kafka() {
    let mut found = Vec::new();
    for Mistake { given: Sent(error, size), .. } in KAFKA {
        let cluster = MockCluster::new(1).unwrap();
        cluster.create_topic("logs", 1, 1).unwrap();
        if let Some(error) = error {
            cluster.topic_error("logs", (*error).into()).unwrap();
        }
        // What is unknown is taken for just being made for half a minute, unless this says otherwise.
        let options = [("message.max.bytes", "20000"), ("topic.metadata.propagation.max.ms", "100")];
        let options = options.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let config = ProducerConfig {
            connection: Connection { brokers: vec![cluster.bootstrap_servers()], options },
            topic: "logs".into(),
            acks: Acks::All,
            compression: "none".into(),
            encoding: Encoding::default(),
            by_container: true,
            linger: Duration::ZERO,
            max_in_flight: 1 << 20,
        };
        let generation = generation();
        let mut sink = KafkaSink::open(config, generation.clone(), Arc::default(), None).unwrap();
        let document = format!(r#"{{"log":"{}"}}"#, "x".repeat(*size));
        sink.send(documents(&generation, &[&document])).await.unwrap();
        let failure = timeout(Duration::from_secs(60), generation.failure()).await.expect("no failure");
        found.push(format!("{:?}: {failure}", failure.kind));
    }
    assert_eq!(differences(KAFKA, &found), "");
}
