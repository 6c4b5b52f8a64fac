//! The demo's config file: what a person would write, with the demo's own paths and ports.

use std::path::Path;

pub(super) const TOPIC: &str = "logs";
pub(super) const DEAD_LETTERS: &str = "logs-dead";
/// The pipeline from the files; the others read what it delivers.
pub(super) const SHIP: &str = "ship";
/// To the index.
pub(super) const INDEX: &str = "index";
/// To the webhook: it delivers alerts, and drops the rest.
pub(super) const ALERT: &str = "alert";

/// What a visitor may try.
pub(super) const HINTS: [&str; 4] = [
    "edit sluice.yaml: at_least: info → error, and see drop-debug's drops grow",
    "edit sluice.yaml: remove email from redact's rules, and look at the record before and after",
    "copy another component over one in the plugins folder: it takes over between two batches",
    "break it: at_least: loud, or write nonsense; what runs goes on, and the events say why",
];

/// What the document names.
pub(super) struct Names<'a> {
    /// The log files to follow, as a glob.
    pub include: &'a str,
    pub checkpoints: &'a Path,
    pub plugins: &'a Path,
    /// `host:port`
    pub brokers: &'a str,
    pub index: &'a str,
    /// The file that holds the webhook's URL.
    pub webhook: &'a Path,
}

pub(super) fn text(names: &Names) -> String {
    format!(
        r#"# The demo's config, an ordinary one. Save a change, and it takes effect while the demo runs; a mistake is
# refused, and what ran before goes on. Components in the plugins folder can be replaced, too.
pipelines:
  ship:                                   # on each node: container logs → Kafka
    source:
      files:
        include: ["{include}"]
        host: demo-node
        checkpoints: "{checkpoints}"
    plugins:
      - name: drop-debug
        component: "{plugins}/level-filter.wasm"
        config: {{ at_least: info }}
      - name: redact
        component: "{plugins}/redact.wasm"
        config: {{ rules: [email, credit-card, bearer, api-token] }}
    sink:
      kafka: {{ brokers: ["{brokers}"], topic: {TOPIC}, acks: all, compression: gzip, include_tag: true, include_time: true, linger: 20ms }}
  index:                                  # Kafka → Elasticsearch
    source:
      # After a kill Kafka waits so long before it gives the partitions to another; 45 s unless set.
      kafka: {{ brokers: ["{brokers}"], group: sluice, topics: [{TOPIC}], options: {{ session.timeout.ms: 6000 }} }}
    plugins:
      - name: lift-json
        component: "{plugins}/json-promote.wasm"
        config: {{ fields: [level, msg, took_ms] }}
    sink:
      elasticsearch:
        hosts: ["{index}"]
        index: {{ logstash_prefix: kubernetes }}
        flush: {{ interval: 500ms, bytes: 1MiB, concurrency: 2 }}
  alert:                                  # Kafka → Slack
    source:
      kafka: {{ brokers: ["{brokers}"], group: logs-inspector, topics: [{TOPIC}], options: {{ session.timeout.ms: 6000 }} }}
    plugins:
      - name: exceptions
        component: "{plugins}/exception-notifier.wasm"
        config: {{ quote: 80 }}
    sink:
      slack: {{ webhook: {{ file: "{webhook}" }}, window: 15s }}
dead_letter: {{ kafka: {{ brokers: ["{brokers}"], topic: {DEAD_LETTERS} }} }}
grace_period: 5s
"#,
        include = names.include,
        checkpoints = names.checkpoints.display(),
        plugins = names.plugins.display(),
        brokers = names.brokers,
        index = names.index,
        webhook = names.webhook.display(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    #[test]
    fn it_is_sound() {
        let text = text(&Names {
            include: "/tmp/demo/node/var/log/containers/*.log",
            checkpoints: Path::new("/tmp/demo/checkpoints"),
            plugins: Path::new("/tmp/demo/plugins"),
            brokers: "127.0.0.1:9092",
            index: "http://127.0.0.1:9200",
            webhook: Path::new("/tmp/demo/slack-url"),
        });
        let checked = config::check(&text, "sluice.yaml", &|_| None);
        let problems: Vec<String> = checked.problems.iter().map(ToString::to_string).collect();
        assert!(problems.is_empty(), "{problems:#?}");
        let names: Vec<String> = checked.plan.unwrap().pipelines.into_iter().map(|pipeline| pipeline.name).collect();
        assert_eq!(names, [SHIP, INDEX, ALERT]);
    }
}
