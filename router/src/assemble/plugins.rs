//! Components are read and compiled once, at start, however many pipelines use them.

use std::{collections::HashMap, fs, path::PathBuf, sync::Arc};

use anyhow::{Context, Result};
use sluice_wasm::{Component, Engine, Limits, Plugin};
use tracing::info;

use crate::config;

/// The components that were read so far.
pub(super) struct Shelf {
    engine: Engine,
    limits: Limits,
    components: HashMap<PathBuf, Component>,
}

impl Shelf {
    pub fn new() -> Result<Self> {
        Ok(Self { engine: Engine::new()?, limits: Limits::default(), components: HashMap::new() })
    }

    /// The plugins of one pipeline, each configured once to see that it accepts its config.
    pub fn load(&mut self, plugins: &[config::Plugin]) -> Result<Vec<Arc<Plugin>>> {
        plugins.iter().map(|plugin| self.plugin(plugin).map(Arc::new)).collect()
    }

    fn plugin(&mut self, plugin: &config::Plugin) -> Result<Plugin> {
        let path = &plugin.component;
        let component = match self.components.get(path) {
            Some(component) => component.clone(),
            None => {
                let bytes = fs::read(path)
                    .with_context(|| format!("plugin {}: cannot read its component {}", plugin.name, path.display()))?;
                let component = Component::load(&self.engine, &bytes, &self.limits)
                    .with_context(|| format!("plugin {}: {}", plugin.name, path.display()))?;
                self.components.entry(path.clone()).or_insert(component).clone()
            }
        };
        info!(plugin = plugin.name, component = %path.display(), digest = %component.digest, "plugin loaded");
        Ok(Plugin::new(&plugin.name, component, &plugin.config, self.limits.clone())?)
    }
}
