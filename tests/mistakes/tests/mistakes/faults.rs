//! Plugins that fail while records flow: the components of `tests/hostile`, each asked about one record.

use std::{fs, path::PathBuf, sync::Arc, time::Duration};

use sluice_core::{encode::Encoding, pipeline::Transform};
use sluice_mistakes::{Mistake, differences, mistake};
use sluice_wasm::{Chain, Component, Engine, Limits, Lineup, OnFault, Plugin};

use crate::{
    books::{Letters, documents, generation, settled},
    components::lasting,
    log::Log,
};

/// A component, what it does, and its `on_fault`.
pub struct Given(&'static str, &'static str, OnFault);

pub const TABLE: &[Mistake<Given>] = &[
    mistake(
        "it traps, and records go to the dead letters",
        Given("misbehaves", "trap-on-poison", OnFault::DeadLetter),
        "dead letter, reason fault of p: `filter` of sha256:DIGEST (version 0.1.0) failed: wasm trap: wasm `unreachable` \
         instruction executed in __rustc::rust_begin_unwind\n\
         WARN a record goes to the dead-letter topic plugin=\"p\" fault=`filter` of sha256:DIGEST (version 0.1.0) failed: wasm \
         trap: wasm `unreachable` instruction executed in __rustc::rust_begin_unwind",
    ),
    mistake(
        "it traps, and records may pass",
        Given("misbehaves", "trap-on-poison", OnFault::Pass),
        "1 record goes on\n\
         WARN a record goes on without the plugin's answer plugin=\"p\" fault=`filter` of sha256:DIGEST (version 0.1.0) failed: \
         wasm trap: wasm `unreachable` instruction executed in __rustc::rust_begin_unwind",
    ),
    mistake(
        "it traps, and records have to wait",
        Given("misbehaves", "trap-on-poison", OnFault::Halt),
        "the pipeline waits: plugin p: `filter` of sha256:DIGEST (version 0.1.0) failed: wasm trap: wasm `unreachable` \
         instruction executed in __rustc::rust_begin_unwind\n\
         ERROR halted: `filter` of sha256:DIGEST (version 0.1.0) failed: wasm trap: wasm `unreachable` instruction executed in \
         __rustc::rust_begin_unwind; its records, and everything behind them, wait for another version or config \
         of this plugin plugin=\"p\" records=1 place=logs/0",
    ),
    mistake(
        "it runs for ever",
        Given("misbehaves", "loop", OnFault::DeadLetter),
        "dead letter, reason fault of p: `filter` of sha256:DIGEST (version 0.1.0) failed: used more than 50ms of CPU time in \
         one call in misbehaves::spin\n\
         WARN a record goes to the dead-letter topic plugin=\"p\" fault=`filter` of sha256:DIGEST (version 0.1.0) failed: used \
         more than 50ms of CPU time in one call in misbehaves::spin",
    ),
    mistake(
        "it takes all memory",
        Given("misbehaves", "grow", OnFault::DeadLetter),
        "dead letter, reason fault of p: `filter` of sha256:DIGEST (version 0.1.0) failed: asked for more than 64 MiB of memory \
         in sluice_plugin::heap::Heap<S>::take_large\n\
         WARN a record goes to the dead-letter topic plugin=\"p\" fault=`filter` of sha256:DIGEST (version 0.1.0) failed: asked \
         for more than 64 MiB of memory in sluice_plugin::heap::Heap<S>::take_large",
    ),
    mistake(
        "it calls itself without end",
        Given("misbehaves", "recurse", OnFault::DeadLetter),
        "dead letter, reason fault of p: `filter` of sha256:DIGEST (version 0.1.0) failed: wasm trap: call stack exhausted in \
         misbehaves::recurse\n\
         WARN a record goes to the dead-letter topic plugin=\"p\" fault=`filter` of sha256:DIGEST (version 0.1.0) failed: wasm \
         trap: call stack exhausted in misbehaves::recurse",
    ),
    mistake(
        "it drops a record that is not there",
        Given("misbehaves", "out-of-range", OnFault::DeadLetter),
        "dead letter, reason fault of p: `filter` of sha256:DIGEST (version 0.1.0) returned an answer that cannot be followed: \
         record 1 of a batch of 1\n\
         WARN a record goes to the dead-letter topic plugin=\"p\" fault=`filter` of sha256:DIGEST (version 0.1.0) returned an \
         answer that cannot be followed: record 1 of a batch of 1",
    ),
    mistake(
        "it says that it cannot decide",
        Given("misbehaves", "error", OnFault::DeadLetter),
        "dead letter, reason fault of p: `filter` of sha256:DIGEST (version 0.1.0) returned an error: cannot decide\n\
         WARN a record goes to the dead-letter topic plugin=\"p\" fault=`filter` of sha256:DIGEST (version 0.1.0) returned an \
         error, which the dead letter quotes",
    ),
    mistake(
        "it writes a field that it did not declare",
        Given("misbehaves-enricher", "field-not-declared", OnFault::DeadLetter),
        "dead letter, reason fault of p: `enrich` of sha256:DIGEST (version 0.1.0) returned an answer that cannot be followed: \
         an edit of field 1, and the manifest writes 1\n\
         WARN a record goes to the dead-letter topic plugin=\"p\" fault=`enrich` of sha256:DIGEST (version 0.1.0) returned an \
         answer that cannot be followed: an edit of field 1, and the manifest writes 1",
    ),
    mistake(
        "it writes a number that is none",
        Given("misbehaves-enricher", "number-not-json", OnFault::DeadLetter),
        "dead letter, reason fault of p: `enrich` of sha256:DIGEST (version 0.1.0) returned an answer that cannot be followed: \
         the value for record 0 is not the JSON that its kind says\n\
         WARN a record goes to the dead-letter topic plugin=\"p\" fault=`enrich` of sha256:DIGEST (version 0.1.0) returned an \
         answer that cannot be followed: the value for record 0 is not the JSON that its kind says",
    ),
    mistake(
        "it raises an alert about a record that is not there",
        Given("misbehaves-notifier", "out-of-range", OnFault::DeadLetter),
        "dead letter, reason fault of p: `notify` of sha256:DIGEST (version 0.1.0) returned an answer that cannot be followed: \
         an alert about record 1 of a batch of 1\n\
         WARN a record goes to the dead-letter topic plugin=\"p\" fault=`notify` of sha256:DIGEST (version 0.1.0) returned an \
         answer that cannot be followed: an alert about record 1 of a batch of 1",
    ),
    mistake(
        "it raises an alert of a colour that is none",
        Given("misbehaves-notifier", "bad-color", OnFault::DeadLetter),
        "dead letter, reason fault of p: `notify` of sha256:DIGEST (version 0.1.0) returned an answer that cannot be followed: a \
         colour that is not written as #rrggbb\n\
         WARN a record goes to the dead-letter topic plugin=\"p\" fault=`notify` of sha256:DIGEST (version 0.1.0) returned an \
         answer that cannot be followed: a colour that is not written as #rrggbb",
    ),
];

/// Where `./dev components` puts what it builds.
pub fn components() -> PathBuf {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("SLUICE_COMPONENTS")
        .or_else(|| Some(set("SLUICE_CACHE")?.join("components")))
        .or_else(|| Some(set("XDG_CACHE_HOME")?.join("sluice/components")))
        .or_else(|| Some(set("HOME")?.join(".cache/sluice/components")))
        .expect("HOME is set")
}

async fn say(engine: &Engine, Given(component, trick, on_fault): &Given) -> String {
    let (log, _guard) = Log::start();
    // What ends by itself is to have the time for it, also on a busy machine.
    let cpu = Duration::from_millis(if trick.contains("loop") { 50 } else { 30_000 });
    let limits = Limits { cpu, wall: Duration::from_secs(60), ..Limits::default() };
    let bytes = fs::read(components().join(format!("{component}.wasm"))).expect("run `./dev components`");
    let component = Component::load(engine, &bytes, &limits).unwrap();
    let options = format!(r#"{{"do":"{trick}"}}"#);
    let plugin = Arc::new(Plugin::new("p", component, &options, Some(*on_fault), limits).unwrap());
    let lineup = Lineup::new(vec![plugin.clone()], true).unwrap();
    let (generation, letters) = (generation(), Arc::new(Letters::default()));
    let mut chain = Chain::new(&lineup, &generation, Some(letters.clone()), Encoding::default());
    let batch = documents(&generation, &[r#"{"log":"poison"}"#]);
    let mut outcome = Vec::new();
    // A halted chain waits for another version of its plugin.
    match tokio::time::timeout(Duration::from_secs(10), chain.apply(batch)).await {
        Ok(batch) => {
            let batch = batch.unwrap();
            if !batch.is_empty() {
                outcome.push(format!("{} record goes on", batch.len()));
            }
            batch.into_parts().receipt.delivered();
            settled(&generation).await;
        }
        Err(_) => outcome.push(format!("the pipeline waits: {}", lineup.halted().unwrap())),
    }
    outcome.extend(letters.said().into_iter().map(|(_, said)| said));
    let lines = log.lines().into_iter().filter(|line| line.starts_with("WARN") || line.starts_with("ERROR"));
    lasting(&outcome.into_iter().chain(lines).collect::<Vec<_>>().join("\n"))
}

#[tokio::test]
async fn faults() {
    let engine = Engine::new().unwrap();
    let mut found = Vec::new();
    for mistake in TABLE {
        found.push(say(&engine, &mistake.given).await);
    }
    assert_eq!(differences(TABLE, &found), "");
}
