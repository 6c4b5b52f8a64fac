//! Examples that travel in real components.
use sluice_wasm::examples::{embed, parse, verify};
use sluice_wasm::{Component, Limits};

use crate::components::{ENGINE, bytes, load};

/// What differs when the examples of `text` are run against the component; empty if they come out as they should.
#[track_caller]
fn run(component: &str, text: &str) -> Vec<String> {
    let run = |example: &sluice_wasm::examples::Example| example.run(&load(component), &Limits::default());
    let failed = parse(text).unwrap_or_else(|error| panic!("{error}"));
    failed.iter().filter_map(|example| run(example).err()).flat_map(|failed| failed.differences).collect()
}

#[test]
fn a_filter_is_held_to_what_it_keeps() {
    let example = |expect: &str| {
        let records = r#"[{"level":"debug"},{"level":"info"},{"level":"error"}]"#;
        let config = r#"{"at_least":"info","field":"level"}"#;
        format!(r#"{{"name":"drops debug","config":{config},"records":{records},"expect":{expect}}}"#)
    };
    assert_eq!(run("level-filter", &example(r#"{"kept":[1,2]}"#)), [""; 0]);
    assert_eq!(run("level-filter", &example(r#"{"records":[{"level":"info"},{"level":"error"}]}"#)), [""; 0]);
    assert_eq!(run("level-filter", &example(r#"{"kept":[2]}"#)), ["records [1, 2] are left, expected [2]"]);
    assert_eq!(
        run("level-filter", &example(r#"{"records":[{"level":"warn","more":1}]}"#)),
        [
            "2 records come out, expected 1",
            r#"record 0, level: "info" came out, expected "warn""#,
            "record 0, more: nothing came out, expected 1",
            r#"record 1: {"level":"error"} was not expected"#,
        ]
    );
}

#[test]
fn options_that_are_refused_can_be_expected() {
    let example = |expect: &str| {
        format!(r#"{{"name":"loud","config":{{"at_least":"loud"}},"records":[{{}}],"expect":{expect}}}"#)
    };
    assert_eq!(run("level-filter", &example(r#"{"refused":"at_least"}"#)), [""; 0]);
    let differences = run("level-filter", &example(r#"{"refused":"of no use"}"#));
    assert!(differences[0].contains("which does not say \"of no use\""), "{differences:?}");
    assert!(run("level-filter", &example(r#"{"kept":[]}"#))[0].starts_with("its options are refused: "));
    let taken = r#"{"name":"it","config":{"at_least":"info"},"expect":{"refused":"x"}}"#;
    assert_eq!(run("level-filter", taken), ["the options are taken, and were to be refused with \"x\""]);
}

#[test]
fn an_enricher_is_held_to_its_records() {
    let example = |user: &str| {
        let records = r#"[{"log":"{\"user\":\"ann\"}"},{"log":"text"}]"#;
        let expect = format!(r#"{{"records":[{{"log":"{{\"user\":\"ann\"}}","user":"{user}"}},{{"log":"text"}}]}}"#);
        format!(r#"{{"name":"promotes","config":{{"fields":["user"]}},"records":{records},"expect":{expect}}}"#)
    };
    let promoted = run("json-promote", &example("ann"));
    let other = run("json-promote", &example("bob"));
    assert_eq!(other.len(), promoted.len() + 1, "{other:?} beside {promoted:?}");
    assert!(other.iter().any(|line| line == r#"record 0, user: "ann" came out, expected "bob""#), "{other:?}");
}

#[test]
fn a_notifier_is_held_to_its_alerts() {
    let example = |alerts: &str| {
        let records = r#"[{"log":"all is well"},{"log":"java.lang.Exception: no"}]"#;
        format!(r#"{{"name":"tells","records":{records},"ticks":[1],"expect":{{"alerts":{alerts}}}}}"#)
    };
    assert_eq!(run("exception-notifier", &example(r#"[{"item":1}]"#)), [""; 0]);
    assert_eq!(run("exception-notifier", &example(r#"[{"item":0}]"#)), ["alert 0, item: 1 came out, expected 0"]);
    let none = run("exception-notifier", &example("[]"));
    assert_eq!(none[0], "1 alerts come out, expected 0");
}

#[test]
fn a_fault_fails_an_example() {
    let example =
        |config: &str| format!(r#"{{"name":"it","config":{config},"records":[{{}}],"expect":{{"kept":[0]}}}}"#);
    let differences = run("misbehaves", &example(r#"{"do":"always-trap"}"#));
    assert!(differences[0].starts_with("`filter` of sha256:"), "{differences:?}");
}

#[test]
fn a_component_brings_its_examples() {
    let limits = Limits::default();
    let verified = |text: &str| {
        let with = embed(&bytes("level-filter"), text).unwrap();
        let component = Component::load(&ENGINE, &with, &limits).unwrap();
        verify(&with, &component, &limits)
    };
    let example = |kept: u32| {
        format!(
            r#"{{"name":"keeps info","config":{{"at_least":"info","field":"level"}},"records":[{{"level":"debug"}},{{"level":"info"}}],"expect":{{"kept":[{kept}]}}}}"#
        )
    };
    assert_eq!(verified(&example(1)), Ok(1));
    assert_eq!(
        verified(&example(0)),
        Err("its example \"keeps info\" fails: records [1] are left, expected [0]".into())
    );
    assert_eq!(verify(&bytes("misbehaves"), &load("misbehaves"), &limits), Ok(0));
}
