//! The folder of a new plugin: compiles and passes its tests as it is written.

mod sdk;

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

use crate::Error;
pub use sdk::Sdk;

/// What a plugin may do with records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Filter,
    Enricher,
    Notifier,
}

/// A plugin that is not there yet.
#[derive(Clone, Debug)]
pub struct Template {
    pub name: String,
    pub kind: Kind,
    pub sdk: Sdk,
}

/// Names of packages end up in file names and in metrics.
const LONGEST_NAME: usize = 64;
const MANIFEST: &str = include_str!("../../../plugins/template/Cargo.toml.txt");
const README: &str = include_str!("../../../plugins/template/README.md.txt");
const CARGO_CONFIG: &str = include_str!("../../../plugins/.cargo/config.toml");
const LOCK: &str = include_str!("../../../plugins/Cargo.lock");
const IGNORED: &str = "/target\n/*.wasm\n";

/// What differs between the kinds.
struct Parts {
    code: &'static str,
    /// An examples file's name and content.
    examples: (&'static str, &'static str),
    about: &'static str,
    options: &'static str,
    /// The same as JSON.
    json: &'static str,
}

macro_rules! parts {
    ($kind:literal, $examples:literal, $json:literal) => {
        Parts {
            code: include_str!(concat!("../../../plugins/template/", $kind, "/lib.rs")),
            examples: (
                concat!("examples/", $examples),
                include_str!(concat!("../../../plugins/template/", $kind, "/examples/", $examples)),
            ),
            about: include_str!(concat!("../../../plugins/template/", $kind, "/README.md")),
            options: include_str!(concat!("../../../plugins/template/", $kind, "/options.txt")),
            json: $json,
        }
    };
}

impl Kind {
    pub const ALL: [Self; 3] = [Self::Filter, Self::Enricher, Self::Notifier];

    fn parts(self) -> Parts {
        match self {
            Self::Filter => parts!("filter", "paths.json", r#"{"paths":["/healthz"]}"#),
            Self::Enricher => parts!("enricher", "teams.json", r#"{"teams":{"shop":"sales"}}"#),
            Self::Notifier => parts!("notifier", "words.json", r#"{"words":["out of memory"]}"#),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.pad(match self {
            Self::Filter => "filter",
            Self::Enricher => "enricher",
            Self::Notifier => "notifier",
        })
    }
}

impl Template {
    /// Writes the folder `parent/NAME` and returns it. Nothing that is there is written over.
    pub fn write(&self, parent: &Path) -> Result<PathBuf, Error> {
        check_name(&self.name)?;
        let folder = parent.join(&self.name);
        if folder.symlink_metadata().is_ok() {
            return Err(Error::Exists(folder));
        }
        let dependency = self.sdk.dependency()?;
        let parts = self.kind.parts();
        let filled = |text: &str| {
            text.replace("{sdk}", &dependency)
                .replace("{about}", parts.about)
                .replace("{options}", parts.options.trim_end())
                .replace("{json}", parts.json)
                .replace("{name}", &self.name)
        };
        let mut files = vec![
            ("Cargo.toml".to_owned(), filled(MANIFEST)),
            ("README.md".to_owned(), filled(README)),
            ("Cargo.lock".to_owned(), locked(LOCK)),
            (".cargo/config.toml".to_owned(), CARGO_CONFIG.to_owned()),
            (".gitignore".to_owned(), IGNORED.to_owned()),
            ("src/lib.rs".to_owned(), parts.code.to_owned()),
            (parts.examples.0.to_owned(), parts.examples.1.to_owned()),
        ];
        files.extend(self.sdk.files());
        for (name, content) in &files {
            write(&folder.join(name), content)?;
        }
        Ok(folder)
    }
}

fn write(path: &Path, content: &str) -> Result<(), Error> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(Error::file("create", folder))?;
    }
    fs::write(path, content).map_err(Error::file("write", path))
}

/// The versions that the SDK was tested with, without the packages of the project itself.
fn locked(lock: &str) -> String {
    let mut blocks = lock.split("\n[[package]]\n");
    let head = blocks.next().unwrap_or_default();
    let foreign = blocks.filter(|block| block.contains("\nsource = "));
    let packages: String = foreign.map(|block| format!("\n[[package]]\n{block}")).collect();
    format!("{head}{packages}")
}

/// What cargo and the config file both take for a name.
fn check_name(name: &str) -> Result<(), Error> {
    let wrong = |why| Err(Error::Name { name: name.to_owned(), why });
    if !name.starts_with(|first: char| first.is_ascii_lowercase()) {
        return wrong("it has to begin with a lower-case letter; write one like drop-health-checks");
    }
    if !name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-') || name.ends_with('-') {
        return wrong("it has lower-case letters, digits and hyphens between them; write one like drop-health-checks");
    }
    if name.len() > LONGEST_NAME {
        return wrong("it has at most 64 characters; choose a shorter one");
    }
    if RESERVED.contains(&name) {
        return wrong("a crate of this name is in the way; write one like drop-health-checks");
    }
    Ok(())
}

/// Crates that a plugin is built with, and words that are no names of crates.
const RESERVED: [&str; 18] = [
    "sluice-plugin",
    "serde",
    "serde-json",
    "wit-bindgen",
    "core",
    "alloc",
    "std",
    "test",
    "proc-macro",
    "build",
    "deps",
    "examples",
    "incremental",
    "fn",
    "mod",
    "type",
    "use",
    "self",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_crates_and_plugins() {
        for (name, sound) in [
            ("drop-health-checks", true),
            ("a", true),
            ("v2-filter", true),
            ("", false),
            ("-a", false),
            ("a-", false),
            ("Drop", false),
            ("drop_paths", false),
            ("../x", false),
            ("2fast", false),
            ("serde", false),
            (&"x".repeat(65), false),
        ] {
            assert_eq!(check_name(name).is_ok(), sound, "{name:?}");
        }
    }

    #[test]
    fn the_folder_is_whole_and_nothing_is_written_over() {
        let parent = tempfile::tempdir().unwrap();
        for kind in Kind::ALL {
            let template = Template { name: format!("my-{kind}"), kind, sdk: Sdk::Embedded };
            let folder = template.write(parent.path()).unwrap();
            let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
            assert!(read("Cargo.toml").contains(&format!("name = \"my-{kind}\"")));
            assert!(read("src/lib.rs").contains(&format!("sluice_plugin::{kind}!(")));
            assert!(read("sdk/src/bindings.rs").contains("path: \"wit\""), "the interface lies in the SDK's folder");
            assert!(read("sdk/wit/worlds.wit").contains("package sluice:plugin@"));
            for name in ["Cargo.toml", "README.md"] {
                for placeholder in ["{sdk}", "{about}", "{options}", "{json}", "{name}"] {
                    assert!(!read(name).contains(placeholder), "{placeholder} in {name}");
                }
            }
            let error = template.write(parent.path()).unwrap_err().to_string();
            assert!(error.ends_with("is there already; choose another name, or remove it"), "{error}");
        }
    }

    #[test]
    fn the_lock_file_has_what_the_sdk_needs_and_nothing_of_the_project() {
        let lock = locked(LOCK);
        for (package, held) in
            [("wit-bindgen", true), ("serde", true), ("level-filter", false), ("sluice-plugin", false)]
        {
            assert_eq!(lock.contains(&format!("\nname = \"{package}\"\n")), held, "{package}");
        }
    }
}
