//! What the host makes of plugins that break the rules: an error that names the plugin, its digest and the call, in
//! bounded time, with nothing dropped of the batch; and the next batch meets a fresh instance.
use std::sync::Arc;
use std::time::{Duration, Instant};

use sluice_core::failure::Kind;
use sluice_core::pipeline::Transform;
use sluice_core::{Failure, Ledger};
use sluice_wasm::{Chain, Limits, Plugin};

use crate::batches::{lines, texts};
use crate::components::load;

fn limits() -> Limits {
    Limits { cpu: Duration::from_millis(50), wall: Duration::from_secs(5), ..Limits::default() }
}

fn start(trick: &str) -> Result<Plugin, Failure> {
    Plugin::new("bad", load("misbehaves"), &format!(r#"{{"do":"{trick}"}}"#), limits())
}

fn within<T>(limit: Duration, what: &str, work: impl FnOnce() -> T) -> T {
    let started = Instant::now();
    let result = work();
    assert!(started.elapsed() < limit, "{what} took {:?}", started.elapsed());
    result
}

#[test]
fn calls_that_fail() {
    for (trick, expect) in [
        ("loop", "failed: used more than 50ms of CPU time in one call"),
        ("grow", "failed: asked for more than 64 MiB of memory"),
        ("recurse", "failed: wasm trap: call stack exhausted"),
        ("trap-on-poison", "failed: wasm trap: wasm `unreachable` instruction executed"),
        ("out-of-range", "returned an answer that cannot be followed: record 3 of a batch of 3"),
        ("descending", "returned an answer that cannot be followed: record 0 is named after record 1"),
        ("twice", "returned an answer that cannot be followed: record 0 is named after record 0"),
        ("too-many", "failed: "),
        ("error", "returned an error: cannot decide"),
        ("huge-error", "returned an error: e e e e"),
        ("huge-log", "failed: "),
    ] {
        let ledger = Arc::new(Ledger::default());
        let plugin = Arc::new(start(trick).unwrap());
        let mut chain = Chain::new(std::slice::from_ref(&plugin), &ledger);
        for _ in 0..2 {
            let batch = lines(&ledger, &["a", "poison", "c"]);
            let failure = within(Duration::from_secs(20), trick, || chain.apply(batch).unwrap_err());
            let call = format!("`filter` of {}", plugin.component().digest);
            assert_eq!((failure.kind, failure.component.as_str()), (Kind::Transient, "plugin bad"), "{trick}");
            assert!(failure.text.starts_with(&call), "{trick}: {}", failure.text);
            assert!(failure.text.contains(expect), "{trick}: {}", failure.text);
            assert!(failure.text.len() < 600 && !failure.text.contains(char::is_control), "{trick}: {}", failure.text);
        }
        let balance = ledger.balance();
        assert_eq!((balance.returned, ledger.dropped_by("bad").get()), (6, 0), "{trick}: {balance}");
        let counts = plugin.counters().read();
        assert_eq!((counts.calls, counts.faults), (2, 2), "{trick}");
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
        ("read-metadata", "cannot be followed: reads @metadata.colour, which this version does not know"),
        ("read-much", "cannot be followed: reads 10001 fields, more than 64"),
        ("write", "cannot be followed: declares fields to write, which a filter cannot"),
    ] {
        let failure = within(Duration::from_secs(20), trick, || start(trick).unwrap_err());
        assert_eq!((failure.kind, failure.component.as_str()), (Kind::Fatal, "plugin bad"), "{trick}");
        assert!(failure.text.starts_with("`configure` of sha256:"), "{trick}: {}", failure.text);
        assert!(failure.text.contains(expect), "{trick}: {}", failure.text);
    }
}

#[test]
fn a_fault_does_not_stick() {
    let ledger = Arc::new(Ledger::default());
    let mut chain = Chain::new(&[Arc::new(start("trap-on-poison").unwrap())], &ledger);
    assert!(chain.apply(lines(&ledger, &["poison"])).is_err());
    assert_eq!(texts(&chain.apply(lines(&ledger, &["a", "b"])).unwrap()), ["a", "b"]);
}

#[test]
fn a_plugin_that_talks_too_much_is_cut_short_and_goes_on() {
    let ledger = Arc::new(Ledger::default());
    let mut chain = Chain::new(&[Arc::new(start("chatter").unwrap())], &ledger);
    for _ in 0..2 {
        let kept = within(Duration::from_secs(20), "chatter", || chain.apply(lines(&ledger, &["a"])).unwrap());
        assert_eq!(kept.len(), 1);
    }
}

#[test]
fn a_wall_clock_limit_ends_what_the_cpu_limit_does_not() {
    let limits = Limits { cpu: Duration::from_secs(3600), wall: Duration::from_millis(50), ..Limits::default() };
    let plugin = Plugin::new("bad", load("misbehaves"), r#"{"do":"loop"}"#, limits).unwrap();
    let ledger = Arc::new(Ledger::default());
    let mut chain = Chain::new(&[Arc::new(plugin)], &ledger);
    let failure = within(Duration::from_secs(20), "loop", || chain.apply(lines(&ledger, &["a"])).unwrap_err());
    assert!(failure.text.ends_with("took longer than 50ms for one call in misbehaves::spin"), "{}", failure.text);
}

#[test]
fn dropping_everything_is_allowed() {
    let ledger = Arc::new(Ledger::default());
    let mut chain = Chain::new(&[Arc::new(start("drop-all").unwrap())], &ledger);
    assert!(chain.apply(lines(&ledger, &["a", "b"])).unwrap().is_empty());
    assert!(ledger.balance().is_balanced());
}
