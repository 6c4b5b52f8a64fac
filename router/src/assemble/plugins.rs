//! Components are read when they are needed and compiled once, however many pipelines use them.

use std::{collections::HashMap, path::Path, sync::Arc};

use anyhow::{Context, Result, bail};
use sluice_core::Failure;
use sluice_wasm::{
    Component, Engine, Grants, Limits, OnFault, Plugin,
    component::{Digest, Kind},
    crash::{Crashes, Recording},
    examples,
    packed::{self, FileError},
};
use tracing::{info, warn};

use super::{
    Version,
    crashes::{crashes, settings},
    store::Store,
};
use crate::config::{self, Sink};

/// The components that run, by what is in them: a file may hold another one tomorrow.
pub struct Shelf {
    engine: Engine,
    limits: Limits,
    components: HashMap<Digest, Held>,
    crashes: Arc<Crashes>,
    store: Option<Store>,
}

/// A component that was compiled.
struct Held {
    component: Component,
    /// With what its examples came out as they should: with less, or more, they may not.
    verified: Vec<Grants>,
}

impl Shelf {
    pub fn new() -> Result<Self> {
        Ok(Self {
            engine: Engine::new()?,
            limits: Limits::default(),
            components: HashMap::new(),
            crashes: crashes(),
            store: None,
        })
    }

    /// From now on what is compiled is kept in this folder, and what runs is remembered there. That it cannot be is
    /// told, and hinders nothing.
    pub fn keep_in(&mut self, folder: Option<&Path>) {
        if self.store.as_ref().map(Store::path) == folder {
            return;
        }
        self.store = folder.and_then(|folder| match Store::open(folder, &self.engine) {
            Ok(store) => Some(store),
            Err(error) => {
                let message = "plugins are compiled at each start, and nothing is remembered of them";
                warn!(plugin_cache = %folder.display(), "{error}; {message}");
                None
            }
        });
    }

    /// What outlives the process, if it has a folder.
    pub fn store_mut(&mut self) -> Option<&mut Store> {
        self.store.as_mut()
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Who writes the bundles of faults.
    pub fn crashes(&self) -> &Arc<Crashes> {
        &self.crashes
    }

    /// Where faults leave bundles from now on, those of plugins that run included; nowhere without a config.
    pub fn set_crash_bundles(&self, config: Option<&config::CrashBundles>) {
        self.crashes.set(config.map(settings));
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

    /// Puts the components of these versions beside what is remembered of them, where they are not yet: the folder may be
    /// another one than when they were made.
    pub fn keep_components(&self, versions: &[Version]) {
        let Some(store) = &self.store else { return };
        for (spec, plugin) in versions {
            let digest = plugin.component().digest;
            store.cache().keep_compiled(plugin.component());
            // The file may hold another component by now; then there is nothing to keep.
            if !store.has_component(digest)
                && let Ok(bytes) = packed::read(&spec.component, self.limits.component)
                && Digest::of(&bytes) == digest
            {
                store.keep_component(digest, &bytes);
            }
        }
    }

    /// Forgets the components that none of these versions is made of.
    pub fn keep(&mut self, versions: &[Version]) {
        let used: Vec<Digest> = versions.iter().map(|(_, plugin)| plugin.component().digest).collect();
        self.components.retain(|digest, _| used.contains(digest));
        self.store.iter().for_each(|store| store.tidy(&used));
    }

    pub(super) fn plugin(
        &mut self,
        spec: &config::Plugin,
        running: &[(config::Plugin, Arc<Plugin>)],
    ) -> Result<Arc<Plugin>> {
        let (name, path) = (&spec.name, spec.component.display());
        let bytes = packed::read(&spec.component, self.limits.component).map_err(|error| match error {
            FileError::Read(error) => anyhow::Error::new(error)
                .context(format!("plugin {name}: cannot read its component {path}; mount it, or correct `component`")),
            FileError::Unpack(error) => anyhow::Error::new(error).context(format!("plugin {name}: {path}")),
        })?;
        let digest = Digest::of(&bytes);
        let same =
            |(before, plugin): &&(config::Plugin, Arc<Plugin>)| before == spec && plugin.component().digest == digest;
        if let Some((_, plugin)) = running.iter().find(same) {
            self.store.iter().for_each(|store| store.keep_component(digest, &bytes));
            return Ok(plugin.clone());
        }
        self.make(spec, digest, &bytes)
    }

    /// A plugin of a component that was read.
    pub(super) fn make(&mut self, spec: &config::Plugin, digest: Digest, bytes: &[u8]) -> Result<Arc<Plugin>> {
        let (name, path) = (&spec.name, spec.component.display());
        let refused = || format!("plugin {name}: {path} ({digest})");
        check_pin(spec, digest).with_context(refused)?;
        let limits = Limits { grants: grants(spec.grant), ..self.limits.clone() };
        let component = self.component(digest, bytes, &limits).with_context(refused)?;
        let on_fault = spec.on_fault.map(|on_fault| match on_fault {
            config::OnFault::Pass => OnFault::Pass,
            config::OnFault::DeadLetter => OnFault::DeadLetter,
            config::OnFault::Halt => OnFault::Halt,
        });
        let recording =
            Recording { crashes: self.crashes.clone(), private: spec.private, file: Some(spec.component.clone()) };
        let plugin = Plugin::recorded(name, component, &spec.config, on_fault, limits, recording)
            .map_err(|failure| anyhow::anyhow!(failure.text))
            .with_context(refused)?;
        let needless = plugin.grants().without(plugin.component().wants);
        if !needless.is_none() {
            warn!(plugin = name, component = %path, "it does not import what `{needless}` grants it; leave that out");
        }
        self.store.iter().for_each(|store| store.keep_component(digest, bytes));
        info!(plugin = name, component = %path, %digest, kind = %plugin.kind(), "plugin loaded");
        Ok(Arc::new(plugin))
    }

    fn component(&mut self, digest: Digest, bytes: &[u8], limits: &Limits) -> Result<Component> {
        let held = self.components.get(&digest);
        if let Some(held) = held.filter(|held| held.verified.contains(&limits.grants)) {
            return Ok(held.component.clone());
        }
        let component = match held {
            Some(held) => held.component.clone(),
            None => Component::load_with(&self.engine, bytes, limits, self.store.as_ref().map(Store::cache))?,
        };
        examples::verify(bytes, &component, limits).map_err(anyhow::Error::msg)?;
        let held = self.components.entry(digest).or_insert(Held { component: component.clone(), verified: Vec::new() });
        held.verified.push(limits.grants);
        Ok(component)
    }
}

pub(crate) fn grants(config: config::Grants) -> Grants {
    let config::Grants { clock, random } = config;
    Grants { clock, random }
}

/// Of a component that is pinned no other one is taken, however good it is.
fn check_pin(spec: &config::Plugin, digest: Digest) -> Result<()> {
    match spec.sha256.map(Digest) {
        Some(pinned) if pinned != digest => bail!(
            "its `sha256` allows {pinned} only; if this is the component that is to run, write \"sha256: {}\"",
            digest.hex()
        ),
        _ => Ok(()),
    }
}

/// Alerts need someone who raises them and someone who posts them.
pub(super) fn check_alerts(sink: &Sink, plugins: &[(&str, Kind)]) -> Result<(), Failure> {
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
