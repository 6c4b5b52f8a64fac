//! Config files: `FILES`, `TOPIC` and the like stand for blocks in which nothing is wrong.

use sluice::config::check;
use sluice_mistakes::{Mistake, differences, mistake};

/// A block name and what it stands for, on one line so that the places in the texts stay those of the table.
const SOUND: [(&str, &str); 6] = [
    ("FILES", "{ files: { include: [/var/log/containers/*.log], checkpoints: /var/lib/sluice } }"),
    ("TOPIC", "{ kafka: { brokers: [kafka:9092], group: sluice, topics: [logs] } }"),
    ("KAFKA", "{ kafka: { brokers: [kafka:9092], topic: logs } }"),
    ("DEAD", "{ kafka: { brokers: [kafka:9092], topic: logs-dead } }"),
    ("NOTIFIER", "{ name: exceptions, component: exception-notifier.wasm }"),
    ("URL", "{ file: /etc/sluice/secrets/slack-url }"),
];

pub const TABLE: &[Mistake<&str>] = &[
    mistake("the file is empty", "", ""),
    mistake("a tab indents", "pipelines:\n\tship: {}\n", ""),
    mistake("a bracket is not closed", "pipelines:\n  ship:\n    source: { files: { include: [/var/log/*.log }\n", ""),
    mistake("a block is misspelt", "pipelines:\n  ship:\n    source: FILES\n    sink: KAFKA\ndead-letters: DEAD\n", ""),
    mistake(
        "a key is misspelt",
        "pipelines:\n  ship:\n    source: FILES\n    sink: { kafka: { brokers: [kafka:9092], topics: logs } }\n",
        "",
    ),
    mistake(
        "a key stands twice",
        "pipelines:\n  ship:\n    source: FILES\n    sink:\n      kafka:\n        brokers: [kafka:9092]\n        topic: a\n        topic: b\n",
        "",
    ),
    mistake(
        "an environment variable is not set",
        "pipelines:\n  ship:\n    source: FILES\n    sink: { kafka: { brokers: [\"${BROKER}\"], topic: logs } }\n",
        "",
    ),
    mistake(
        "`acks: 0`, which loses records",
        "pipelines:\n  ship:\n    source: FILES\n    sink: { kafka: { brokers: [kafka:9092], topic: logs, acks: 0 } }\n",
        "",
    ),
    mistake(
        "a duration without a unit",
        "pipelines:\n  ship:\n    source: FILES\n    sink: { kafka: { brokers: [kafka:9092], topic: logs, linger: 50 } }\n",
        "",
    ),
    mistake(
        "a size without a unit",
        "pipelines:\n  ship:\n    source: { files: { include: [/a/*.log], checkpoints: /data, max_line: 65536 } }\n    sink: KAFKA\n",
        "",
    ),
    mistake(
        "a switch in quotes",
        "pipelines:\n  ship:\n    source: FILES\n    sink: { kafka: { brokers: [kafka:9092], topic: logs, include_tag: \"true\" } }\n",
        "",
    ),
    mistake(
        "a property of librdkafka that is Sluice's own",
        "pipelines:\n  ship:\n    source: FILES\n    sink: { kafka: { brokers: [kafka:9092], topic: logs, options: { linger.ms: 5 } } }\n",
        "",
    ),
    mistake("a sink that does not exist", "pipelines:\n  ship:\n    source: FILES\n    sink: { loki: {} }\n", ""),
    mistake(
        "a pipeline writes to the topic that it reads",
        "pipelines:\n  loop:\n    source: TOPIC\n    sink: KAFKA\n",
        "",
    ),
    mistake(
        "two pipelines share their checkpoints",
        "pipelines:\n  a:\n    source: FILES\n    sink: KAFKA\n  b:\n    source: FILES\n    sink: KAFKA\n",
        "",
    ),
    mistake(
        "two pipelines share a group",
        "pipelines:\n  a:\n    source: TOPIC\n    sink: { kafka: { brokers: [kafka:9092], topic: x } }\n  b:\n    source: TOPIC\n    sink: { kafka: { brokers: [kafka:9092], topic: y } }\n",
        "",
    ),
    mistake(
        "an index without a place for what it refuses",
        "pipelines:\n  index:\n    source: TOPIC\n    sink: { elasticsearch: { hosts: [https://e:9200] } }\n",
        "",
    ),
    mistake(
        "a host without http:// or https://",
        "pipelines:\n  index:\n    source: TOPIC\n    sink: { elasticsearch: { hosts: [\"e:9200\"] } }\ndead_letter: DEAD\n",
        "",
    ),
    mistake(
        "a password in an address",
        "pipelines:\n  index:\n    source: TOPIC\n    sink: { elasticsearch: { hosts: [\"https://me:hunter2@e:9200\"] } }\ndead_letter: DEAD\n",
        "",
    ),
    mistake(
        "an index with capitals",
        "pipelines:\n  index:\n    source: TOPIC\n    sink: { elasticsearch: { hosts: [https://e:9200], index: { name: Logs } } }\ndead_letter: DEAD\n",
        "",
    ),
    mistake(
        "a user without a password",
        "pipelines:\n  index:\n    source: TOPIC\n    sink: { elasticsearch: { hosts: [https://e:9200], auth: { user: elastic } } }\ndead_letter: DEAD\n",
        "",
    ),
    mistake(
        "a webhook's URL in the document",
        "pipelines:\n  alert:\n    source: TOPIC\n    plugins: [NOTIFIER]\n    sink: { slack: { webhook: https://hooks.slack.com/services/T0/B0/hunter2 } }\n",
        "",
    ),
    mistake(
        "alerts that nobody raises",
        "pipelines:\n  alert:\n    source: TOPIC\n    sink: { slack: { webhook: URL } }\n",
        "",
    ),
    mistake(
        "a queue of nothing",
        "pipelines:\n  alert:\n    source: TOPIC\n    plugins: [NOTIFIER]\n    sink: { slack: { webhook: URL, queue: 0 } }\n",
        "",
    ),
    mistake(
        "`max_age` without a unit",
        "pipelines:\n  alert:\n    source: TOPIC\n    plugins: [NOTIFIER]\n    sink: { slack: { webhook: URL, max_age: 5 } }\n",
        "",
    ),
    mistake(
        "an `on_fault` that does not exist",
        "pipelines:\n  ship:\n    source: FILES\n    plugins: [{ name: f, component: f.wasm, on_fault: drop }]\n    sink: KAFKA\n",
        "",
    ),
    mistake(
        "faults to the dead letters, and there are none",
        "pipelines:\n  ship:\n    source: FILES\n    plugins: [{ name: f, component: f.wasm, on_fault: dead_letter }]\n    sink: KAFKA\n",
        "",
    ),
    mistake(
        "an admin address without a port",
        "pipelines:\n  ship:\n    source: FILES\n    sink: KAFKA\nadmin: { listen: 127.0.0.1 }\n",
        "",
    ),
    mistake(
        "an admin address that is a URL",
        "pipelines:\n  ship:\n    source: FILES\n    sink: KAFKA\nadmin: { listen: \"http://0.0.0.0:9600\" }\n",
        "",
    ),
];

/// The document with its sound blocks in place.
fn written(given: &str) -> String {
    SOUND.iter().fold(given.to_owned(), |text, (name, block)| text.replace(name, block))
}

fn say(given: &str) -> String {
    let checked = check(&written(given), "sluice.yaml", &|_| None);
    assert_eq!(checked.plan, None, "{given}");
    checked.problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn config_files() {
    let found: Vec<String> = TABLE.iter().map(|mistake| say(mistake.given)).collect();
    assert_eq!(differences(TABLE, &found), "");
    assert!(!found.iter().any(|text| text.contains("hunter2")), "{found:#?}");
}
