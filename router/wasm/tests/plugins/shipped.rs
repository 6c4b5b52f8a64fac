//! The plugins that are shipped: their examples come out as they say, and their components stay small.
use std::path::{Path, PathBuf};

use sluice_wasm::Limits;
use sluice_wasm::examples::parse;

use crate::components::{bytes, load};

/// How large each component may be, in bytes: one goes into a ConfigMap of 1 MiB, with others.
const SIZES: [(&str, usize); 7] = [
    ("level-filter", 60 << 10),
    ("match", 60 << 10),
    ("route", 150 << 10),
    ("static-fields", 150 << 10),
    ("json-promote", 150 << 10),
    ("exception-notifier", 150 << 10),
    ("redact", 150 << 10),
];

fn folder(plugin: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins").join(plugin)
}

#[test]
fn components_are_small() {
    let too_large =
        SIZES.iter().map(|(name, most)| (name, bytes(name).len(), most)).filter(|(_, size, most)| size > most);
    assert_eq!(too_large.collect::<Vec<_>>(), [], "(plugin, bytes, bytes at most)");
}

#[test]
fn examples_come_out_as_they_say() {
    for (plugin, _) in SIZES {
        let examples = folder(plugin).join("examples");
        let files = std::fs::read_dir(&examples).unwrap_or_else(|error| panic!("{}: {error}", examples.display()));
        let mut count = 0;
        for file in files.map(|file| file.unwrap().path()) {
            let text = std::fs::read_to_string(&file).unwrap();
            for example in parse(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display())) {
                let run = example.run(&load(plugin), &Limits::default());
                run.unwrap_or_else(|failed| panic!("{}: {failed}", file.display()));
                count += 1;
            }
        }
        assert!(count > 0, "{plugin} has no examples");
    }
}

/// What is shipped is a folder with a component: none is left out of the tests.
#[test]
fn all_shipped_plugins_are_held_to_this() {
    let manifest = std::fs::read_to_string(folder("Cargo.toml")).unwrap();
    let members = manifest.lines().filter_map(|line| line.trim_start().strip_prefix('"')?.split('"').next());
    for member in members {
        let text = std::fs::read_to_string(folder(member).join("Cargo.toml")).unwrap();
        let is_shipped = text.contains("cdylib");
        assert_eq!(SIZES.iter().any(|(name, _)| *name == member), is_shipped, "{member}");
    }
}
