//! Shipped enrichers: what they change is seen by the next plugin, and is in the record that the sink writes.
use sluice_core::encode::Encoding;
use sluice_core::{Batch, Route};
use sluice_wasm::component::Kind;

use crate::batches::{documents, lines};
use crate::components::{load, named, plugin};
use crate::run::Run;

/// The records as a sink writes them.
fn written(batch: &Batch) -> Vec<String> {
    let write = |index| {
        let mut out = Vec::new();
        Encoding::default().append(batch, index, &mut out);
        String::from_utf8(out).unwrap()
    };
    (0..batch.len()).map(write).collect()
}

const ORIGIN: &str = r#""stream":"stdout","docker":{"container_id":"web-1-id"},"kubernetes":{"pod_name":"web-1","namespace_name":"shop"}"#;

#[test]
fn a_secret_does_not_reach_the_sink() {
    let mut run = Run::new(vec![plugin("redact", "{}")]);
    let kept = run.apply(lines(&run.ledger, &["mail bob@example.com now", "clean", "card 4111 1111 1111 1111"]));
    assert_eq!(
        written(&kept),
        [
            format!(r#"{{"log":"mail [REDACTED:email] now",{ORIGIN}}}"#),
            format!(r#"{{"log":"clean",{ORIGIN}}}"#),
            format!(r#"{{"log":"card [REDACTED:credit-card]",{ORIGIN}}}"#),
        ]
    );
    assert_eq!(run.lineup.current()[0].counters().read().edits, 4, "two texts, and their bytes as read removed");
    run.deliver(kept);

    let kept =
        run.apply(documents(&run.ledger, &[r#"{ "a" : 1,  "log":"bob@example.com", "log_raw":"AA==" ,"z":[]} "#]));
    assert_eq!(written(&kept), [r#"{ "a" : 1,  "log":"[REDACTED:email]" ,"z":[]} "#]);
    run.deliver(kept);
}

#[test]
fn fields_are_promoted_with_their_types() {
    let options = r#"{"fields":["level","n","ok","deep"],"prefix":"app"}"#;
    let mut run = Run::new(vec![plugin("json-promote", options)]);
    let kept = run.apply(lines(&run.ledger, &[r#"{"level":"warn","n":1.50,"ok":true,"deep":{"a":[1]}}"#, "plain"]));
    let written = written(&kept);
    assert!(written[0].ends_with(r#","app":{"level":"warn","n":1.50,"ok":true,"deep":{"a":[1]}}}"#), "{}", written[0]);
    assert_eq!(written[1], format!(r#"{{"log":"plain",{ORIGIN}}}"#));
    run.deliver(kept);
}

#[test]
fn the_next_plugin_sees_what_was_changed() {
    let drops_by =
        |name: &str, field: &str| named(name, "level-filter", &format!(r#"{{"at_least":"info","field":"{field}"}}"#));
    for (shape, enricher, filter) in [
        ("promoted", named("change", "json-promote", r#"{"fields":["level"],"prefix":"app"}"#), "app.level"),
        ("promoted to the top", named("change", "json-promote", r#"{"fields":["level"]}"#), "level"),
        ("promoted elsewhere", named("change", "json-promote", r#"{"fields":["level"],"prefix":"app"}"#), "log.level"),
    ] {
        let mut run = Run::new(vec![drops_by("before", "app.level"), enricher, drops_by("behind", filter)]);
        let all = [r#"{"level":"debug"}"#, r#"{"level":"warn"}"#, "plain"];
        let kept = run.apply(lines(&run.ledger, &all));
        let dropped = |name| run.ledger.dropped_by(name).get();
        assert_eq!((kept.len(), dropped("before"), dropped("behind")), (2, 0, 1), "{shape}");
        run.deliver(kept);
    }
    let mut run = Run::new(vec![
        plugin("redact", r#"{"rules":["email"],"replacement":"debug"}"#),
        named("behind", "level-filter", r#"{"at_least":"info","field":"log"}"#),
    ]);
    let kept = run.apply(lines(&run.ledger, &["a@example.com", "info"]));
    assert_eq!(written(&kept), [format!(r#"{{"log":"info",{ORIGIN}}}"#)]);
    run.deliver(kept);
}

#[test]
fn an_edit_that_is_in_the_way_of_an_other_field_is_counted() {
    let mut run = Run::new(vec![plugin("json-promote", r#"{"fields":["level"],"prefix":"stream"}"#)]);
    let kept = run.apply(lines(&run.ledger, &[r#"{"level":"warn"}"#]));
    assert!(written(&kept)[0].contains(r#""stream":"stdout""#));
    assert_eq!(run.lineup.current()[0].counters().read().blocked, 1);
    run.deliver(kept);
}

#[test]
fn an_enricher_is_described() {
    let redact = load("redact");
    assert_eq!(redact.kind, Kind::Enricher);
    let plugin = plugin("redact", "{}");
    assert!(plugin.manifest().essential);
    assert_eq!(plugin.manifest().writes, [["log_raw"], ["log"]], "the bytes as they were read would tell it all");
}

#[test]
fn edits_of_long_batches_find_their_records() {
    let mut run = Run::new(vec![
        named("drop", "level-filter", r#"{"at_least":"info","parse_text":true}"#),
        plugin("redact", r#"{"rules":["email"]}"#),
    ]);
    let all: Vec<String> = (0..20_000)
        .map(|n| match n % 3 {
            0 => format!("[DEBUG] {n}"),
            1 => format!("info {n} bob@example.com"),
            _ => format!("info {n}"),
        })
        .collect();
    let kept = run.apply(lines(&run.ledger, &all.iter().map(String::as_str).collect::<Vec<_>>()));
    let expect = (0..20_000).filter(|n| n % 3 != 0).map(|n| match n % 3 {
        1 => format!(r#"{{"log":"info {n} [REDACTED:email]",{ORIGIN}}}"#),
        _ => format!(r#"{{"log":"info {n}",{ORIGIN}}}"#),
    });
    assert!(written(&kept).into_iter().eq(expect));
    run.deliver(kept);
}

#[test]
fn a_plugin_says_where_a_record_goes_and_the_next_one_sees_it() {
    let mut run = Run::new(vec![
        named("names", "json-promote", r#"{"fields":["topic","index"],"prefix":"@metadata"}"#),
        named("reads", "level-filter", r#"{"at_least":"info","field":"@metadata.topic"}"#),
    ]);
    let all = [r#"{"topic":"audit","index":"a"}"#, r#"{"topic":"debug"}"#, "plain", r#"{"topic":5}"#];
    let kept = run.apply(lines(&run.ledger, &all));
    assert_eq!(run.ledger.dropped_by("reads").get(), 1);
    let edits = kept.edits().expect("routes are kept with the edits");
    let named = |record| [Route::Topic, Route::Index].map(|route| edits.route(record, route).map(String::from));
    assert_eq!(
        [named(0), named(1), named(2)],
        [[Some("audit".into()), Some("a".into())], [None, None], [Some("5".into()), None],]
    );
    // It is no part of the JSON.
    assert!(written(&kept).iter().all(|json| !json.contains("@metadata")));
    run.deliver(kept);
}
