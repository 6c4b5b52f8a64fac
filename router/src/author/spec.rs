//! Plugins as they are named on a command line: `FILE` or `FILE:{"option":…}`.

use std::{
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
};

use anyhow::{Result, anyhow, bail};
use sluice_wasm::{
    Component, Engine, Grants, Limits, OnFault, Plugin,
    packed::{self, FileError},
};

use crate::{
    assemble::grants,
    config::{self, Plan},
};

/// A component with options, before it is loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    pub name: String,
    pub component: PathBuf,
    /// JSON.
    pub options: String,
    /// `None`: what it wants, since whoever types it is its author.
    pub grants: Option<Grants>,
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
        match options_of(options) {
            Ok(options) => Ok(Self::new(Path::new(component), &options)),
            Err(why) => Err(format!("its options {why}; {hint}")),
        }
    }
}

/// Options as they are typed behind `--config`.
pub fn parse_options(text: &str) -> Result<String, String> {
    options_of(text).map_err(|why| format!("options {why}; write '{{\"at_least\":\"info\"}}'"))
}

fn options_of(text: &str) -> Result<String, String> {
    match serde_json::from_str(text) {
        Ok(serde_json::Value::Object(_)) => Ok(text.to_owned()),
        Ok(_) => Err("are no JSON object".to_owned()),
        Err(error) => Err(format!("are not JSON: {error}")),
    }
}

impl Spec {
    /// The plugin has the name of its file.
    pub fn new(component: &Path, options: &str) -> Self {
        let name = component.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Self { name, component: component.to_owned(), options: options.to_owned(), grants: None }
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
        Self {
            name: plugin.name.clone(),
            component: plugin.component.clone(),
            options: plugin.config.clone(),
            grants: Some(grants(plugin.grant)),
        }
    }

    /// Compiles the component and lets it take its options. What it fails on is put aside, whatever its kind.
    pub fn load(&self, engine: &Engine) -> Result<Arc<Plugin>> {
        let (path, limits) = (self.component.display(), Limits::default());
        let bytes = read(&self.component, limits.component)?;
        let component = Component::load(engine, &bytes, &limits).map_err(|error| anyhow!("{path} {error}"))?;
        let limits = Limits { grants: self.grants.unwrap_or(component.wants), ..limits };
        Plugin::new(&self.name, component, &self.options, Some(OnFault::DeadLetter), limits)
            .map(Arc::new)
            .map_err(|failure| anyhow!("{path} cannot start with the options {}: {}", self.options, failure.text))
    }
}

/// The component in a file, unpacked; of one that is too large, enough to be refused for it.
pub fn read(file: &Path, limit: usize) -> Result<Vec<u8>> {
    packed::read(file, limit).map_err(|error| match error {
        FileError::Read(error) => anyhow::Error::new(error).context(format!(
            "cannot read the component {}; `sluice plugin build` makes one, in its plugin's folder",
            file.display()
        )),
        FileError::Unpack(error) => anyhow!("{} {error}", file.display()),
    })
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
            grants: None,
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
    fn options_are_an_object() {
        for (text, expect) in [
            ("{}", Ok("{}")),
            ("[1]", Err("options are no JSON object; write '{\"at_least\":\"info\"}'")),
            (
                "{x",
                Err("options are not JSON: key must be a string at line 1 column 2; write '{\"at_least\":\"info\"}'"),
            ),
        ] {
            assert_eq!(parse_options(text), expect.map(str::to_owned).map_err(str::to_owned), "{text}");
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
