//! Files that are no plugin, or none for this host.
use std::time::{Duration, Instant};

use sluice_wasm::component::{Component, Digest, Kind, LoadError};
use sluice_wasm::{Cache, Engine, Limits, Plugin};

use crate::components::{ENGINE, bytes, load};

fn refusal(bytes: &[u8]) -> String {
    Component::load(&ENGINE, bytes, &Limits::default()).unwrap_err().to_string()
}

#[test]
fn a_plugin_is_described_before_it_runs() {
    let filter = load("level-filter");
    assert_eq!(filter.kind, Kind::Filter);
    assert_eq!(filter.size, bytes("level-filter").len());
    assert!(filter.exports.contains(&"sluice:plugin/filter@0.1.0".to_string()), "{:?}", filter.exports);
    let reaches: Vec<_> = filter.imports.iter().filter(|name| *name != "sluice:plugin/batches@0.1.0").collect();
    assert_eq!(reaches, ["sluice:plugin/log@0.1.0"]);
    assert_eq!(filter.digest.to_string().len(), "sha256:".len() + 64);
}

#[test]
fn a_filter_fits_a_config_map_many_times() {
    assert!(bytes("level-filter").len() <= 70_000, "{}", bytes("level-filter").len());
}

#[test]
fn what_is_refused_and_why() {
    let whole = bytes("level-filter");
    for (bytes, expect) in [
        (bytes("wants-clock"), "imports hostile:wants-clock/clock, which nothing grants"),
        (bytes("no-plugin"), "exports greet, and a plugin exports one of sluice:plugin/filter@0.1"),
        (b"\0asm\x01\0\0\0".to_vec(), "is a core module, not a component"),
        (whole[..whole.len() / 2].to_vec(), "is not a valid component: "),
        (whole[..10].to_vec(), "is not a valid component: "),
        (Vec::new(), "is not a valid component: "),
        (b"(component)".to_vec(), "is not a valid component: "),
        (vec![0; (16 << 20) + 1], "is 16777217 bytes large, more than the 16777216 that are allowed"),
    ] {
        let error = refusal(&bytes);
        assert!(error.starts_with(expect), "{expect} <> {error}");
        assert!(error.len() < 500, "{error}");
    }
}

#[test]
fn every_truncation_is_refused_in_good_order() {
    let whole = bytes("no-plugin");
    for length in (0..whole.len()).step_by(97) {
        assert!(matches!(
            Component::load(&ENGINE, &whole[..length], &Limits::default()),
            Err(LoadError::Malformed(_) | LoadError::Kind { .. })
        ));
    }
}

#[test]
fn precompiled_code_is_never_loaded() {
    let engine = wasmtime::Engine::default();
    let native = engine.precompile_component(&bytes("no-plugin")).unwrap();
    let other = Engine::new().unwrap();
    assert_eq!(Component::load(&other, &native, &Limits::default()).err(), Some(LoadError::Precompiled));
}

#[test]
fn what_takes_too_long_to_compile_is_given_up() {
    let engine = Engine::new().unwrap();
    let (bytes, time) = (bytes("level-filter"), Duration::ZERO);
    let late = Component::load(&engine, &bytes, &Limits { compile: time, ..Limits::default() });
    assert_eq!(late.err(), Some(LoadError::Late { time }));
    // It is compiled to its end by itself; then it is the turn of others.
    Component::load(&engine, &bytes, &Limits::default()).unwrap();
}

#[test]
fn what_comes_from_the_cache_is_the_same_plugin_and_judged_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(&folder.path().join("cache"), &ENGINE).unwrap();
    let (limits, options) = (Limits::default(), r#"{"at_least":"info"}"#);
    for name in ["level-filter", "no-plugin", "wants-clock"] {
        let bytes = bytes(name);
        let load = || Component::load_with(&ENGINE, &bytes, &limits, Some(&cache));
        let (first, again) = (load(), load());
        assert!(cache.folder().has(&cache.name(Digest::of(&bytes))), "{name}");
        match (first, again) {
            (Ok(first), Ok(again)) => {
                let parts = |of: &Component| (of.kind, of.digest, of.size, of.exports.clone(), of.imports.clone());
                assert_eq!(parts(&first), parts(&again));
                let manifest = |of| Plugin::new("f", of, options, None, limits.clone()).unwrap().manifest().clone();
                assert_eq!(manifest(first), manifest(again));
            }
            (first, again) => assert_eq!(first.err(), again.err(), "{name}"),
        }
    }
}

/// Prints how long the shipped components take. Run it alone: `cargo test -p sluice-wasm --test plugins -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn the_time_to_load_what_is_shipped() {
    let folder = tempfile::tempdir().unwrap();
    let shipped =
        ["level-filter", "redact", "exception-notifier", "json-promote", "match", "route", "static-fields"].map(bytes);
    for round in ["compiled", "compiled and kept", "from the cache", "from the cache"] {
        let engine = Engine::new().unwrap();
        let cache = Cache::open(&folder.path().join("cache"), &engine).unwrap();
        let used = Some(&cache).filter(|_| round != "compiled");
        let times: Vec<f64> = shipped
            .iter()
            .map(|bytes| {
                let began = Instant::now();
                Component::load_with(&engine, bytes, &Limits::default(), used).unwrap();
                began.elapsed().as_secs_f64() * 1e3
            })
            .collect();
        println!("{round}: {:.1} ms in all, of which {times:.1?}", times.iter().sum::<f64>());
    }
}

/// Prints what the largest function that is allowed takes, full of branches.
#[test]
#[ignore = "a measurement"]
fn the_memory_that_the_largest_function_takes() {
    let size = |mut value: usize| {
        let mut bytes = Vec::new();
        while value >= 0x80 {
            bytes.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        bytes.push(value as u8);
        bytes
    };
    let section = |id: u8, payload: &[u8]| [&[id][..], &size(payload.len()), payload].concat();
    for branches in [10_000, 25_000, 50_000] {
        // local.get 0, if, end
        let code = [&[0][..], &[0x20, 0, 0x04, 0x40, 0x0b].repeat(branches), &[0x0b]].concat();
        let body = [size(code.len()), code].concat();
        let module = [
            &b"\0asm\x01\0\0\0"[..],
            &section(1, &[1, 0x60, 1, 0x7f, 0]),
            &section(3, &[1, 0]),
            &section(10, &[&[1][..], &body].concat()),
        ]
        .concat();
        let component = [&b"\0asm\x0d\0\x01\0"[..], &section(1, &module)].concat();
        let began = Instant::now();
        let refused = Component::load(&ENGINE, &component, &Limits::default()).unwrap_err();
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default();
        println!("{} bytes: {:?}, {peak}: {refused}", body.len(), began.elapsed());
    }
}
