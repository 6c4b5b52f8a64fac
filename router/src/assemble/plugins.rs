//! Components are read when they are needed and compiled once, however many pipelines use them.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, Read},
    path::Path,
    sync::Arc,
};

use anyhow::{Context, Result};
use sha2::{Digest as _, Sha256};
use sluice_core::Failure;
use sluice_wasm::{
    Component, Engine, Limits, OnFault, Plugin,
    component::{Digest, Kind},
    examples,
};
use tracing::info;

use crate::config::{self, Sink};

/// The components that run, by what is in them: a file may hold another one tomorrow.
pub struct Shelf {
    engine: Engine,
    limits: Limits,
    components: HashMap<Digest, Component>,
}

impl Shelf {
    pub fn new() -> Result<Self> {
        Ok(Self { engine: Engine::new()?, limits: Limits::default(), components: HashMap::new() })
    }

    /// The plugins of a pipeline, each configured once to see that it accepts its config. One of `running`, the
    /// pipeline's plugins with what they were made from, is taken again where neither config nor component changed:
    /// its instance and its counters go on.
    pub fn load(
        &mut self,
        pipeline: &config::Pipeline,
        running: &[(config::Plugin, Arc<Plugin>)],
    ) -> Result<Vec<Arc<Plugin>>> {
        let plugins: Vec<_> =
            pipeline.plugins.iter().map(|plugin| self.plugin(plugin, running)).collect::<Result<_>>()?;
        let kinds: Vec<_> = plugins.iter().map(|plugin| (plugin.name(), plugin.kind())).collect();
        check_alerts(&pipeline.sink, &kinds)?;
        Ok(plugins)
    }

    /// Forgets the components that no plugin in `running` is made of.
    pub fn keep(&mut self, running: impl Iterator<Item = Arc<Plugin>>) {
        let used: Vec<Digest> = running.map(|plugin| plugin.component().digest).collect();
        self.components.retain(|digest, _| used.contains(digest));
    }

    fn plugin(&mut self, spec: &config::Plugin, running: &[(config::Plugin, Arc<Plugin>)]) -> Result<Arc<Plugin>> {
        let (name, path) = (&spec.name, spec.component.display());
        let bytes = read(&spec.component, self.limits.component).with_context(|| {
            format!("plugin {name}: cannot read its component {path}; mount it, or correct `component`")
        })?;
        let digest = Digest(Sha256::digest(&bytes).into());
        let same =
            |(before, plugin): &&(config::Plugin, Arc<Plugin>)| before == spec && plugin.component().digest == digest;
        if let Some((_, plugin)) = running.iter().find(same) {
            return Ok(plugin.clone());
        }
        let refused = || format!("plugin {name}: {path} ({digest})");
        let component = self.component(digest, &bytes).with_context(refused)?;
        let on_fault = spec.on_fault.map(|on_fault| match on_fault {
            config::OnFault::Pass => OnFault::Pass,
            config::OnFault::DeadLetter => OnFault::DeadLetter,
            config::OnFault::Halt => OnFault::Halt,
        });
        let plugin = Plugin::new(name, component, &spec.config, on_fault, self.limits.clone())
            .map_err(|failure| anyhow::anyhow!(failure.text))
            .with_context(refused)?;
        info!(plugin = name, component = %path, %digest, kind = %plugin.kind(), "plugin loaded");
        Ok(Arc::new(plugin))
    }

    fn component(&mut self, digest: Digest, bytes: &[u8]) -> Result<Component> {
        if let Some(component) = self.components.get(&digest) {
            return Ok(component.clone());
        }
        let component = Component::load(&self.engine, bytes, &self.limits)?;
        examples::verify(bytes, &component, &self.limits).map_err(anyhow::Error::msg)?;
        self.components.insert(digest, component.clone());
        Ok(component)
    }
}

/// The file's bytes; of one that is too large, enough to be refused for it.
fn read(path: &Path, limit: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(limit as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Alerts need someone who raises them and someone who posts them.
fn check_alerts(sink: &Sink, plugins: &[(&str, Kind)]) -> Result<(), Failure> {
    let notifier = plugins.iter().find(|(_, kind)| *kind == Kind::Notifier);
    match (sink, notifier) {
        (Sink::Slack(_), None) => Err(Failure::fatal(
            "slack sink",
            "posts alerts, and no plugin of its pipeline raises any; add a notifier to `plugins`, as in \
             \"- { name: exceptions, component: /etc/sluice/plugins/exception-notifier.wasm }\"",
        )),
        (Sink::Kafka(_) | Sink::Elasticsearch(_), Some((name, _))) => Err(Failure::fatal(
            format!("plugin {name}"),
            "is a notifier, and its pipeline's sink posts no alerts; give it a pipeline of its own with \
             \"sink: { slack: { webhook: { file: /etc/sluice/secrets/slack-url } } }\"",
        )),
        _ => Ok(()),
    }
}
