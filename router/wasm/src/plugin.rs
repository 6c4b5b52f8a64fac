//! A plugin: a component with a name and options.
use std::sync::Arc;

use sluice_core::{EditPath, Failure};

use crate::component::{Component, Kind};
use crate::counters::Counters;
use crate::crash::{Recording, Tallies, leave_start, with_replay};
use crate::fault::{Cause, Fault, one_line};
use crate::grants::Grants;
use crate::instance::{Failed, Instance, Linked};
use crate::limits::Limits;
use crate::manifest::Manifest;

/// What becomes of records that a plugin cannot answer for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFault {
    /// They go on without its answer.
    Pass,
    /// They go to the dead-letter topic.
    DeadLetter,
    /// They wait, and everything behind them, for another version or config of the plugin.
    Halt,
}

/// A plugin that accepted its options. Chains make instances of it.
pub struct Plugin {
    name: Arc<str>,
    component: Component,
    options: String,
    on_fault: OnFault,
    limits: Limits,
    linked: Linked,
    manifest: Manifest,
    paths: Vec<Arc<EditPath>>,
    counters: Counters,
    recording: Recording,
    bundles: Arc<Tallies>,
}

impl Plugin {
    /// Starts a first instance, to see whether the component accepts `options`, the JSON of its `config` key.
    /// Without `on_fault`, filters and enrichers put records aside, and notifiers let them pass.
    ///
    /// The error is fatal: nothing but another configuration or component helps.
    pub fn new(
        name: &str,
        component: Component,
        options: &str,
        on_fault: Option<OnFault>,
        limits: Limits,
    ) -> Result<Self, Failure> {
        Self::recorded(name, component, options, on_fault, limits, Recording::default())
    }

    /// The same of a plugin whose faults leave crash bundles, as `recording` says.
    pub fn recorded(
        name: &str,
        component: Component,
        options: &str,
        on_fault: Option<OnFault>,
        limits: Limits,
        recording: Recording,
    ) -> Result<Self, Failure> {
        let name: Arc<str> = name.into();
        let fatal = |text: String| Failure::fatal(format!("plugin {name}"), text);
        let linked = Linked::new(&component).map_err(|error| {
            let reason = one_line(&error.root_cause().to_string());
            fatal(format!("{} does not fit the interface in wit/: {reason}", component.digest))
        })?;
        let (_, manifest) = Instance::start(&linked, component.kind, &name, options, &limits).map_err(|failed| {
            let fault = fault(&name, &component, failed);
            let replay = leave_start(&recording, &fault, &component, options, &limits);
            fatal(with_replay(fault.to_string(), replay))
        })?;
        let on_fault = on_fault.unwrap_or(match component.kind {
            Kind::Filter | Kind::Enricher => OnFault::DeadLetter,
            Kind::Notifier => OnFault::Pass,
        });
        if manifest.essential && on_fault == OnFault::Pass {
            return Err(fatal(
                "refuses on_fault: pass, since no record may go on without its answer; write on_fault: dead_letter or \
                 on_fault: halt"
                    .into(),
            ));
        }
        let counters = Counters::default();
        let path = |keys: &Vec<String>| {
            let path = EditPath::new(keys.clone(), counters.blocked().clone());
            Arc::new(if manifest.essential { path.essential() } else { path })
        };
        let paths = manifest.writes.iter().map(path).collect();
        Ok(Self {
            name,
            options: options.to_string(),
            component,
            on_fault,
            limits,
            linked,
            manifest,
            paths,
            counters,
            recording,
            bundles: Arc::default(),
        })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn component(&self) -> &Component {
        &self.component
    }

    pub fn kind(&self) -> Kind {
        self.component.kind
    }

    pub fn on_fault(&self) -> OnFault {
        self.on_fault
    }

    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// What it may reach; with any of it, a call cannot be repeated exactly.
    pub fn grants(&self) -> Grants {
        self.limits.grants
    }

    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// What became of its crash bundles.
    pub fn bundles(&self) -> &Arc<Tallies> {
        &self.bundles
    }

    pub(crate) fn recording(&self) -> &Recording {
        &self.recording
    }

    pub(crate) fn options(&self) -> &str {
        &self.options
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The fields of `manifest.writes`.
    pub(crate) fn paths(&self) -> &[Arc<EditPath>] {
        &self.paths
    }

    /// A new instance. Its manifest must be that of the first: the columns are laid out by it.
    pub(crate) fn start(&self) -> Result<Instance, Fault> {
        let started = Instance::start(&self.linked, self.kind(), &self.name, &self.options, &self.limits);
        let (instance, manifest) = started.map_err(|failed| self.fault(failed))?;
        if manifest == self.manifest {
            return Ok(instance);
        }
        Err(self.fault(("configure", Cause::Invalid("another manifest than the first time".into()))))
    }

    pub(crate) fn fault(&self, failed: Failed) -> Fault {
        fault(&self.name, &self.component, failed)
    }
}

fn fault(plugin: &str, component: &Component, (call, cause): Failed) -> Fault {
    Fault {
        plugin: plugin.to_string(),
        digest: component.digest,
        version: component.version.clone(),
        call,
        cause,
        before: 0,
    }
}

impl std::fmt::Debug for Plugin {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.debug_struct("Plugin").field("name", &self.name).field("component", &self.component).finish_non_exhaustive()
    }
}
