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
    mistake(
        "a component that is not there",
        plugin("{ name: f, component: /nowhere/f.wasm }"),
        "pipeline p: plugin f: cannot read its component /nowhere/f.wasm; mount it, or correct `component`: No such file or directory (os error 2)",
    ),
    mistake(
        "a folder in place of a component",
        plugin("{ name: f, component: FOLDER }"),
        "pipeline p: plugin f: cannot read its component FOLDER; mount it, or correct `component`: Is a directory (os error 21)",
    ),
    mistake(
        "an empty file",
        plugin("{ name: f, component: FOLDER/empty.wasm }"),
        "pipeline p: plugin f: FOLDER/empty.wasm (sha256:DIGEST): is not a valid component: unexpected \
         end-of-file (at offset 0x0); build it, or copy it, anew",
    ),
    mistake(
        "a file with anything in it",
        plugin("{ name: f, component: FOLDER/random.wasm }"),
        "pipeline p: plugin f: FOLDER/random.wasm (sha256:DIGEST): is not a valid component: magic header not \
         detected: bad magic number - expected=[     0x0,     0x61,     0x73,     0x6d, ] actual=[     0x61,     \
         0x6e,     0x79,     0x74, ] (at offset 0x0); build it, or copy it, anew",
    ),
    mistake(
        "a file that was copied half",
        plugin("{ name: f, component: FOLDER/half.wasm }"),
        "pipeline p: plugin f: FOLDER/half.wasm (sha256:DIGEST): is not a valid component: section range \
         10..110 is out of bounds (bound = 20); build it, or copy it, anew",
    ),
    mistake(
        "a core module",
        plugin("{ name: f, component: FOLDER/core.wasm }"),
        "pipeline p: plugin f: FOLDER/core.wasm (sha256:DIGEST): is a core module, not a component; `./dev \
         components` makes components, or wrap it with `wasm-tools component new`",
    ),
    mistake(
        "a file larger than a component may be",
        plugin("{ name: f, component: FOLDER/large.wasm }"),
        "pipeline p: plugin f: FOLDER/large.wasm (sha256:DIGEST): is 16777217 bytes large, more than the \
         16777216 that are allowed; build it optimized and without debug information",
    ),
    mistake(
        "a compressed file that was copied half",
        plugin("{ name: f, component: FOLDER/half.wasm.gz }"),
        "pipeline p: plugin f: FOLDER/half.wasm.gz: is compressed with gzip and cannot be unpacked: incomplete \
         deflate stream; compress it, or copy it, anew",
    ),
    mistake(
        "a compressed file of 64 KiB that holds 2 GiB",
        plugin("{ name: f, component: FOLDER/bomb.wasm.zst }"),
        "pipeline p: plugin f: FOLDER/bomb.wasm.zst: is compressed and holds more than the 16777216 bytes that are \
         allowed; build it optimized and without debug information",
    ),
    mistake(
        "another component than the pinned one",
        plugin(
            "{ name: f, component: COMPONENTS/level-filter.wasm, config: { at_least: info }, sha256: \
             \"00000000000000000000000000000000000000000000000000000000000000ab\" }",
        ),
        "pipeline p: plugin f: COMPONENTS/level-filter.wasm (sha256:DIGEST): its `sha256` allows sha256:DIGEST only; if \
         this is the component that is to run, write \"sha256: DIGEST\"",
    ),
    mistake(
        "a component of another world",
        plugin("{ name: f, component: COMPONENTS/no-plugin.wasm }"),
        "pipeline p: plugin f: COMPONENTS/no-plugin.wasm (sha256:DIGEST): exports greet, and a plugin exports \
         one of sluice:plugin/filter@0.1, …/enricher@0.1 and …/notifier@0.1; build it against the interface in \
         wit/",
    ),
    mistake(
        "a component for a later version",
        plugin("{ name: f, component: FOLDER/later.wasm }"),
        "pipeline p: plugin f: FOLDER/later.wasm (sha256:DIGEST): exports sluice:plugin/filter@0.2.0, and this \
         version speaks 0.1; build it against the interface in wit/",
    ),
    mistake(
        "a component without `lifecycle`",
        plugin("{ name: f, component: FOLDER/lifeless.wasm }"),
        "pipeline p: plugin f: FOLDER/lifeless.wasm (sha256:DIGEST): does not export \
         sluice:plugin/lifecycle@0.1, which every plugin does; build it against the interface in wit/",
    ),
    mistake(
        "a component that wants a clock",
        plugin("{ name: f, component: COMPONENTS/wants-clock.wasm }"),
        "pipeline p: plugin f: COMPONENTS/wants-clock.wasm (sha256:DIGEST): imports hostile:wants-clock/clock, \
         which nothing grants: a plugin reaches sluice:plugin/log@0.1, and a WASI that is empty; for Rust build it for \
         wasm32-unknown-unknown, where nothing else is imported",
    ),
    mistake(
        "a component that reads a clock and was not granted one",
        plugin("{ name: f, component: FOLDER/asks-wasi.wasm.gz, config: { at: now } }"),
        "pipeline p: plugin f: FOLDER/asks-wasi.wasm.gz (sha256:DIGEST): `configure` of sha256:DIGEST failed: needs \
         `grant: [clock]` beside its `component` to call wasi:clocks/wall-clock#now",
    ),
    mistake(
        "level-filter: a misspelt option",
        plugin("{ name: f, component: COMPONENTS/level-filter.wasm, config: { at_leest: info } }"),
        "pipeline p: plugin f: COMPONENTS/level-filter.wasm (sha256:DIGEST): `configure` of sha256:DIGEST (version 0.1.0) \
         returned an error: unknown field `at_leest`, expected one of `at_least`, `field`, `parse_text`",
    ),
    mistake(
        "level-filter: a level that does not exist",
        plugin("{ name: f, component: COMPONENTS/level-filter.wasm, config: { at_least: loud } }"),
        "pipeline p: plugin f: COMPONENTS/level-filter.wasm (sha256:DIGEST): `configure` of sha256:DIGEST (version 0.1.0) \
         returned an error: at_least: no level is called \"loud\"; levels are trace, debug, info, warn, error \
         and fatal",
    ),
    mistake(
        "level-filter: no options",
        plugin("{ name: f, component: COMPONENTS/level-filter.wasm }"),
        "pipeline p: plugin f: COMPONENTS/level-filter.wasm (sha256:DIGEST): `configure` of sha256:DIGEST (version 0.1.0) \
         returned an error: missing field `at_least`",
    ),
    mistake(
        "redact: nothing to redact",
        plugin("{ name: r, component: COMPONENTS/redact.wasm, config: { rules: [] } }"),
        "pipeline p: plugin r: COMPONENTS/redact.wasm (sha256:DIGEST): `configure` of sha256:DIGEST (version 0.1.0) returned an \
         error: rules: nothing to redact; name a rule, or give patterns",
    ),
    mistake(
        "redact: a rule that does not exist",
        plugin("{ name: r, component: COMPONENTS/redact.wasm, config: { rules: [phone] } }"),
        "pipeline p: plugin r: COMPONENTS/redact.wasm (sha256:DIGEST): `configure` of sha256:DIGEST (version 0.1.0) returned an \
         error: rules[0]: unknown variant `phone`, expected one of `email`, `credit-card`, `bearer`, \
         `api-token`, `ip`",
    ),
    mistake(
        "redact: a regex that is none",
        plugin("{ name: r, component: COMPONENTS/redact.wasm, config: { patterns: [{ name: k, regex: \"(a\" }] } }"),
        "pipeline p: plugin r: COMPONENTS/redact.wasm (sha256:DIGEST): `configure` of sha256:DIGEST (version 0.1.0) returned an \
         error: patterns[0].regex: a ( is not closed; write \\( for the character",
    ),
    mistake(
        "redact: records may pass it unredacted",
        plugin("{ name: r, component: COMPONENTS/redact.wasm, config: { rules: [email] }, on_fault: pass }"),
        "pipeline p: plugin r: COMPONENTS/redact.wasm (sha256:DIGEST): refuses on_fault: pass, since no record \
         may go on without its answer; write on_fault: dead_letter or on_fault: halt",
    ),
    mistake(
        "json-promote: no field to lift",
        plugin("{ name: j, component: COMPONENTS/json-promote.wasm, config: { fields: [] } }"),
        "pipeline p: plugin j: COMPONENTS/json-promote.wasm (sha256:DIGEST): `configure` of sha256:DIGEST (version 0.1.0) \
         returned an error: fields: name 1 to 32 fields to lift, not 0",
    ),
    mistake(
        "json-promote: a place inside of its own source",
        plugin("{ name: j, component: COMPONENTS/json-promote.wasm, config: { fields: [a], prefix: log } }"),
        "pipeline p: plugin j: COMPONENTS/json-promote.wasm (sha256:DIGEST): `configure` of sha256:DIGEST (version 0.1.0) \
         returned an error: fields[0]: log.a cannot be set, since log is the text that it comes from; say where \
         to with `to` or `prefix`",
    ),
    mistake(
        "exception-notifier: a colour that is none",
        Given {
            plugins: "{ name: e, component: COMPONENTS/exception-notifier.wasm, config: { color: red } }",
            sink: SLACK,
            rest: DEAD,
        },
        "pipeline p: plugin e: COMPONENTS/exception-notifier.wasm (sha256:DIGEST): `configure` of sha256:DIGEST (version 0.1.0) \
         returned an error: color: expected one such as #00FF00, not \"red\"",
    ),
    mistake(
        "exception-notifier: nothing to look for",
        Given {
            plugins: "{ name: e, component: COMPONENTS/exception-notifier.wasm, config: { patterns: [] } }",
            sink: SLACK,
            rest: DEAD,
        },
        "pipeline p: plugin e: COMPONENTS/exception-notifier.wasm (sha256:DIGEST): `configure` of sha256:DIGEST (version 0.1.0) \
         returned an error: patterns: name at least one word to look for",
    ),
    mistake(
        "alerts that no plugin raises",
        Given {
            plugins: "{ name: f, component: COMPONENTS/level-filter.wasm, config: { at_least: info } }",
            sink: SLACK,
            rest: DEAD,
        },
        "pipeline p: slack sink: posts alerts, and no plugin of its pipeline raises any; add a notifier to \
         `plugins`, as in \"- { name: exceptions, component: /etc/sluice/plugins/exception-notifier.wasm }\"",
    ),
    mistake(
        "a notifier whose alerts nobody posts",
        plugin("{ name: e, component: COMPONENTS/exception-notifier.wasm }"),
        "pipeline p: plugin e: is a notifier, and its pipeline's sink posts no alerts; give it a pipeline of its \
         own with \"sink: { slack: { webhook: { file: /etc/sluice/secrets/slack-url } } }\"",
    ),
    mistake(
        "a filter behind a notifier",
        Given {
            plugins: "{ name: e, component: COMPONENTS/exception-notifier.wasm }, { name: f, component: COMPONENTS/level-filter.wasm, config: { at_least: info } }",
            sink: SLACK,
            rest: DEAD,
        },
        "pipeline p: plugin f: a filter stands behind the notifier e; put notifiers last",
    ),
    mistake(
        "faults to the dead letters, and there are none",
        Given {
            plugins: "{ name: f, component: COMPONENTS/level-filter.wasm, config: { at_least: info } }",
            sink: KAFKA,
            rest: "",
        },
        "pipeline p: plugin f: a record that it cannot answer for goes to the dead-letter topic (on_fault: \
         dead_letter, the default of filters and enrichers), and there is none; add a `dead_letter` block, or \
         write on_fault: halt or on_fault: pass",
    ),
    mistake(
        "a webhook's file that is not there",
        Given {
            plugins: "{ name: e, component: COMPONENTS/exception-notifier.wasm }",
            sink: "{ slack: { webhook: { file: FOLDER/nowhere } } }",
            rest: "",
        },
        "pipeline p: slack sink: cannot read the secret FOLDER/nowhere; mount it, or name another file: No such \
         file or directory (os error 2)",
    ),
    mistake(
        "a webhook without encryption",
        Given {
            plugins: "{ name: e, component: COMPONENTS/exception-notifier.wasm }",
            sink: "{ slack: { webhook: { file: FOLDER/http } } }",
            rest: "",
        },
        "pipeline p: slack sink: the webhook's URL must begin with https://; http:// is for a receiver on this \
         machine alone (127.0.0.1)",
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
        // A section of 100 bytes, of which 10 are there.
        ("half.wasm", [b"\0asm\x0d\0\x01\0\x01\x64", [0; 10].as_slice()].concat()),
        ("core.wasm", b"\0asm\x01\0\0\0".to_vec()),
        ("large.wasm", vec![0; (16 << 20) + 1]),
        ("later.wasm", renamed("plugin/filter@0.1.0", "plugin/filter@0.2.0")),
        ("lifeless.wasm", renamed("plugin/lifecycle@0.1.0", "plugin/lifecycle@0.2.0")),
        ("asks-wasi.wasm.gz", include_bytes!("../../../../router/wasm/tests/wasip2/asks-wasi.wasm.gz").to_vec()),
        ("half.wasm.gz", [&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3][..], &[0x4b, 0x4c]].concat()),
        ("bomb.wasm.zst", bomb()),
        ("url", b"http://127.0.0.1:9/services/T0/B0/hunter2".to_vec()),
        ("http", b"http://example.org/services/T0/B0/hunter2".to_vec()),
    ] {
        fs::write(folder.join(name), bytes).unwrap();
    }
}

/// A frame of zstd with 16,000 blocks, each of which is 128 KiB of zeros in four bytes.
fn bomb() -> Vec<u8> {
    let blocks = std::iter::repeat_n([0x02, 0x00, 0x10, 0x00], 16_000).flatten();
    [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58].into_iter().chain(blocks).collect()
}

/// The text with what differs from build to build put apart.
pub fn lasting(text: &str) -> String {
    let mut parts = text.split("sha256:");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        let space = if part.starts_with(' ') { " " } else { "" };
        text + "sha256:" + space + "DIGEST" + part.get(64 + space.len()..).unwrap_or_default()
    })
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
    assert!(!found.iter().any(|text| text.contains("hunter2")), "{found:#?}");
}
