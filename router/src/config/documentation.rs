//! Holds the documents against the code: their examples are sound, and docs/configuration.md names every key.

use std::path::Path;

use super::document::{Node, Value, parse};
use super::problem::Findings;
use super::{Problem, Severity, check};

const PIPELINE: &str = "pipelines:\n  example:\n";
const SOURCE: &str = "    source: { kafka: { brokers: [kafka:9092], group: example, topics: [in] } }\n";
const SINK: &str = "    sink: { kafka: { brokers: [kafka:9092], topic: out } }\n";
const DEAD_LETTER: &str = "dead_letter: { kafka: { brokers: [kafka:9092], topic: dead } }\n";

fn document(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)).unwrap()
}

/// An example as a whole document, by the key it begins with.
fn whole(example: &str) -> String {
    let part: String = example.lines().map(|line| format!("    {line}\n")).collect();
    match example.split(':').next().unwrap_or_default() {
        "pipelines" => example.to_owned(),
        "source" => [PIPELINE, &part, SINK].concat(),
        "plugins" => [PIPELINE, SOURCE, &part, SINK, DEAD_LETTER].concat(),
        "sink" => [PIPELINE, SOURCE, &part, DEAD_LETTER].concat(),
        "dead_letter" | "grace_period" | "admin" | "crash_bundles" | "plugin_cache" => {
            [PIPELINE, SOURCE, SINK, example].concat()
        }
        other => panic!("an example begins with {other:?}, which belongs nowhere"),
    }
}

/// A variable whose name says that it is an address holds one.
fn environment(name: &str) -> String {
    if name.ends_with("_URL") { "https://example.org/x".to_owned() } else { "value".to_owned() }
}

#[test]
fn examples_are_sound() {
    for (path, examples) in [
        ("docs/configuration.md", 9),
        ("docs/migration.md", 1),
        ("docs/operations.md", 1),
        ("README.md", 1),
        ("plugins/level-filter/README.md", 1),
        ("plugins/match/README.md", 1),
        ("plugins/route/README.md", 1),
        ("plugins/static-fields/README.md", 1),
        ("plugins/redact/README.md", 1),
        ("plugins/json-promote/README.md", 1),
        ("plugins/exception-notifier/README.md", 1),
    ] {
        examples_of(path, examples);
    }
}

fn examples_of(path: &str, at_least: usize) {
    let text = document(path);
    let examples: Vec<&str> = text.split("```yaml\n").skip(1).map(|after| after.split("```").next().unwrap()).collect();
    assert!(examples.len() >= at_least, "{} examples in {path}", examples.len());
    for example in examples {
        let checked = check(&whole(example), path, &|name| Some(environment(name)));
        let errors: Vec<&Problem> =
            checked.problems.iter().filter(|problem| problem.severity == Severity::Error).collect();
        assert!(errors.is_empty(), "{example}\n{errors:#?}");
    }
}

/// `testdata/good/everything.yaml` holds every key there is.
#[test]
fn every_key_is_described() {
    let text = document("docs/configuration.md");
    let everything = include_str!("testdata/good/everything.yaml");
    let root = parse(everything, &Findings::new("everything.yaml", everything)).unwrap();
    let mut keys = Vec::new();
    collect(&root, &mut keys);
    assert!(keys.contains(&"scan_interval") && keys.contains(&"max_interval"), "{keys:?}");
    for key in keys {
        assert!(text.contains(&format!("`{key}`")), "docs/configuration.md does not describe {key:?}");
    }
}

/// All keys but those that a writer chooses: names of pipelines, librdkafka's properties, a plugin's own config.
fn collect<'a>(node: &'a Node, keys: &mut Vec<&'a str>) {
    match &node.value {
        Value::List(items) => items.iter().for_each(|item| collect(item, keys)),
        Value::Map(entries) => {
            for entry in entries {
                keys.push(&entry.key);
                match (entry.key.as_str(), &entry.value.value) {
                    ("options" | "config", _) => {}
                    ("pipelines", Value::Map(named)) => {
                        named.iter().for_each(|named| collect(&named.value, keys));
                    }
                    _ => collect(&entry.value, keys),
                }
            }
        }
        _ => {}
    }
}
