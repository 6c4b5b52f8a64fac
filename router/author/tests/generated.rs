//! A new plugin of each kind compiles, passes its own tests and becomes a component, as it is written.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "clippy knows tests by `cfg(test)`, which files of tests do not have"
)]

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use sluice_author::{Kind, Package, Sdk, Template, Toolchain, sections::sections};

/// Where the plugins of the project are built: what a new one needs is compiled there already.
fn target() -> PathBuf {
    let cache = env::var_os("SLUICE_CACHE").filter(|cache| !cache.is_empty()).map(PathBuf::from);
    cache.unwrap_or_else(|| PathBuf::from(env::var_os("HOME").unwrap()).join(".cache/sluice")).join("plugins")
}

#[test]
fn a_new_plugin_of_each_kind_passes_its_tests_and_becomes_a_component() {
    let parent = Path::new(env!("CARGO_TARGET_TMPDIR")).join("new-plugins");
    let _ = fs::remove_dir_all(&parent);
    let target = target();
    let mut sdk = Sdk::Embedded;
    for kind in Kind::ALL {
        let folder = Template { name: format!("new-{kind}"), kind, sdk: sdk.clone() }.write(&parent).unwrap();
        if sdk == Sdk::Embedded {
            // The others take the first one's, so that it is compiled once.
            sdk = Sdk::Path(folder.join("sdk"));
        }
        let toolchain = Toolchain::find(&folder).unwrap();
        let tests = Command::new("cargo")
            .args(["test", "--quiet", "--offline"])
            .current_dir(&folder)
            .env("CARGO_TARGET_DIR", &target)
            .output()
            .unwrap();
        assert!(tests.status.success(), "{kind}: {}", String::from_utf8_lossy(&tests.stderr));
        let told = String::from_utf8_lossy(&tests.stdout);
        assert!(told.contains("2 passed"), "{kind}: {told}");

        let package = Package { target: target.clone(), ..Package::find(&folder).unwrap() };
        let examples = package.examples().unwrap();
        assert!(examples.lines().count() >= 1, "{kind}");
        let component = package.build(toolchain, &examples).unwrap();
        assert!(component.len() < 80 << 10, "{kind}: {} bytes", component.len());
        let names: Vec<_> = sections(&component).unwrap().into_iter().map(|section| section.name).collect();
        for expect in ["code", "custom sluice:examples"] {
            assert!(names.iter().any(|name| name == expect), "{kind}: {names:?}");
        }
        assert!(component.ends_with(examples.as_bytes()));
    }
}
