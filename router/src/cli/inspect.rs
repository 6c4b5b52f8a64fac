//! `sluice plugin inspect`: what a component is, and what it would do.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use serde_json::json;
use sluice_wasm::{
    Component, Engine, Grants, Limits, Plugin,
    component::Kind,
    manifest::{Manifest, Ordering},
    packed::{self, FileError},
};

#[derive(Debug, clap::Args)]
pub(super) struct Inspect {
    /// Component files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The plugin's options, as its `config` block has them; which fields it reads may depend on them. Default: {}
    #[arg(long, value_name = "JSON", value_parser = object)]
    config: Option<String>,
    /// One JSON object a line instead of text
    #[arg(long)]
    json: bool,
}

fn object(text: &str) -> Result<String, String> {
    match serde_json::from_str(text) {
        Ok(serde_json::Value::Object(_)) => Ok(text.to_owned()),
        Ok(_) => Err("not a JSON object; write it like '{\"at_least\":\"info\"}'".to_owned()),
        Err(error) => Err(format!("not JSON: {error}; write it like '{{\"at_least\":\"info\"}}'")),
    }
}

/// What was found in a file.
struct Found {
    component: Component,
    /// What it declares with the given options, or why it refuses them.
    manifest: Result<Manifest, String>,
}

impl Inspect {
    /// Fails if a file is no plugin, or refuses options that were given.
    pub fn run(&self) -> ExitCode {
        let engine = match Engine::new() {
            Ok(engine) => engine,
            Err(error) => {
                eprintln!("sluice: {error}");
                return ExitCode::FAILURE;
            }
        };
        let mut sound = true;
        for file in &self.files {
            let found = look(&engine, file, self.config.as_deref().unwrap_or("{}"));
            sound &= found.as_ref().is_ok_and(|found| found.manifest.is_ok() || self.config.is_none());
            match (found, self.json) {
                (found, true) => println!("{}", machine(file, found)),
                (Ok(found), false) => println!("{}", human(file, &found)),
                (Err(error), false) => eprintln!("{}: {error}", file.display()),
            }
        }
        if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

fn look(engine: &Engine, file: &Path, options: &str) -> Result<Found, String> {
    let limits = Limits::default();
    let bytes = packed::read(file, limits.component).map_err(|error| match error {
        FileError::Read(error) => format!("cannot be read: {error}"),
        FileError::Unpack(error) => error.to_string(),
    })?;
    let component = Component::load(engine, &bytes, &limits).map_err(|error| error.to_string())?;
    let limits = Limits { grants: component.wants, ..limits };
    let manifest = Plugin::new("inspected", component.clone(), options, None, limits)
        .map(|plugin| plugin.manifest().clone())
        .map_err(|failure| failure.text);
    Ok(Found { component, manifest })
}

fn human(file: &Path, found: &Found) -> String {
    let Found { component, manifest } = found;
    let may = match component.kind {
        Kind::Filter => "may drop records",
        Kind::Enricher => "may set and remove the fields that it writes",
        Kind::Notifier => "may raise alerts",
    };
    let mut lines = vec![
        ("kind", format!("{}: {may}", component.kind)),
        ("version", component.version.as_ref().map_or("it carries none", |version| version).to_owned()),
        ("digest", component.digest.to_string()),
        ("to pin it", format!("sha256: {}", component.digest.hex())),
        ("size", format!("{} bytes", component.size)),
        ("exports", list(&component.exports)),
        ("imports", list(&component.imports)),
        ("grants", grants(component.wants)),
    ];
    match manifest {
        Ok(manifest) => {
            let paths = |paths: &[Vec<String>]| list(&paths.iter().map(|keys| path(keys)).collect::<Vec<_>>());
            let ordering = match manifest.ordering {
                Ordering::Any => "an instance takes whichever batch comes",
                Ordering::PerOrigin => "one instance sees all records of a container, in order",
                Ordering::One => "one instance sees every record",
            };
            let essential = if manifest.essential { "yes: refuses on_fault: pass" } else { "no" };
            lines.extend([
                ("reads", paths(&manifest.reads)),
                ("writes", paths(&manifest.writes)),
                ("times", if manifest.times { "yes" } else { "no" }.to_owned()),
                ("ordering", format!("{}: {ordering}", word(manifest.ordering))),
                ("essential", essential.to_owned()),
            ]);
        }
        Err(why) => lines.push(("refused", format!("{why}; --config JSON gives it options"))),
    }
    let lines = lines.iter().map(|(name, value)| format!("\n  {name:<11}{value}"));
    format!("{}{}", file.display(), lines.collect::<String>())
}

fn grants(wants: Grants) -> String {
    if wants.is_none() {
        return "it needs none: its calls can be repeated exactly".to_owned();
    }
    let words = wants.names().collect::<Vec<_>>().join(" and ");
    format!(
        "`{wants}` beside `component`, if it uses the {words} that it imports; its calls cannot be repeated exactly then"
    )
}

fn list(items: &[String]) -> String {
    if items.is_empty() { "nothing".to_owned() } else { items.join("\n             ") }
}

/// Keys joined by dots; a key with a dot in it is quoted.
fn path(keys: &[String]) -> String {
    let keys = keys.iter().map(|key| if key.contains('.') { format!("{key:?}") } else { key.clone() });
    keys.collect::<Vec<_>>().join(".")
}

fn word(ordering: Ordering) -> &'static str {
    match ordering {
        Ordering::Any => "any",
        Ordering::PerOrigin => "per-origin",
        Ordering::One => "one",
    }
}

fn machine(file: &Path, found: Result<Found, String>) -> serde_json::Value {
    let file = file.to_string_lossy();
    let Found { component, manifest } = match found {
        Ok(found) => found,
        Err(error) => return json!({ "file": file, "error": error }),
    };
    let (manifest, refused) = match manifest {
        Ok(manifest) => (
            json!({
                "reads": manifest.reads,
                "writes": manifest.writes,
                "times": manifest.times,
                "ordering": word(manifest.ordering),
                "essential": manifest.essential,
            }),
            None,
        ),
        Err(why) => (serde_json::Value::Null, Some(why)),
    };
    json!({
        "file": file,
        "kind": component.kind.to_string(),
        "version": component.version.as_deref(),
        "digest": component.digest.to_string(),
        "size": component.size,
        "exports": component.exports,
        "imports": component.imports,
        "grants": component.wants.names().collect::<Vec<_>>(),
        "manifest": manifest,
        "refused": refused,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::online::tests::components;

    #[test]
    fn a_filter_shows_what_it_is() {
        let file = components().join("level-filter.wasm");
        let engine = Engine::new().unwrap();
        let bytes =
            std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}; run `./dev test`", file.display()));
        let found = look(&engine, &file, r#"{"at_least":"info"}"#).unwrap();
        let shown = human(&file, &found);
        for expected in [
            "kind       filter: may drop records",
            "version    0.1.0",
            "digest     sha256:",
            "to pin it  sha256: ",
            &format!("size       {} bytes", bytes.len()),
            "sluice:plugin/filter@0.1.",
            "sluice:plugin/batches@0.1.",
            "log.level",
            "grants     it needs none",
            "writes     nothing",
            "essential  no",
        ] {
            assert!(shown.contains(expected), "{expected} in\n{shown}");
        }
        let machine = machine(&file, Ok(found));
        assert_eq!(machine["kind"], "filter");
        assert_eq!(machine["size"], bytes.len());
        assert_eq!(machine["manifest"]["ordering"], "any");
        assert_eq!(machine["refused"], serde_json::Value::Null);
    }

    #[test]
    fn refused_options_are_told_with_what_is_known_without_them() {
        let file = components().join("level-filter.wasm");
        let found = look(&Engine::new().unwrap(), &file, r#"{"at_leest":"info"}"#).unwrap();
        let shown = human(&file, &found);
        assert!(shown.contains("kind       filter"), "{shown}");
        assert!(shown.contains("at_leest") && shown.ends_with("; --config JSON gives it options"), "{shown}");
        let machine = machine(&file, Ok(found));
        assert!(
            machine["manifest"].is_null() && machine["refused"].as_str().unwrap().contains("at_leest"),
            "{machine}"
        );
    }

    #[test]
    fn what_would_have_to_be_granted_is_shown() {
        for (wants, expect) in [
            (Grants::NONE, "it needs none"),
            (
                Grants { clock: true, random: false },
                "`grant: [clock]` beside `component`, if it uses the clock that it imports",
            ),
            (
                Grants { clock: true, random: true },
                "`grant: [clock, random]` beside `component`, if it uses the clock and random that",
            ),
        ] {
            assert!(grants(wants).starts_with(expect), "{}", grants(wants));
        }
    }

    #[test]
    fn what_is_no_plugin_is_told() {
        let engine = Engine::new().unwrap();
        let text = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        for (file, expected) in [("/no/such/file.wasm", "cannot be read: "), (text, "is not a valid component")] {
            let error = look(&engine, Path::new(file), "{}").err().unwrap();
            assert!(error.starts_with(expected), "{file}: {error}");
        }
    }

    #[test]
    fn paths_and_options_as_written() {
        let check = |keys: &[&str], expected| {
            assert_eq!(path(&keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>()), expected);
        };
        check(&["log", "level"], "log.level");
        check(&["kubernetes", "labels", "app.kubernetes.io/name"], r#"kubernetes.labels."app.kubernetes.io/name""#);
        for (text, valid) in [("{}", true), (r#"{"a":[1]}"#, true), ("[]", false), ("", false), ("{a:1}", false)] {
            assert_eq!(object(text).is_ok(), valid, "{text}");
        }
    }
}
