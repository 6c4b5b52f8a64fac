//! The state of the process at the moment that somebody asks: read once, so that its parts fit each other.

use std::{collections::BTreeMap, time::Duration};

use sluice_core::{Balance, Failure, supervisor::State};
use sluice_wasm::{
    Plugin,
    counters::Counts,
    crash::BundleCounts,
    trial::{Reason, Rollback},
};

use super::process;
use crate::{
    assemble::{SinkCounters, SourceCounters, StandIn},
    process::{Observed, Pulse, ReloadStatus, View},
};

#[derive(Clone)]
pub(crate) struct Snapshot {
    pub reload: ReloadStatus,
    /// Whether the order to stop was given.
    pub is_stopping: bool,
    /// How long the process lives, where the system tells.
    pub up: Option<Duration>,
    /// In the order of the config.
    pub pipelines: Vec<PipelineSnapshot>,
}

#[derive(Clone)]
pub(crate) struct PipelineSnapshot {
    pub name: String,
    pub state: State,
    /// How long it has been in this state.
    pub since: Option<Duration>,
    pub restarts: u64,
    /// What ended a generation last, and how long ago.
    pub last_failure: Option<(Failure, Duration)>,
    /// For how long records have been in flight and none has left.
    pub stalled: Duration,
    pub balance: Balance,
    pub source: SourceCounters,
    pub sink: SinkCounters,
    /// In the order of the chain.
    pub plugins: Vec<PluginSnapshot>,
    /// Why its chain holds a batch back, if a plugin was halted.
    pub halted: Option<String>,
    /// Versions that were taken back, of plugins whose version before runs.
    pub rollbacks: Vec<RollbackSnapshot>,
    /// Versions of the cache that run, as what the files say cannot.
    pub stand_ins: Vec<StandInSnapshot>,
    /// How often versions were taken back, by plugin and why.
    pub rollback_counts: BTreeMap<(String, Reason), u64>,
}

/// A version of a plugin that was taken back.
#[derive(Clone)]
pub(crate) struct RollbackSnapshot {
    pub plugin: String,
    /// Digests of components: of what was taken back, and of what runs.
    pub from: String,
    pub to: String,
    pub why: String,
    pub ago: Duration,
}

/// A version of the cache that runs, as what the files say cannot.
#[derive(Clone)]
pub(crate) struct StandInSnapshot {
    pub plugin: String,
    /// Of the component that runs.
    pub digest: String,
    pub why: String,
}

/// One version of a plugin. Another component under the same name counts for itself.
#[derive(Clone)]
pub(crate) struct PluginSnapshot {
    pub name: String,
    /// Of the component's bytes: `sha256:` and 64 hexadecimal digits.
    pub digest: String,
    /// `filter`, `enricher` or `notifier`.
    pub kind: String,
    /// The interfaces that it exports, with their versions.
    pub exports: Vec<String>,
    pub counts: Counts,
    pub bundles: BundleCounts,
}

impl Snapshot {
    pub fn of(observed: &Observed) -> Self {
        Self {
            reload: observed.reload(),
            is_stopping: observed.is_stopping(),
            up: process::up(),
            pipelines: observed.pipelines().iter().map(|view| PipelineSnapshot::of(view, observed.pulse())).collect(),
        }
    }
}

impl PipelineSnapshot {
    fn of(view: &View, pulse: &Pulse) -> Self {
        let balance = view.ledger.balance();
        Self {
            name: view.name.clone(),
            state: view.status.state(),
            since: view.status.since().map(|since| since.elapsed()),
            restarts: view.status.restarts(),
            last_failure: view.status.last_failure().map(|(failure, at)| (failure, at.elapsed())),
            stalled: pulse.stalled(&view.name, &balance),
            balance,
            source: view.source.clone(),
            sink: view.sink.clone(),
            plugins: view.plugins().iter().map(|plugin| PluginSnapshot::of(plugin)).collect(),
            halted: view.halted(),
            rollbacks: view.rollbacks().iter().map(RollbackSnapshot::of).collect(),
            stand_ins: view.stand_ins().iter().map(StandInSnapshot::of).collect(),
            rollback_counts: view.rollback_counts(),
        }
    }
}

impl RollbackSnapshot {
    fn of(rollback: &Rollback) -> Self {
        Self {
            plugin: rollback.from.name().to_owned(),
            from: rollback.from.component().digest.to_string(),
            to: rollback.to.component().digest.to_string(),
            why: rollback.why.clone(),
            ago: rollback.at.elapsed(),
        }
    }
}

impl StandInSnapshot {
    fn of(stand_in: &StandIn) -> Self {
        Self {
            plugin: stand_in.plugin.name().to_owned(),
            digest: stand_in.plugin.component().digest.to_string(),
            why: stand_in.why.clone(),
        }
    }
}

impl PluginSnapshot {
    fn of(plugin: &Plugin) -> Self {
        Self {
            name: plugin.name().to_owned(),
            digest: plugin.component().digest.to_string(),
            kind: plugin.component().kind.to_string(),
            exports: plugin.component().exports.clone(),
            counts: plugin.counters().read(),
            bundles: plugin.bundles().read(),
        }
    }
}
