//! What a running process shows of itself: to the books, to the admin port, to the demo's view.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use sluice_core::{Ledger, supervisor::Status};
use sluice_wasm::{
    Lineup, Plugins,
    trial::{Reason, Rollback},
};

use super::{Pulse, orders::Orders};
use crate::assemble::{Assembly, SinkCounters, SourceCounters, StandIn, StandIns};

/// The pipelines that run now, and how reloading goes. Shared by those who look and those who change it.
#[derive(Default)]
pub struct Observed {
    pipelines: Mutex<Arc<[View]>>,
    reload: Mutex<ReloadStatus>,
    stopping: AtomicBool,
    pulse: Pulse,
    orders: Orders,
}

/// One pipeline: handles that stay the same over its generations. A pipeline that a reload started anew keeps its
/// books and gets new counters.
#[derive(Clone)]
pub struct View {
    pub name: String,
    pub ledger: Arc<Ledger>,
    pub status: Arc<Status>,
    pub source: SourceCounters,
    pub sink: SinkCounters,
    lineup: Arc<Lineup>,
    stand_ins: StandIns,
}

/// How reloading goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReloadStatus {
    /// Whether what runs is what the files say.
    pub last_ok: bool,
    /// One line: what took effect last, or what was refused and why.
    pub text: String,
    /// Changes that took effect.
    pub reloads: u64,
    /// Changes that were refused.
    pub refused: u64,
}

impl Default for ReloadStatus {
    fn default() -> Self {
        Self { last_ok: true, text: "nothing has changed since the start".into(), reloads: 0, refused: 0 }
    }
}

impl Observed {
    /// In the order of the config file.
    pub fn pipelines(&self) -> Arc<[View]> {
        lock(&self.pipelines).clone()
    }

    pub fn reload(&self) -> ReloadStatus {
        lock(&self.reload).clone()
    }

    /// When records left each pipeline last.
    pub(crate) fn pulse(&self) -> &Pulse {
        &self.pulse
    }

    /// What somebody wants to be done.
    pub(crate) fn orders(&self) -> &Orders {
        &self.orders
    }

    /// Whether the order to stop was given.
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    pub(crate) fn set_pipelines(&self, pipelines: impl IntoIterator<Item = View>) {
        *lock(&self.pipelines) = pipelines.into_iter().collect();
    }

    pub(crate) fn change_reload(&self, change: impl FnOnce(&mut ReloadStatus)) {
        change(&mut lock(&self.reload));
    }

    pub(super) fn stopping(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }
}

impl View {
    pub(super) fn of(assembly: &Assembly) -> Self {
        Self {
            name: assembly.name.clone(),
            ledger: assembly.ledger.clone(),
            status: assembly.status.clone(),
            source: assembly.source_counters.clone(),
            sink: assembly.sink_counters.clone(),
            lineup: assembly.lineup.clone(),
            stand_ins: assembly.stand_ins.clone(),
        }
    }

    /// In the order of the chain; a swap changes them.
    pub fn plugins(&self) -> Plugins {
        self.lineup.current()
    }

    /// Versions that were taken back, of plugins whose version before runs.
    pub fn rollbacks(&self) -> Vec<Rollback> {
        self.lineup.rollbacks()
    }

    /// Versions of the cache that run, as what the files say cannot.
    pub fn stand_ins(&self) -> Vec<StandIn> {
        self.stand_ins.among(&self.lineup.current())
    }

    /// How often versions were taken back, by plugin and why.
    pub fn rollback_counts(&self) -> BTreeMap<(String, Reason), u64> {
        self.lineup.rollback_counts()
    }

    /// Why the chain holds its batch back, if a plugin that failed was halted.
    pub fn halted(&self) -> Option<String> {
        self.lineup.halted()
    }
}

fn lock<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}
