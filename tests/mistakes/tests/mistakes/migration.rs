//! `docs/migration.md` has a row for every option of the system that Sluice replaces; what stands in a row as the same in
//! Sluice is sound, and the test that it names uses it.

use std::{collections::BTreeMap, fs, path::Path};

use sluice::config::{Severity, check};

/// The options of the article, as their rows begin, below their headings.
const OPTIONS: &[(&str, &[&str])] = &[
    (
        "## The DaemonSet",
        &[
            "DaemonSet `fluent`",
            "labels `k8s-app`, `version`, `kubernetes.io/cluster-service`",
            "toleration of the master taint",
            "image `fluentd-kubernetes-daemonset`",
            "plugins from outside of the image",
            "ConfigMap item `fluent_conf`",
            "mounts `/var/log`, `/var/lib/docker/containers`",
            "`terminationGracePeriodSeconds: 30`",
            "`@include kubernetes.conf`",
            "kubernetes metadata",
            "`<match **>`",
        ],
    ),
    (
        "## The producer (`kafka_buffered`)",
        &[
            "`@type kafka_buffered`, `brokers host:9092`",
            "`topic_key your-logs-topic`",
            "`default_topic your-logs-topic`",
            "`output_data_type json`",
            "`output_include_tag true`",
            "`output_include_time true`",
            "`get_kafka_client_log false`",
            "`required_acks 1`",
            "`compression_codec gzip`",
            "advice: replication factor at least 2",
        ],
    ),
    (
        "## The consumer (`kafka_group`)",
        &[
            "`@type kafka_group`, `brokers`",
            "`consumer_group fluentd`",
            "`topics your-logs-topic`",
            "`format json`",
            "`use_record_time true`",
            "more partitions, more instances",
        ],
    ),
    (
        "## Elasticsearch",
        &[
            "`@type elasticsearch`, `@id out_es`",
            "`log_level info`",
            "`include_tag_key true`",
            "`host`",
            "`port 443`",
            "`scheme https`",
            "`logstash_format true`",
            "`logstash_prefix kubernetes`",
            "`flush_thread_count 8`",
            "`flush_interval 5s`",
            "`chunk_limit_size 6M`",
            "`queue_limit_length 256`",
            "`retry_max_interval 30`",
            "`retry_forever true`",
        ],
    ),
    (
        "## The notifier",
        &[
            "`bootstrap.servers`",
            "group `logs-inspector`",
            "`auto.offset.reset: smallest`",
            "each message decoded as JSON",
            "the key `log` contains `exception` in lower case",
            "the Slack webhook",
            "`Content-Type: application/json`",
            "text `Found problem in log`",
            "`\"color\":\"#00FF00\"`",
            "every message is posted",
            "the end of a partition is no error",
        ],
    ),
];

/// Rows without a test: Kubernetes' affair until there is a chart.
const NOT_YET: [&str; 4] = ["DaemonSet `fluent`", "labels `k8s-app`", "toleration", "image `fluentd"];

struct Row<'a> {
    option: &'a str,
    same: &'a str,
    note: &'a str,
    test: &'a str,
}

fn project() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// The rows of the first table below `heading`.
fn rows<'a>(text: &'a str, heading: &str) -> Vec<Row<'a>> {
    let (_, section) = text.split_once(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("no {heading}"));
    let lines = section.lines().skip_while(|line| !line.starts_with("|---")).skip(1);
    lines
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
            let [option, same, note, test] = cells[..] else { panic!("{line}") };
            Row { option, same, note, test }
        })
        .collect()
}

/// A pipeline in which nothing is wrong, of `source` to `sink`: paths and their values.
fn sound(source: &str, sink: &str) -> Vec<(String, String)> {
    let keys: &[(&str, &str)] = match source {
        "files" => &[("include", "[/var/log/*.log]"), ("checkpoints", "/data")],
        _ => &[("brokers", "[kafka:9092]"), ("group", "g"), ("topics", "[in]")],
    };
    let source = keys.iter().map(|(key, value)| (format!("source.{source}.{key}"), (*value).to_owned()));
    let keys: &[(&str, &str)] = match sink {
        "kafka" => &[("brokers", "[kafka:9092]"), ("topic", "out")],
        "slack" => &[("webhook", "{ file: /url }")],
        _ => &[("hosts", "[https://e:9200]")],
    };
    source.chain(keys.iter().map(|(key, value)| (format!("sink.{sink}.{key}"), (*value).to_owned()))).collect()
}

/// A whole document with `same`, which is such as `sink.kafka.acks: 1`.
fn document(same: &str) -> String {
    let (path, value) = same.split_once(": ").unwrap_or_else(|| panic!("{same}"));
    let source = if path.starts_with("source.files") { "files" } else { "kafka" };
    let is_alert = path.starts_with("sink.slack") || value.contains("exception-notifier");
    let sink = match path.split('.').nth(1) {
        Some(sink) if path.starts_with("sink.") => sink,
        _ if is_alert => "slack",
        _ => "kafka",
    };
    let mut keys: BTreeMap<String, String> = sound(source, sink).into_iter().collect();
    if is_alert {
        keys.insert("plugins".into(), "[{ name: e, component: exception-notifier.wasm }]".into());
    }
    let top = if path == "grace_period" { format!("{same}\n") } else { String::new() };
    if top.is_empty() {
        keys.insert(path.into(), value.into());
    }
    let part = |kind: &str| {
        let of = |(path, value): (&String, &String)| {
            let key = path.strip_prefix(kind)?.strip_prefix('.')?.split_once('.')?.1;
            Some(format!("{key}: {value}"))
        };
        keys.iter().filter_map(of).collect::<Vec<_>>().join(", ")
    };
    let plugins = keys.get("plugins").map(|plugins| format!("    plugins: {plugins}\n")).unwrap_or_default();
    format!(
        "pipelines:\n  p:\n    source: {{ {source}: {{ {} }} }}\n{plugins}    sink: {{ {sink}: {{ {} }} }}\n{top}\
         dead_letter: {{ kafka: {{ brokers: [kafka:9092], topic: dead }} }}\n",
        part("source"),
        part("sink")
    )
}

/// The last key of `sink.elasticsearch.flush: { interval: 5s }` and the like.
fn key(same: &str) -> &str {
    let (path, value) = same.split_once(": ").unwrap_or((same, ""));
    match value.strip_prefix("{ ").and_then(|inner| inner.split_once(':')) {
        Some((inner, _)) => inner,
        None => path.rsplit('.').next().unwrap_or_default(),
    }
}

/// The test is there, and uses the key.
fn check_test(Row { option, same, test, .. }: &Row<'_>) {
    let (path, name) = test.trim_matches('`').split_once("::").unwrap_or_else(|| panic!("{option}: {test}"));
    let read = |path: &str| fs::read_to_string(project().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    let mut text = read(path);
    assert!(text.contains(&format!("fn {name}(")), "{option}: there is no test {test}");
    for (begins, config) in [
        ("tests/end-to-end/", "tests/end-to-end/src/chain.rs"),
        ("tests/end-to-end/", "tests/end-to-end/src/sluice.rs"),
        ("router/tests/running/", "router/tests/running/world.rs"),
    ] {
        // What these tests run is written there.
        if path.starts_with(begins) {
            text += &read(config);
        }
    }
    let same = same.trim_matches('`');
    let used = match same {
        "—" => return,
        _ if same.starts_with("RUST_LOG") => "RUST_LOG",
        _ if same.starts_with("--config") => "config",
        _ if same.starts_with("--online") => "replication",
        _ if path.starts_with("plugins/") => return,
        // The longest wait, in seconds.
        _ if same.contains("retry: { max_interval") => "30.0",
        _ => key(same),
    };
    assert!(text.contains(used), "{option}: {test} does not use {used}");
}

#[test]
fn every_option_of_the_article_has_a_row() {
    let text = fs::read_to_string(project().join("docs/migration.md")).unwrap();
    for (heading, options) in OPTIONS {
        let rows = rows(&text, heading);
        assert_eq!(rows.len(), options.len(), "{heading}: {:?}", rows.iter().map(|row| row.option).collect::<Vec<_>>());
        for (row, option) in rows.iter().zip(*options) {
            assert!(row.option.starts_with(option), "{heading}: {} <> {option}", row.option);
            if NOT_YET.iter().any(|begins| row.option.starts_with(begins)) {
                assert!(row.test == "—" && row.note.contains("comes with"), "{}", row.option);
            } else {
                check_test(row);
            }
        }
    }
}

#[test]
fn what_stands_in_the_rows_is_sound() {
    let text = fs::read_to_string(project().join("docs/migration.md")).unwrap();
    let all = OPTIONS.iter().flat_map(|(heading, _)| rows(&text, heading));
    let yaml: Vec<&str> = all
        .map(|row| row.same.trim_matches('`'))
        .filter(|same| *same != "—" && !same.starts_with("--") && !same.starts_with("RUST_LOG"))
        .collect();
    assert!(yaml.len() >= 25, "{}", yaml.len());
    let environment = |name: &str| match name {
        "NODE_NAME" => Some("node-1".to_owned()),
        "SLACK_URL" => Some("https://hooks.slack.com/services/x".to_owned()),
        _ => None,
    };
    for same in yaml {
        let document = document(same);
        let checked = check(&document, "sluice.yaml", &environment);
        let errors: Vec<_> = checked.problems.iter().filter(|problem| problem.severity == Severity::Error).collect();
        assert!(errors.is_empty(), "{same}\n{document}{errors:#?}");
        assert!(document.contains(same.split_once(": ").unwrap().1), "{document}");
    }
}
