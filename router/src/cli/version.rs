//! What this build is.

use std::sync::LazyLock;

/// The line of plugin interfaces that this build speaks.
const INTERFACE: &str = "sluice:plugin@0.1";

static LONG: LazyLock<String> = LazyLock::new(|| {
    let facts = [
        ("commit", env!("SLUICE_BUILD_COMMIT")),
        ("target", env!("SLUICE_BUILD_TARGET")),
        ("rustc", env!("SLUICE_BUILD_RUSTC")),
        ("wasmtime", env!("SLUICE_BUILD_WASMTIME")),
        ("librdkafka", &sluice_kafka::probe::library_version()),
        ("plugins", INTERFACE),
    ];
    let facts: Vec<String> = facts.iter().map(|(name, value)| format!("{:<12}{value}", format!("{name}:"))).collect();
    format!("{}\n{}", env!("CARGO_PKG_VERSION"), facts.join("\n"))
});

/// The version, and a line for each fact about the build.
pub(super) fn long() -> &'static str {
    &LONG
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fact_is_known_but_perhaps_the_commit() {
        let lines: Vec<&str> = long().lines().collect();
        assert_eq!(lines[0], env!("CARGO_PKG_VERSION"));
        for name in ["commit", "target", "rustc", "wasmtime", "librdkafka", "plugins"] {
            let fact = lines.iter().find_map(|line| line.strip_prefix(&format!("{name}:"))).map(str::trim);
            assert!(fact.is_some_and(|fact| !fact.is_empty()), "{name}: {lines:#?}");
            assert!(name == "commit" || fact != Some("unknown"), "{name}: {lines:#?}");
        }
    }

    #[test]
    fn the_interface_is_that_of_the_repository() {
        let wit = include_str!("../../../wit/batches.wit");
        assert!(wit.contains(&format!("package {INTERFACE}.")), "{INTERFACE}");
    }
}
