//! Components that import WASI: it is there, and grants nothing that the operator did not.
use std::io::Read as _;
use std::sync::LazyLock;

use sluice_core::Failure;
use sluice_wasm::{Component, Grants, Limits, OnFault, Plugin};

use crate::batches::{lines, texts};
use crate::components::{ENGINE, load};
use crate::patch::renamed;
use crate::run::Run;

const CLOCK: Grants = Grants { clock: true, random: false };
const RANDOM: Grants = Grants { clock: false, random: true };

/// `tests/hostile/asks-wasi` as Rust builds it for wasm32-wasip2; tests/hostile/README.md says how.
pub static BYTES: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut bytes = Vec::new();
    let packed = include_bytes!("../wasip2/asks-wasi.wasm.gz").as_slice();
    flate2::read::GzDecoder::new(packed).read_to_end(&mut bytes).unwrap();
    bytes
});

static ASKS: LazyLock<Component> =
    LazyLock::new(|| Component::load(&ENGINE, &BYTES, &Limits::default()).unwrap_or_else(|error| panic!("{error}")));

fn plugin(options: &str, grants: Grants) -> Result<Plugin, Failure> {
    let limits = Limits { grants, ..Limits::default() };
    Plugin::new("asks", ASKS.clone(), options, Some(OnFault::DeadLetter), limits)
}

/// What a record that asks for something gets, in a new instance.
fn asked(what: &str, grants: Grants) -> String {
    let mut run = Run::new(vec![plugin("{}", grants).unwrap()]);
    let kept = run.apply(lines(&run.ledger, &[what]));
    let letters = run.letters();
    assert_eq!(kept.len() + letters.len(), 1, "{what}");
    run.deliver(kept);
    letters.first().map_or_else(String::new, |letter| letter.detail.clone())
}

#[test]
fn a_component_of_the_standard_library_filters() {
    let mut run = Run::new(vec![plugin("{}", Grants::NONE).unwrap()]);
    let kept = run.apply(lines(&run.ledger, &["a", "debug", "b", "debug"]));
    assert_eq!(texts(&kept), ["a", "b"]);
    run.deliver(kept);
}

#[test]
fn what_is_there_is_empty() {
    for (what, expect) in [
        ("environment", "returned an error: 0 arguments, 0 variables"),
        ("folder", "returned an error: /"),
        ("file", "returned an error: no file"),
        ("input", "returned an error: 0 bytes"),
        ("exit", "failed: ended itself with `exit`"),
        ("sleep", "which is there for toolchains only: nothing grants it"),
        ("panic", "failed: wasm trap: wasm `unreachable` instruction executed"),
    ] {
        let answer = asked(what, Grants::NONE);
        assert!(answer.contains(expect) && !answer.contains("secret"), "{what}: {answer}");
    }
    for what in ["print", "print-much"] {
        assert_eq!(asked(what, Grants::NONE), "", "{what} is not a fault");
    }
}

#[test]
fn the_clock_takes_a_grant() {
    for (what, function, granted) in
        [("time", "wall-clock", "returned an error: 1"), ("instant", "monotonic-clock", "returned an error: true")]
    {
        let digest = ASKS.digest;
        for (grants, line) in [(Grants::NONE, "[clock]"), (RANDOM, "[clock, random]")] {
            let refused = format!(
                "`filter` of {digest} failed: needs `grant: {line}` beside its `component` to call wasi:clocks/{function}#now"
            );
            assert_eq!(asked(what, grants), refused);
        }
        let answer = asked(what, CLOCK);
        assert!(answer.contains(granted), "{answer}");
    }
}

#[test]
fn a_plugin_that_needs_a_grant_to_start_is_refused_with_it() {
    let refused = plugin(r#"{"at":"now"}"#, Grants::NONE).unwrap_err().to_string();
    let expect = "failed: needs `grant: [clock]` beside its `component` to call wasi:clocks/wall-clock#now";
    assert!(refused.starts_with("plugin asks: `configure` of sha256:") && refused.ends_with(expect), "{refused}");
    assert!(plugin(r#"{"at":"now"}"#, CLOCK).is_ok());
}

#[test]
fn maps_have_one_order_unless_randomness_is_granted() {
    let orders: Vec<String> =
        [Grants::NONE, Grants::NONE, CLOCK, RANDOM, RANDOM].map(|grants| asked("map", grants)).into();
    assert!(orders[0].contains("returned an error: "), "{orders:?}");
    assert_eq!((&orders[0], &orders[0]), (&orders[1], &orders[2]), "the same in each instance");
    assert_ne!(orders[3], orders[4]);
}

#[test]
fn what_would_have_to_be_granted_is_known_before_it_runs() {
    assert_eq!(ASKS.wants, CLOCK);
    assert_eq!(load("level-filter").wants, Grants::NONE);
    assert!(load("level-filter").imports.iter().all(|import| !import.starts_with("wasi:")));
}

#[test]
fn what_nothing_grants_is_refused_when_it_is_loaded() {
    for (import, expect) in [
        ("wasi:sockets/ip-lookup@0.2.6", "nothing grants a plugin the network"),
        ("wasi:http/out-handlers@0.2.6", "nothing grants a plugin the network"),
        ("wasi:keyvalue/storages@0.2.6", "which nothing grants: "),
        ("wasi:clocks/wall-clock@0.3.0", "this version knows WASI 0.2"),
        ("evil:clocks/wall-clock@0.2.6", "which nothing grants: "),
    ] {
        let bytes = renamed(&BYTES, "wasi:clocks/wall-clock@0.2.6", import);
        let refused = Component::load(&ENGINE, &bytes, &Limits::default()).unwrap_err().to_string();
        assert!(refused.starts_with(&format!("imports {import}, ")) && refused.contains(expect), "{import}: {refused}");
    }
}

#[test]
fn other_versions_of_the_line_are_the_same() {
    let bytes = renamed(&BYTES, "@0.2.6", "@0.2.0");
    let component = Component::load(&ENGINE, &bytes, &Limits::default()).unwrap();
    let plugin = Plugin::new("asks", component, "{}", Some(OnFault::DeadLetter), Limits::default()).unwrap();
    let mut run = Run::new(vec![plugin]);
    let kept = run.apply(lines(&run.ledger, &["debug", "print", "a"]));
    assert_eq!(texts(&kept), ["print", "a"]);
    run.deliver(kept);
}

#[test]
fn a_function_that_is_called_as_ours_and_is_none_of_them_is_refused() {
    for (from, to) in [
        ("[method]output-stream.write", "[method]output-stream.flush"),
        ("[method]input-stream.blocking-read", "[method]input-stream.blocking-skip"),
        ("[method]pollable.block", "[method]pollable.ready"),
    ] {
        let component = Component::load(&ENGINE, &renamed(&BYTES, from, to), &Limits::default()).unwrap();
        let refused = Plugin::new("odd", component, "{}", None, Limits::default()).unwrap_err().to_string();
        assert!(refused.contains("does not fit"), "{to}: {refused}");
    }
}

#[test]
fn a_function_that_is_not_known_ends_the_call_that_calls_it() {
    let bytes = renamed(&BYTES, "get-environment", "get-surrounding");
    let component = Component::load(&ENGINE, &bytes, &Limits::default()).unwrap();
    let plugin = Plugin::new("asks", component, "{}", Some(OnFault::DeadLetter), Limits::default()).unwrap();
    let mut run = Run::new(vec![plugin]);
    let kept = run.apply(lines(&run.ledger, &["a", "environment"]));
    assert_eq!(texts(&kept), ["a"]);
    let detail = &run.letters()[0].detail;
    let expect = "failed: called wasi:cli/environment#get-surrounding, which is there for toolchains only";
    assert!(detail.contains(expect), "{detail}");
    run.deliver(kept);
}
