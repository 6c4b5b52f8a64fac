//! The components that `./dev test` builds before it runs the tests.
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{LazyLock, Mutex, PoisonError};

use sluice_wasm::{Component, Engine, Limits, Plugin};

/// One engine for all tests, as a process has one.
pub static ENGINE: LazyLock<Engine> = LazyLock::new(|| Engine::new().expect("an engine"));

/// The bytes of a component, by the name of its package.
pub fn bytes(name: &str) -> Vec<u8> {
    let path = directory().join(format!("{name}.wasm"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}; run `./dev test`", path.display()))
}

/// Compiled once, however many tests use it.
pub fn load(name: &str) -> Component {
    static LOADED: LazyLock<Mutex<HashMap<String, Component>>> = LazyLock::new(Mutex::default);
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    let compile =
        || Component::load(&ENGINE, &bytes(name), &Limits::default()).unwrap_or_else(|error| panic!("{name} {error}"));
    loaded.entry(name.to_string()).or_insert_with(compile).clone()
}

/// A plugin named `under-test`, which accepts its options.
pub fn plugin(component: &str, options: &str) -> Plugin {
    named("under-test", component, options)
}

pub fn named(name: &str, component: &str, options: &str) -> Plugin {
    Plugin::new(name, load(component), options, None, Limits::default()).unwrap_or_else(|error| panic!("{error}"))
}

fn directory() -> PathBuf {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("SLUICE_COMPONENTS")
        .or_else(|| Some(set("SLUICE_CACHE")?.join("components")))
        .or_else(|| Some(set("XDG_CACHE_HOME")?.join("sluice/components")))
        .or_else(|| Some(set("HOME")?.join(".cache/sluice/components")))
        .expect("HOME is set")
}
