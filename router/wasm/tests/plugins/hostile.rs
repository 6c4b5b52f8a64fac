//! What the host makes of plugins that break the rules: bounded time and memory, an error that names the plugin, its
//! digest and the call, and every record accounted for.
use std::time::{Duration, Instant};

use sluice_core::Failure;
use sluice_core::failure::Kind;
use sluice_core::pipeline::Transform;
use sluice_wasm::{Limits, OnFault, Plugin};

use crate::batches::{documents, lines, texts};
use crate::components::load;
use crate::run::Run;

fn limits() -> Limits {
    Limits { cpu: Duration::from_millis(50), wall: Duration::from_secs(5), ..Limits::default() }
}

fn start(component: &str, trick: &str) -> Result<Plugin, Failure> {
    let on_fault = Some(OnFault::DeadLetter);
    // What ends by itself is to have the time for it, also on a busy machine.
    let cpu = if trick.contains("loop") { limits().cpu } else { Duration::from_secs(10) };
    let limits = Limits { cpu, ..limits() };
    Plugin::new("bad", load(component), &format!(r#"{{"do":"{trick}"}}"#), on_fault, limits)
}

fn within<T>(limit: Duration, what: &str, work: impl FnOnce() -> T) -> T {
    let started = Instant::now();
    let result = work();
    assert!(started.elapsed() < limit, "{what} took {:?}", started.elapsed());
    result
}

/// Each record of a batch is put aside with the fault, and so is the next batch's: the instance was replaced.
fn check(component: &str, call: &str, trick: &str, expect: &str) {
    let mut run = Run::new(vec![start(component, trick).unwrap()]);
    let digest = run.lineup.current()[0].component().digest;
    for round in 1..=2 {
        let batch = documents(&run.ledger, &[r#"{"log":"poison 1"}"#, r#"{"log":"poison 2"}"#]);
        let kept = within(Duration::from_secs(20), trick, || run.apply(batch));
        assert!(kept.is_empty() && kept.alerts().is_empty(), "{trick}: {kept:?}");
        let letters = run.letters();
        assert_eq!(letters.len(), 2 * round, "{trick}");
        assert_eq!((letters[0].text.as_str(), letters[0].reason.as_str()), (r#"{"log":"poison 1"}"#, "fault of bad"));
        for detail in letters.iter().map(|letter| &letter.detail) {
            assert!(detail.starts_with(&format!("`{call}` of {digest} (version 0.1.0) ")), "{trick}: {detail}");
            assert!(detail.contains(expect), "{trick}: {detail}");
            assert!(detail.len() < 600 && !detail.contains(char::is_control), "{trick}: {detail}");
        }
        run.deliver(kept);
    }
    let counts = run.lineup.current()[0].counters().read();
    // Both records together, and each alone.
    assert_eq!((counts.calls, counts.faults, counts.records), (6, 6, 8), "{trick}");
}

#[test]
fn filters_that_fail() {
    for (trick, expect) in [
        ("loop", "failed: used more than 50ms of CPU time in one call"),
        ("grow", "failed: asked for more than 64 MiB of memory"),
        ("recurse", "failed: wasm trap: call stack exhausted"),
        ("trap-on-poison", "failed: wasm trap: wasm `unreachable` instruction executed"),
        ("out-of-range", "returned an answer that cannot be followed: record "),
        ("descending", "returned an answer that cannot be followed: record 0 is named after record 1"),
        ("twice", "returned an answer that cannot be followed: record 0 is named after record 0"),
        ("too-many", "failed: "),
        ("error", "returned an error: cannot decide"),
        ("error-not-utf8", "failed: invalid utf-8"),
        ("gigabyte", "failed: list pointer/length out of bounds of memory"),
        ("huge-error", "returned an error: e e e e"),
        ("huge-log", "failed: "),
    ] {
        check("misbehaves", "filter", trick, expect);
    }
}

#[test]
fn resources_that_are_hoarded_are_bounded() {
    let plugin = Plugin::new("bad", load("hoards"), "{}", Some(OnFault::DeadLetter), limits()).unwrap();
    let mut run = Run::new(vec![plugin]);
    let kept = run.apply(lines(&run.ledger, &["a"]));
    let detail = &run.letters()[0].detail;
    assert!(detail.contains("failed: cannot allocate another handle"), "{detail}");
    run.deliver(kept);
}

#[test]
fn enrichers_that_fail() {
    let cannot = |why: &str| format!("returned an answer that cannot be followed: {why}");
    for (trick, expect) in [
        ("loop", "failed: used more than 50ms of CPU time in one call".to_string()),
        ("always-trap", "failed: wasm trap: wasm `unreachable` instruction executed".into()),
        ("error", "returned an error: cannot decide".into()),
        ("out-of-range", cannot("an edit of records 0 to ")),
        ("far-out-of-range", cannot("an edit of records 4294967294 to 4294967295 of a batch of 1")),
        ("backwards", cannot("an edit of records 1 to 0 of a batch of 1")),
        ("no-record", cannot("an edit of records 0 to 0 of a batch of 1")),
        ("descending", cannot("an edit of record")),
        ("field-not-declared", cannot("an edit of field 1, and the manifest writes 1")),
        ("value-outside", cannot("a value at 0 of 4 bytes, and there are 3")),
        ("value-far-outside", cannot("a value at 4294967295 of 4294967295 bytes, and there are 3")),
        ("unknown-kind", cannot("the value for record 0 is of a kind that this version does not know")),
        ("absent-with-bytes", cannot("the value for record 0 has bytes, and its kind has none")),
        ("null-with-bytes", cannot("the value for record 0 has bytes, and its kind has none")),
        ("text-not-utf8", cannot("the value for record 0 is not UTF-8")),
        ("text-cut", cannot("the value for record 0 is not UTF-8")),
        ("number-not-json", cannot("the value for record 0 is not the JSON that its kind says")),
        ("number-empty", cannot("the value for record 0 is not the JSON that its kind says")),
        ("number-is-text", cannot("the value for record 0 is not the JSON that its kind says")),
        ("boolean-not-json", cannot("the value for record 0 is not the JSON that its kind says")),
        ("object-not-json", cannot("the value for record 0 is not the JSON that its kind says")),
        ("object-is-array", cannot("the value for record 0 is not the JSON that its kind says")),
        ("object-goes-on", cannot("the value for record 0 is not the JSON that its kind says")),
        ("object-not-utf8", cannot("the value for record 0 is not the JSON that its kind says")),
        ("array-not-json", cannot("the value for record 0 is not the JSON that its kind says")),
        ("array-deep", cannot("the value for record 0 is not the JSON that its kind says")),
        ("too-many", "".into()),
        ("huge-arena", "failed: ".into()),
    ] {
        check("misbehaves-enricher", "enrich", trick, &expect);
    }
}

#[test]
fn notifiers_that_fail() {
    let cannot = |why: &str| format!("returned an answer that cannot be followed: {why}");
    for (trick, expect) in [
        ("loop", "failed: used more than 50ms of CPU time in one call".to_string()),
        ("always-trap", "failed: wasm trap: wasm `unreachable` instruction executed".into()),
        ("error", "returned an error: cannot decide".into()),
        ("out-of-range", cannot("an alert about record 1 of a batch of 1")),
        ("too-many", "".into()),
        ("a-few-too-many", cannot("1025 alerts, more than 1024")),
        ("huge-text", "failed: ".into()),
        ("long-fingerprint", cannot("a fingerprint of 258 bytes, more than 256")),
        ("many-details", cannot("an alert with 33 details, more than 32")),
        ("bad-color", cannot("a colour that is not written as #rrggbb")),
    ] {
        check("misbehaves-notifier", "notify", trick, &expect);
    }
}

#[test]
fn values_that_are_huge_to_write_are_a_fault_of_the_call_only() {
    let mut run = Run::new(vec![start("misbehaves-enricher", "huge-values").unwrap()]);
    let kept = run.apply(lines(&run.ledger, &["x"; 100]));
    assert_eq!((kept.len(), run.letters().len()), (100, 0), "a megabyte each is allowed");
    assert!(run.lineup.current()[0].counters().read().faults > 0);
    run.deliver(kept);
}

#[test]
fn a_notifier_that_fails_in_its_tick_starts_anew_and_records_flow() {
    for trick in ["trap-in-tick", "loop-in-tick", "error-in-tick", "item-in-tick", "too-many-in-tick"] {
        let mut run = Run::new(vec![start("misbehaves-notifier", trick).unwrap()]);
        for _ in 0..30 {
            let ticked = within(Duration::from_secs(20), trick, || run.chain.tick().unwrap());
            assert!(ticked.is_none(), "{trick}");
        }
        let faults = run.lineup.current()[0].counters().read().faults;
        assert_eq!(faults, 21, "{trick}: it is left alone when it fails too often");
        let kept = run.apply(lines(&run.ledger, &["a"]));
        run.deliver(kept);
    }
}

#[test]
fn options_that_fail() {
    for (trick, expect) in [
        ("trap-in-configure", "failed: wasm trap: wasm `unreachable` instruction executed"),
        ("loop-in-configure", "failed: used more than 50ms of CPU time in one call"),
        ("refuse", "returned an error: limit: must be above 0"),
        ("read-nothing-path", "cannot be followed: reads a path without keys"),
        ("read-twice", "cannot be followed: reads log twice"),
        (
            "read-metadata",
            "cannot be followed: reads @metadata.colour, which this version does not know: of @metadata it knows topic and index",
        ),
        ("read-much", "cannot be followed: reads 10001 fields, more than 64"),
        ("write", "cannot be followed: declares fields to write, which a filter cannot"),
        ("notifier/write", "cannot be followed: declares fields to write, which a notifier cannot"),
        ("enricher/write-nothing-path", "cannot be followed: writes a path without keys"),
        ("enricher/write-twice", "cannot be followed: writes seen twice"),
        (
            "enricher/write-metadata",
            "cannot be followed: writes @metadata.colour, which this version does not know: of @metadata it knows topic and index",
        ),
        ("enricher/write-much", "cannot be followed: writes 10001 fields, more than 64"),
    ] {
        let (component, trick) = match trick.split_once('/') {
            Some((kind, trick)) => (format!("misbehaves-{kind}"), trick),
            None => ("misbehaves".to_string(), trick),
        };
        let failure = within(Duration::from_secs(20), trick, || start(&component, trick).unwrap_err());
        assert_eq!((failure.kind, failure.component.as_str()), (Kind::Fatal, "plugin bad"), "{trick}");
        assert!(failure.text.starts_with("`configure` of sha256:"), "{trick}: {}", failure.text);
        assert!(failure.text.contains(expect), "{trick}: {}", failure.text);
    }
}

#[test]
fn a_fault_does_not_stick() {
    let mut run = Run::new(vec![start("misbehaves", "trap-on-poison").unwrap()]);
    assert!(run.apply(lines(&run.ledger, &["poison"])).is_empty());
    assert_eq!(texts(&run.apply(lines(&run.ledger, &["a", "b"]))), ["a", "b"]);
}

#[test]
fn a_plugin_that_talks_too_much_is_cut_short_and_goes_on() {
    let mut run = Run::new(vec![start("misbehaves", "chatter").unwrap()]);
    for _ in 0..2 {
        let kept = within(Duration::from_secs(20), "chatter", || run.apply(lines(&run.ledger, &["a"])));
        assert_eq!(kept.len(), 1);
    }
}

#[test]
fn a_wall_clock_limit_ends_what_the_cpu_limit_does_not() {
    let limits = Limits { cpu: Duration::from_secs(3600), wall: Duration::from_millis(50), ..Limits::default() };
    let plugin = Plugin::new("bad", load("misbehaves"), r#"{"do":"loop"}"#, None, limits).unwrap();
    let mut run = Run::new(vec![plugin]);
    within(Duration::from_secs(20), "loop", || run.apply(lines(&run.ledger, &["a"])));
    let detail = &run.letters()[0].detail;
    assert!(detail.ends_with("took longer than 50ms for one call in misbehaves::spin"), "{detail}");
}

#[test]
fn dropping_everything_is_allowed() {
    let mut run = Run::new(vec![start("misbehaves", "drop-all").unwrap()]);
    let kept = run.apply(lines(&run.ledger, &["a", "b"]));
    assert!(kept.is_empty());
    run.deliver(kept);
}
