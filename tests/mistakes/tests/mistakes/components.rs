//! What is refused before anything flows: components, their options, and what does not fit together. `COMPONENTS` stands
//! for the folder of the components of `./dev components`, `FOLDER` for one with the files of [`write_files`].

use std::{fs, path::Path};

use sluice::{config, process::Process};
use sluice_mistakes::{Mistake, differences, mistake};

use crate::faults::components;

/// A plugin, its sink, and what follows the pipelines.
pub struct Given {
    plugins: &'static str,
    sink: &'static str,
    rest: &'static str,
}

const KAFKA: &str = "{ kafka: { brokers: [localhost:1], topic: logs } }";
const SLACK: &str = "{ slack: { webhook: { file: FOLDER/url } } }";
const DEAD: &str = "dead_letter: { kafka: { brokers: [localhost:1], topic: dead } }";

const fn plugin(plugins: &'static str) -> Given {
    Given { plugins, sink: KAFKA, rest: DEAD }
}

pub const TABLE: &[Mistake<Given>] = &[
    mistake("a component that is not there", plugin("{ name: f, component: /nowhere/f.wasm }"), ""),
    mistake("a folder in place of a component", plugin("{ name: f, component: FOLDER }"), ""),
    mistake("an empty file", plugin("{ name: f, component: FOLDER/empty.wasm }"), ""),
    mistake("a file with anything in it", plugin("{ name: f, component: FOLDER/random.wasm }"), ""),
    mistake("a file that was copied half", plugin("{ name: f, component: FOLDER/half.wasm }"), ""),
    mistake("a core module", plugin("{ name: f, component: FOLDER/core.wasm }"), ""),
    mistake("a file larger than a component may be", plugin("{ name: f, component: FOLDER/large.wasm }"), ""),
    mistake("a component of another world", plugin("{ name: f, component: COMPONENTS/no-plugin.wasm }"), ""),
    mistake("a component for a later version", plugin("{ name: f, component: FOLDER/later.wasm }"), ""),
    mistake("a component without `lifecycle`", plugin("{ name: f, component: FOLDER/lifeless.wasm }"), ""),
    mistake("a component that wants a clock", plugin("{ name: f, component: COMPONENTS/wants-clock.wasm }"), ""),
    mistake(
        "level-filter: a misspelt option",
        plugin("{ name: f, component: COMPONENTS/level-filter.wasm, config: { at_leest: info } }"),
        "",
    ),
    mistake(
        "level-filter: a level that does not exist",
        plugin("{ name: f, component: COMPONENTS/level-filter.wasm, config: { at_least: loud } }"),
        "",
    ),
    mistake("level-filter: no options", plugin("{ name: f, component: COMPONENTS/level-filter.wasm }"), ""),
    mistake(
        "redact: nothing to redact",
        plugin("{ name: r, component: COMPONENTS/redact.wasm, config: { rules: [] } }"),
        "",
    ),
    mistake(
        "redact: a rule that does not exist",
        plugin("{ name: r, component: COMPONENTS/redact.wasm, config: { rules: [phone] } }"),
        "",
    ),
    mistake(
        "redact: a regex that is none",
        plugin("{ name: r, component: COMPONENTS/redact.wasm, config: { patterns: [{ name: k, regex: \"(a\" }] } }"),
        "",
    ),
    mistake(
        "redact: records may pass it unredacted",
        plugin("{ name: r, component: COMPONENTS/redact.wasm, config: { rules: [email] }, on_fault: pass }"),
        "",
    ),
    mistake(
        "json-promote: no field to lift",
        plugin("{ name: j, component: COMPONENTS/json-promote.wasm, config: { fields: [] } }"),
        "",
    ),
    mistake(
        "json-promote: a place inside of its own source",
        plugin("{ name: j, component: COMPONENTS/json-promote.wasm, config: { fields: [a], prefix: log } }"),
        "",
    ),
    mistake(
        "exception-notifier: a colour that is none",
        Given {
            plugins: "{ name: e, component: COMPONENTS/exception-notifier.wasm, config: { color: red } }",
            sink: SLACK,
            rest: DEAD,
        },
        "",
    ),
    mistake(
        "exception-notifier: nothing to look for",
        Given {
            plugins: "{ name: e, component: COMPONENTS/exception-notifier.wasm, config: { patterns: [] } }",
            sink: SLACK,
            rest: DEAD,
        },
        "",
    ),
    mistake(
        "alerts that no plugin raises",
        Given {
            plugins: "{ name: f, component: COMPONENTS/level-filter.wasm, config: { at_least: info } }",
            sink: SLACK,
            rest: DEAD,
        },
        "",
    ),
    mistake(
        "a notifier whose alerts nobody posts",
        plugin("{ name: e, component: COMPONENTS/exception-notifier.wasm }"),
        "",
    ),
    mistake(
        "a filter behind a notifier",
        Given {
            plugins: "{ name: e, component: COMPONENTS/exception-notifier.wasm }, { name: f, component: COMPONENTS/level-filter.wasm, config: { at_least: info } }",
            sink: SLACK,
            rest: DEAD,
        },
        "",
    ),
    mistake(
        "faults to the dead letters, and there are none",
        Given {
            plugins: "{ name: f, component: COMPONENTS/level-filter.wasm, config: { at_least: info } }",
            sink: KAFKA,
            rest: "",
        },
        "",
    ),
    mistake(
        "a webhook's file that is not there",
        Given {
            plugins: "{ name: e, component: COMPONENTS/exception-notifier.wasm }",
            sink: "{ slack: { webhook: { file: FOLDER/nowhere } } }",
            rest: "",
        },
        "",
    ),
    mistake(
        "a webhook without encryption",
        Given {
            plugins: "{ name: e, component: COMPONENTS/exception-notifier.wasm }",
            sink: "{ slack: { webhook: { file: FOLDER/http } } }",
            rest: "",
        },
        "",
    ),
];

fn write_files(folder: &Path) {
    let filter = fs::read(components().join("level-filter.wasm")).unwrap();
    let renamed = |from: &str, to: &str| {
        let mut bytes = filter.clone();
        let at: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(from.as_bytes())).collect();
        assert!(!at.is_empty(), "{from}");
        at.into_iter().for_each(|at| bytes[at..at + to.len()].copy_from_slice(to.as_bytes()));
        bytes
    };
    for (name, bytes) in [
        ("empty.wasm", Vec::new()),
        ("random.wasm", b"anything".to_vec()),
        ("half.wasm", filter[..filter.len() / 2].to_vec()),
        ("core.wasm", b"\0asm\x01\0\0\0".to_vec()),
        ("large.wasm", vec![0; (16 << 20) + 1]),
        ("later.wasm", renamed("plugin/filter@0.1.0", "plugin/filter@0.2.0")),
        ("lifeless.wasm", renamed("plugin/lifecycle@0.1.0", "plugin/lifecycle@0.2.0")),
        ("url", b"http://127.0.0.1:9/services/T0/B0/secret".to_vec()),
        ("http", b"http://example.org/services/T0/B0/secret".to_vec()),
    ] {
        fs::write(folder.join(name), bytes).unwrap();
    }
}

/// The text with what differs from build to build put apart.
pub fn lasting(text: &str) -> String {
    let mut parts = text.split("sha256:");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + "sha256:DIGEST" + part.get(64..).unwrap_or_default())
}

fn say(folder: &Path, given: &Given) -> String {
    let Given { plugins, sink, rest } = given;
    let source = "{ kafka: { brokers: [localhost:1], group: g, topics: [in] } }";
    let document =
        format!("pipelines:\n  p:\n    source: {source}\n    plugins: [{plugins}]\n    sink: {sink}\n{rest}\n");
    let places = [("COMPONENTS", components()), ("FOLDER", folder.to_owned())];
    let document = places.iter().fold(document, |text, (name, place)| text.replace(name, place.to_str().unwrap()));
    let checked = config::check(&document, "sluice.yaml", &|_| None);
    let plan = checked.plan.unwrap_or_else(|| panic!("{:?}", checked.problems));
    let refused = Process::start(Path::new("sluice.yaml"), plan, None).map(|_| ()).expect_err(plugins);
    let text =
        places.iter().fold(format!("{refused:#}"), |text, (name, place)| text.replace(place.to_str().unwrap(), name));
    lasting(&text)
}

#[test]
fn components_and_options() {
    let folder = tempfile::tempdir().unwrap();
    write_files(folder.path());
    let found: Vec<String> = TABLE.iter().map(|mistake| say(folder.path(), &mistake.given)).collect();
    assert_eq!(differences(TABLE, &found), "");
    assert!(!found.iter().any(|text| text.contains("secret")), "{found:#?}");
}
