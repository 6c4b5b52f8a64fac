//! Plugins as they are named on a command line: `FILE` or `FILE:{"option":…}`.

use std::{
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
};

use anyhow::{Context as _, Result, anyhow, bail};
use sluice_wasm::{Component, Engine, Limits, OnFault, Plugin};

use crate::config::{self, Plan};

/// A component with options, before it is loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    pub name: String,
    pub component: PathBuf,
    /// JSON.
    pub options: String,
}

impl FromStr for Spec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (component, options) = match text.find(":{") {
            Some(at) => (&text[..at], &text[at + 1..]),
            None => (text, "{}"),
        };
        let hint = "write FILE.wasm or 'FILE.wasm:{\"at_least\":\"info\"}'";
        if component.is_empty() {
            return Err(format!("names no component; {hint}"));
        }
        match serde_json::from_str(options) {
            Ok(serde_json::Value::Object(_)) => Ok(Self::new(Path::new(component), options)),
            Ok(_) => Err(format!("its options are no JSON object; {hint}")),
            Err(error) => Err(format!("its options are not JSON: {error}; {hint}")),
        }
    }
}

impl Spec {
    /// The plugin has the name of its file.
    pub fn new(component: &Path, options: &str) -> Self {
        let name = component.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Self { name, component: component.to_owned(), options: options.to_owned() }
    }

    /// The plugins of a pipeline of the plan.
    pub fn of_pipeline(plan: &Plan, pipeline: &str) -> Result<Vec<Self>> {
        let Some(found) = plan.pipelines.iter().find(|known| known.name == pipeline) else {
            let names: Vec<&str> = plan.pipelines.iter().map(|pipeline| pipeline.name.as_str()).collect();
            bail!("no pipeline is called {pipeline:?}; write one of {}", names.join(", "));
        };
        Ok(found.plugins.iter().map(Self::of_config).collect())
    }

    fn of_config(plugin: &config::Plugin) -> Self {
        Self { name: plugin.name.clone(), component: plugin.component.clone(), options: plugin.config.clone() }
    }

    /// Compiles the component and lets it take its options. What it fails on is put aside, whatever its kind.
    pub fn load(&self, engine: &Engine) -> Result<Arc<Plugin>> {
        let (path, limits) = (self.component.display(), Limits::default());
        let bytes = read(&self.component, limits.component)?;
        let component = Component::load(engine, &bytes, &limits).map_err(|error| anyhow!("{path} {error}"))?;
        Plugin::new(&self.name, component, &self.options, Some(OnFault::DeadLetter), limits)
            .map(Arc::new)
            .map_err(|failure| anyhow!("{path} cannot start with the options {}: {}", self.options, failure.text))
    }
}

/// The bytes of a component file; of one that is too large, enough to be refused for it.
pub fn read(file: &Path, limit: usize) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = File::open(file).and_then(|file| file.take(limit as u64 + 1).read_to_end(&mut bytes));
    read.with_context(|| {
        format!("cannot read the component {}; `sluice plugin build` makes one, in its plugin's folder", file.display())
    })?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed() {
        let spec = |name: &str, component: &str, options: &str| Spec {
            name: name.into(),
            component: component.into(),
            options: options.into(),
        };
        for (text, expect) in [
            ("a/redact.wasm", Some(spec("redact", "a/redact.wasm", "{}"))),
            (r#"f.wasm:{"a":"b:{c"}"#, Some(spec("f", "f.wasm", r#"{"a":"b:{c"}"#))),
            ("odd:name.wasm", Some(spec("odd:name", "odd:name.wasm", "{}"))),
            (":{}", None),
            ("f.wasm:{", None),
            ("f.wasm:{} x", None),
        ] {
            assert_eq!(text.parse().ok(), expect, "{text}");
        }
    }

    #[test]
    fn a_missing_component_says_what_makes_one() {
        let error = format!("{:#}", read(Path::new("/no/such.wasm"), 1).unwrap_err());
        assert!(
            error.starts_with("cannot read the component /no/such.wasm; `sluice plugin build` makes one"),
            "{error}"
        );
    }
}
