//! The index's hosts.

use sluice_elastic::probe::{Answer, Host, probe};
use tokio::{runtime::Runtime, task::JoinHandle};

use super::{Finding, PATIENCE};
use crate::{
    assemble,
    config::{ElasticsearchSink, Plan, Sink},
};

/// Starts to ask the hosts of every sink. One whose secrets cannot be read is left out: that is a finding of its own.
pub(super) fn ask(plan: &Plan, runtime: &Runtime) -> Vec<JoinHandle<Vec<Finding>>> {
    let sinks = plan.pipelines.iter().filter_map(|pipeline| match &pipeline.sink {
        Sink::Elasticsearch(sink) => Some((format!("elasticsearch sink of {}", pipeline.name), sink)),
        Sink::Kafka(_) | Sink::Slack(_) => None,
    });
    sinks.filter_map(|(component, sink)| Some(runtime.spawn(look(component, sink)?))).collect()
}

fn look(component: String, sink: &ElasticsearchSink) -> Option<impl Future<Output = Vec<Finding>> + use<>> {
    let (config, credentials) = (assemble::elastic::sink(sink).ok()?, sink.auth.is_some());
    Some(async move {
        match probe(&config, PATIENCE).await {
            Ok(hosts) => hosts.iter().map(|host| finding(&component, host, credentials)).collect(),
            Err(failure) => vec![Finding::error(&component, &config.hosts.join(","), failure.text)],
        }
    })
}

fn finding(component: &str, host: &Host, credentials: bool) -> Finding {
    let place = &*host.name;
    match &host.answer {
        Answer::Index { product, version } => Finding::ok(component, place, format!("{product} {version} answers")),
        Answer::Unauthorized if credentials => {
            Finding::error(component, place, "refuses the credentials (401); correct `auth`")
        }
        Answer::Unauthorized => Finding::error(
            component,
            place,
            "wants credentials (401); write \"auth: { user: …, password: { file: /path } }\"",
        ),
        Answer::Forbidden => Finding::warning(
            component,
            place,
            "answers, and these credentials may not ask who it is (403); whether they may write is not known",
        ),
        // As behind a proxy that lets bulk requests pass and nothing else.
        Answer::Other { status: status @ (404 | 405) } => Finding::warning(
            component,
            place,
            format!("answers with status {status} to the question who it is; whether it takes bulks is not known"),
        ),
        Answer::Other { status } if *status >= 400 => Finding::error(
            component,
            place,
            format!("answers with status {status}; look at the address, and at its log"),
        ),
        Answer::Other { status } => Finding::warning(
            component,
            place,
            format!("answers with status {status}, and not as Elasticsearch or OpenSearch does; look at the address"),
        ),
        // What rustls says of an answer that is no TLS.
        Answer::Unreachable(why) if why.contains("InvalidContentType") => {
            Finding::error(component, place, format!("{why}; it seems to speak no TLS, so write http:// in `hosts`"))
        }
        Answer::Unreachable(why) => Finding::error(component, place, why.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::online::Level;

    #[test]
    fn answers_are_judged() {
        let check = |answer, credentials, level, text: &str| {
            let finding =
                finding("elasticsearch sink of index", &Host { name: "https://e".into(), answer }, credentials);
            assert_eq!(finding.level, level, "{finding}");
            assert!(finding.text.contains(text), "{finding}");
        };
        let index = || Answer::Index { product: "opensearch".into(), version: "2.19.1".into() };
        check(index(), true, Level::Ok, "opensearch 2.19.1 answers");
        check(Answer::Unauthorized, true, Level::Error, "refuses the credentials (401); correct `auth`");
        check(Answer::Unauthorized, false, Level::Error, "wants credentials (401); write \"auth");
        check(Answer::Forbidden, true, Level::Warning, "may not ask who it is (403)");
        check(Answer::Other { status: 503 }, true, Level::Error, "answers with status 503");
        check(Answer::Other { status: 200 }, true, Level::Warning, "not as Elasticsearch or OpenSearch does");
        check(Answer::Unreachable("cannot be reached: x".into()), true, Level::Error, "cannot be reached: x");
        let no_tls = "cannot be reached: received corrupt message of type InvalidContentType";
        check(Answer::Unreachable(no_tls.into()), true, Level::Error, "InvalidContentType; it seems to speak no TLS");
    }
}
