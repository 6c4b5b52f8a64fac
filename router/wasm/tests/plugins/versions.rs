//! Components of other versions of the interface.
use sluice_core::encode::Encoding;
use sluice_wasm::{Component, Limits, Plugin};

use crate::batches::lines;
use crate::components::{ENGINE, bytes};
use crate::run::Run;

/// A shipped component as if it had been built against another version, which is written as long as this one.
fn of_version(name: &str, version: &str) -> Vec<u8> {
    let mut component = bytes(name);
    let (from, to) = (b"@0.1.0".as_slice(), format!("@{version}").into_bytes());
    assert_eq!(from.len(), to.len());
    let mut at = 0;
    while let Some(found) = component[at..].windows(from.len()).position(|window| window == from) {
        component[at + found..at + found + to.len()].copy_from_slice(&to);
        at += found + to.len();
    }
    assert!(at > 0, "{name} names no version");
    component
}

#[test]
fn components_of_every_version_of_the_line_run() {
    for version in ["0.1.0", "0.1.9"] {
        let component = |name| Component::load(&ENGINE, &of_version(name, version), &Limits::default()).unwrap();
        let plugin = |name, options| Plugin::new(name, component(name), options, None, Limits::default()).unwrap();
        let mut run = Run::new(vec![
            plugin("level-filter", r#"{"at_least":"info","field":"log"}"#),
            plugin("redact", "{}"),
            plugin("exception-notifier", "{}"),
        ]);
        let kept = run.apply(lines(&run.ledger, &["debug", "bob@example.com", "a.b.SomeException: x"]));
        let mut first = Vec::new();
        Encoding::default().append(&kept, 0, &mut first);
        assert!(String::from_utf8(first).unwrap().contains("REDACTED"), "{version}");
        assert_eq!((kept.len(), kept.alerts().len()), (2, 1), "{version}");
        run.deliver(kept);
    }
}

#[test]
fn a_component_of_another_line_is_refused_with_both_versions() {
    for version in ["0.0.9", "0.2.0", "0.9.1", "1.0.0"] {
        for (name, kind) in [("level-filter", "filter"), ("redact", "enricher"), ("exception-notifier", "notifier")] {
            let refused = Component::load(&ENGINE, &of_version(name, version), &Limits::default());
            assert_eq!(
                refused.unwrap_err().to_string(),
                format!(
                    "exports sluice:plugin/{kind}@{version}, and this version speaks 0.1; build it against the \
                     interface in wit/"
                )
            );
        }
    }
}
