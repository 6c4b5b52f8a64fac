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
    mistake(
        "the file is empty",
        "",
        "sluice.yaml:1:1: the document is empty; write \"pipelines: { NAME: { source: …, sink: … } }\"",
    ),
    mistake(
        "a tab indents",
        "pipelines:\n\tship: {}\n",
        "sluice.yaml:2:2: not YAML: tabs disallowed within this context (block indentation); indent with spaces, \
         not tabs",
    ),
    mistake(
        "a bracket is not closed",
        "pipelines:\n  ship:\n    source: { files: { include: [/var/log/*.log }\n",
        "sluice.yaml:3:49: not YAML: while parsing a flow sequence, expected ',' or ']'; look at indentation, \
         quotes and brackets here and on the line before",
    ),
    mistake(
        "a block is misspelt",
        "pipelines:\n  ship:\n    source: FILES\n    sink: KAFKA\ndead-letters: DEAD\n",
        "sluice.yaml:5:1: dead-letters: unknown key; did you mean \"dead_letter\"?",
    ),
    mistake(
        "a key is misspelt",
        "pipelines:\n  ship:\n    source: FILES\n    sink: { kafka: { brokers: [kafka:9092], topics: logs } }\n",
        "sluice.yaml:4:45: pipelines.ship.sink.kafka.topics: unknown key; did you mean \"topic\"?",
    ),
    mistake(
        "a key stands twice",
        "pipelines:\n  ship:\n    source: FILES\n    sink:\n      kafka:\n        brokers: [kafka:9092]\n        topic: a\n        topic: b\n",
        "sluice.yaml:8:9: pipelines.ship.sink.kafka.topic: this key stands on line 7 already; keep one of the two",
    ),
    mistake(
        "an environment variable is not set",
        "pipelines:\n  ship:\n    source: FILES\n    sink: { kafka: { brokers: [\"${BROKER}\"], topic: logs } }\n",
        "sluice.yaml:4:32: pipelines.ship.sink.kafka.brokers[0]: the environment variable BROKER is not set; set \
         it, or write \"${BROKER:-DEFAULT}\"",
    ),
    mistake(
        "`acks: 0`, which loses records",
        "pipelines:\n  ship:\n    source: FILES\n    sink: { kafka: { brokers: [kafka:9092], topic: logs, acks: 0 } }\n",
        "sluice.yaml:4:64: pipelines.ship.sink.kafka.acks: 0 would lose lines without a sign; write all, or 1",
    ),
    mistake(
        "a duration without a unit",
        "pipelines:\n  ship:\n    source: FILES\n    sink: { kafka: { brokers: [kafka:9092], topic: logs, linger: 50 } }\n",
        "sluice.yaml:4:66: pipelines.ship.sink.kafka.linger: 50 has no unit; write it like 5s, 500ms, 1m or 1h",
    ),
    mistake(
        "a size without a unit",
        "pipelines:\n  ship:\n    source: { files: { include: [/a/*.log], checkpoints: /data, max_line: 65536 } }\n    sink: KAFKA\n",
        "sluice.yaml:3:75: pipelines.ship.source.files.max_line: 65536 has no unit; if bytes are meant, write \
         64KiB",
    ),
    mistake(
        "a switch in quotes",
        "pipelines:\n  ship:\n    source: FILES\n    sink: { kafka: { brokers: [kafka:9092], topic: logs, include_tag: \"true\" } }\n",
        "sluice.yaml:4:71: pipelines.ship.sink.kafka.include_tag: expected true or false, not a text; write true \
         without quotes",
    ),
    mistake(
        "a property of librdkafka that is Sluice's own",
        "pipelines:\n  ship:\n    source: FILES\n    sink: { kafka: { brokers: [kafka:9092], topic: logs, options: { linger.ms: 5 } } }\n",
        "sluice.yaml:4:69: pipelines.ship.sink.kafka.options.\"linger.ms\": sluice sets this property itself; \
         write \"linger\"",
    ),
    mistake(
        "a sink that does not exist",
        "pipelines:\n  ship:\n    source: FILES\n    sink: { loki: {} }\n",
        "sluice.yaml:4:13: pipelines.ship.sink.loki: unknown key; the keys here are kafka, elasticsearch, slack",
    ),
    mistake(
        "a pipeline writes to the topic that it reads",
        "pipelines:\n  loop:\n    source: TOPIC\n    sink: KAFKA\n",
        "sluice.yaml:3:15: pipelines.loop.source.kafka.topics: the pipeline would read what it writes to \
         \"logs\"; write another topic",
    ),
    mistake(
        "two pipelines share their checkpoints",
        "pipelines:\n  a:\n    source: FILES\n    sink: KAFKA\n  b:\n    source: FILES\n    sink: KAFKA\n",
        "sluice.yaml:6:15: pipelines.b.source.files.checkpoints: the pipeline a (line 3) keeps its checkpoints \
         in /var/lib/sluice too; write a folder of its own",
    ),
    mistake(
        "two pipelines share a group",
        "pipelines:\n  a:\n    source: TOPIC\n    sink: { kafka: { brokers: [kafka:9092], topic: x } }\n  b:\n    source: TOPIC\n    sink: { kafka: { brokers: [kafka:9092], topic: y } }\n",
        "sluice.yaml:6:15: pipelines.b.source.kafka.group: the pipeline a (line 3) reads \"logs\" in the group \
         \"sluice\" too, and each would see a part of it; write a group of its own",
    ),
    mistake(
        "an index without a place for what it refuses",
        "pipelines:\n  index:\n    source: TOPIC\n    sink: { elasticsearch: { hosts: [https://e:9200] } }\n",
        "sluice.yaml:4:13: pipelines.index.sink.elasticsearch: documents that the index refuses would have \
         nowhere to go; write at the top level \"dead_letter: { kafka: { brokers: [kafka:9092], topic: logs-dead \
         } }\"",
    ),
    mistake(
        "a host without http:// or https://",
        "pipelines:\n  index:\n    source: TOPIC\n    sink: { elasticsearch: { hosts: [\"e:9200\"] } }\ndead_letter: DEAD\n",
        "sluice.yaml:4:38: pipelines.index.sink.elasticsearch.hosts[0]: \"e:9200\" is not an address; write \
         https://e:9200 (or http://)",
    ),
    mistake(
        "a password in an address",
        "pipelines:\n  index:\n    source: TOPIC\n    sink: { elasticsearch: { hosts: [\"https://me:hunter2@e:9200\"] } }\ndead_letter: DEAD\n",
        "sluice.yaml:4:38: pipelines.index.sink.elasticsearch.hosts[0]: credentials do not belong in an address; \
         write \"auth: { user: …, password: { file: /path } }\"",
    ),
    mistake(
        "an index with capitals",
        "pipelines:\n  index:\n    source: TOPIC\n    sink: { elasticsearch: { hosts: [https://e:9200], index: { name: Logs } } }\ndead_letter: DEAD\n",
        "sluice.yaml:4:70: pipelines.index.sink.elasticsearch.index.name: an index cannot be called \"Logs\"; \
         write \"logs\"",
    ),
    mistake(
        "records that may go to any index",
        "pipelines:\n  index:\n    source: TOPIC\n    sink: { elasticsearch: { hosts: [https://e:9200], index: { allow: [\"*\"] } } }\ndead_letter: DEAD\n",
        "sluice.yaml:4:72: pipelines.index.sink.elasticsearch.index.allow[0]: \"*\" would let records go anywhere; \
         write what the allowed names begin with, as in \"audit-*\"",
    ),
    mistake(
        "records that choose their topic freely",
        "pipelines:\n  ship:\n    source: FILES\n    sink: { kafka: { brokers: [kafka:9092], topic: logs, topic_key: team } }\n",
        "sluice.yaml:4:58: pipelines.ship.sink.kafka.topic_key: lets records choose their topic; write which they may \
         choose, as in \"allow_topics: [\"audit-*\"]\"",
    ),
    mistake(
        "a field to leave out that nobody named",
        "pipelines:\n  ship:\n    source: FILES\n    sink: { kafka: { brokers: [kafka:9092], topic: logs, exclude_topic_key: true } }\n",
        "sluice.yaml:4:58: pipelines.ship.sink.kafka.exclude_topic_key: there is no topic_key whose field it could leave \
         out; write both, or neither",
    ),
    mistake(
        "topics without a place for records that name another",
        "pipelines:\n  ship:\n    source: FILES\n    sink: { kafka: { brokers: [kafka:9092], topic: logs, allow_topics: [audit] } }\n",
        "sluice.yaml:4:13: pipelines.ship.sink.kafka: records that name a topic not allowed would have nowhere to go; \
         write at the top level \"dead_letter: { kafka: { brokers: [kafka:9092], topic: logs-dead } }\"",
    ),
    mistake(
        "a user without a password",
        "pipelines:\n  index:\n    source: TOPIC\n    sink: { elasticsearch: { hosts: [https://e:9200], auth: { user: elastic } } }\ndead_letter: DEAD\n",
        "sluice.yaml:4:55: pipelines.index.sink.elasticsearch.auth.password: missing; write \"password: { file: \
         /path }\"",
    ),
    mistake(
        "a webhook's URL in the document",
        "pipelines:\n  alert:\n    source: TOPIC\n    plugins: [NOTIFIER]\n    sink: { slack: { webhook: https://hooks.slack.com/services/T0/B0/hunter2 } }\n",
        "sluice.yaml:5:31: pipelines.alert.sink.slack.webhook: a secret does not belong in the document; write \
         \"{ file: /path }\" or \"{ env: NAME }\"",
    ),
    mistake(
        "alerts that nobody raises",
        "pipelines:\n  alert:\n    source: TOPIC\n    sink: { slack: { webhook: URL } }\n",
        "sluice.yaml:4:13: pipelines.alert.sink.slack: needs a notifier, which says what is an alert; write in \
         the pipeline \"plugins: [{ name: exceptions, component: /etc/sluice/plugins/exception-notifier.wasm }]\"",
    ),
    mistake(
        "a queue of nothing",
        "pipelines:\n  alert:\n    source: TOPIC\n    plugins: [NOTIFIER]\n    sink: { slack: { webhook: URL, queue: 0 } }\n",
        "sluice.yaml:5:79: pipelines.alert.sink.slack.queue: 0 is out of range; write 1 to 10000",
    ),
    mistake(
        "`max_age` without a unit",
        "pipelines:\n  alert:\n    source: TOPIC\n    plugins: [NOTIFIER]\n    sink: { slack: { webhook: URL, max_age: 5 } }\n",
        "sluice.yaml:5:81: pipelines.alert.sink.slack.max_age: 5 has no unit; write it like 5s, 500ms, 1m or 1h, \
         or off",
    ),
    mistake(
        "a grant that nobody can give",
        "pipelines:\n  ship:\n    source: FILES\n    plugins: [{ name: f, component: f.wasm, grant: [network] }]\n    sink: KAFKA\n",
        "sluice.yaml:4:53: pipelines.ship.plugins[0].grant[0]: \"network\" is not among the choices; write clock or random",
    ),
    mistake(
        "an `on_fault` that does not exist",
        "pipelines:\n  ship:\n    source: FILES\n    plugins: [{ name: f, component: f.wasm, on_fault: drop }]\n    sink: KAFKA\n",
        "sluice.yaml:4:55: pipelines.ship.plugins[0].on_fault: \"drop\" is not among the choices; write pass, \
         dead_letter or halt",
    ),
    mistake(
        "faults to the dead letters, and there are none",
        "pipelines:\n  ship:\n    source: FILES\n    plugins: [{ name: f, component: f.wasm, on_fault: dead_letter }]\n    sink: KAFKA\n",
        "sluice.yaml:4:45: pipelines.ship.plugins[0].on_fault: records would have nowhere to go; write at the \
         top level \"dead_letter: { kafka: { brokers: [kafka:9092], topic: logs-dead } }\", or pass or halt here",
    ),
    mistake(
        "a share of records without a percent sign",
        "pipelines:\n  ship:\n    source: FILES\n    plugins: [{ name: f, component: f.wasm, trial: { max_drop: 50 } }]\n    sink: KAFKA\n",
        "sluice.yaml:4:64: pipelines.ship.plugins[0].trial.max_drop: 50 is no share; write it like 50% or 0.5%",
    ),
    mistake(
        "crash bundles without a folder",
        "pipelines:\n  ship:\n    source: FILES\n    sink: KAFKA\ncrash_bundles: { keep: 5 }\n",
        "sluice.yaml:5:1: crash_bundles.folder: missing; write \"folder: /var/lib/sluice/crashes\"",
    ),
    mistake(
        "crash bundles of which none is kept",
        "pipelines:\n  ship:\n    source: FILES\n    sink: KAFKA\ncrash_bundles: { folder: /crashes, keep: 0 }\n",
        "sluice.yaml:5:42: crash_bundles.keep: 0 is out of range; write 1 to 1000",
    ),
    mistake(
        "crash bundles that are just switched on",
        "pipelines:\n  ship:\n    source: FILES\n    sink: KAFKA\ncrash_bundles: true\n",
        "sluice.yaml:5:16: crash_bundles: expected a block of keys, not true or false",
    ),
    mistake(
        "a plugin that is private by a word",
        "pipelines:\n  ship:\n    source: FILES\n    plugins: [{ name: f, component: f.wasm, private: \"yes\" }]\n    sink: KAFKA\n",
        "sluice.yaml:4:54: pipelines.ship.plugins[0].private: expected true or false, not \"yes\"",
    ),
    mistake(
        "an admin address without a port",
        "pipelines:\n  ship:\n    source: FILES\n    sink: KAFKA\nadmin: { listen: 127.0.0.1 }\n",
        "sluice.yaml:5:18: admin.listen: \"127.0.0.1\" has no port; write 127.0.0.1:9600",
    ),
    mistake(
        "an admin address that is a URL",
        "pipelines:\n  ship:\n    source: FILES\n    sink: KAFKA\nadmin: { listen: \"http://0.0.0.0:9600\" }\n",
        "sluice.yaml:5:18: admin.listen: \"http://0.0.0.0:9600\" is not an address to listen on; write HOST:PORT \
         with a numeric address such as 0.0.0.0:9600",
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
