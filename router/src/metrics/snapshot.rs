//! The state of the process at the moment that somebody asks: read once, so that its parts fit each other.

use sluice_core::{Balance, supervisor::State};
use sluice_wasm::{Plugin, counters::Counts};

use crate::{
    assemble::{SinkCounters, SourceCounters},
    process::{Observed, ReloadStatus, View},
};

#[derive(Clone)]
pub(crate) struct Snapshot {
    pub reload: ReloadStatus,
    /// Whether the order to stop was given.
    pub is_stopping: bool,
    /// In the order of the config.
    pub pipelines: Vec<PipelineSnapshot>,
}

#[derive(Clone)]
pub(crate) struct PipelineSnapshot {
    pub name: String,
    pub state: State,
    pub restarts: u64,
    pub balance: Balance,
    pub source: SourceCounters,
    pub sink: SinkCounters,
    /// In the order of the chain.
    pub plugins: Vec<PluginSnapshot>,
    /// Why its chain holds a batch back, if a plugin was halted.
    pub halted: Option<String>,
}

/// One version of a plugin. Another component under the same name counts for itself.
#[derive(Clone)]
pub(crate) struct PluginSnapshot {
    pub name: String,
    /// Of the component's bytes: `sha256:` and 64 hexadecimal digits.
    pub digest: String,
    /// `filter`, `enricher` or `notifier`.
    pub kind: String,
    pub counts: Counts,
}

impl Snapshot {
    pub fn of(observed: &Observed) -> Self {
        Self {
            reload: observed.reload(),
            is_stopping: observed.is_stopping(),
            pipelines: observed.pipelines().iter().map(PipelineSnapshot::of).collect(),
        }
    }
}

impl PipelineSnapshot {
    fn of(view: &View) -> Self {
        Self {
            name: view.name.clone(),
            state: view.status.state(),
            restarts: view.status.restarts(),
            balance: view.ledger.balance(),
            source: view.source.clone(),
            sink: view.sink.clone(),
            plugins: view.plugins().iter().map(|plugin| PluginSnapshot::of(plugin)).collect(),
            halted: view.halted(),
        }
    }
}

impl PluginSnapshot {
    fn of(plugin: &Plugin) -> Self {
        Self {
            name: plugin.name().to_owned(),
            digest: plugin.component().digest.to_string(),
            kind: plugin.component().kind.to_string(),
            counts: plugin.counters().read(),
        }
    }
}
