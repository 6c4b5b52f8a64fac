//! Files that are no plugin, or none for this host.
use sluice_wasm::component::{Component, Kind, LoadError};
use sluice_wasm::{Engine, Limits};

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
        (bytes("wants-clock"), "imports hostile:wants-clock/clock, which is not granted"),
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
