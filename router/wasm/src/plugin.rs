//! A plugin: a component with a name and options.
use std::sync::Arc;

use sluice_core::Failure;

use crate::bindings::FilterPluginPre;
use crate::component::Component;
use crate::counters::Counters;
use crate::fault::Fault;
use crate::filter::{Failed, Filter, State, link};
use crate::limits::Limits;
use crate::manifest::Manifest;

/// A plugin that accepted its options. Chains make instances of it.
pub struct Plugin {
    name: Arc<str>,
    component: Component,
    options: String,
    limits: Limits,
    linked: FilterPluginPre<State>,
    manifest: Manifest,
    counters: Counters,
}

impl Plugin {
    /// Starts a first instance, to see whether the component accepts `options`, the JSON of its `config` key.
    ///
    /// The error is fatal: nothing but another configuration or component helps.
    pub fn new(name: &str, component: Component, options: &str, limits: Limits) -> Result<Self, Failure> {
        let name: Arc<str> = name.into();
        let fatal = |text: String| Failure::fatal(format!("plugin {name}"), text);
        let linked = link(&component).map_err(|error| {
            let reason = crate::fault::one_line(&error.root_cause().to_string());
            fatal(format!("{} does not fit the interface in wit/: {reason}", component.digest))
        })?;
        let (_, manifest) = Filter::start(&linked, &name, options, &limits)
            .map_err(|failed| fatal(fault(&name, &component, failed).to_string()))?;
        let (options, counters) = (options.to_string(), Counters::default());
        Ok(Self { name, component, options, limits, linked, manifest, counters })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn component(&self) -> &Component {
        &self.component
    }

    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// A new instance. Its manifest must be that of the first: the columns are laid out by it.
    pub(crate) fn start(&self) -> Result<Filter, Fault> {
        let started = Filter::start(&self.linked, &self.name, &self.options, &self.limits);
        let (filter, manifest) = started.map_err(|failed| self.fault(failed))?;
        if manifest == self.manifest {
            return Ok(filter);
        }
        let changed = crate::fault::Cause::Invalid("another manifest than the first time".into());
        Err(self.fault(("configure", changed)))
    }

    pub(crate) fn fault(&self, failed: Failed) -> Fault {
        fault(&self.name, &self.component, failed)
    }
}

fn fault(plugin: &str, component: &Component, (call, cause): Failed) -> Fault {
    Fault { plugin: plugin.to_string(), digest: component.digest, call, cause }
}

impl std::fmt::Debug for Plugin {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.debug_struct("Plugin").field("name", &self.name).field("component", &self.component).finish_non_exhaustive()
    }
}
