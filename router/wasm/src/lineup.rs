//! The plugins of one pipeline, as they stand now: swapped as a whole while records flow.
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use sluice_core::Failure;
use tokio::sync::watch;

use crate::component::Kind;
use crate::plugin::{OnFault, Plugin};
use crate::trial::{Reason, Rollback, Trial};

/// Plugins in the order in which a batch passes them.
pub type Plugins = Arc<[Arc<Plugin>]>;

/// Shared by whoever swaps plugins and by the chains of a pipeline's generations, each of which takes over the newest
/// plugins between two batches.
#[derive(Debug)]
pub struct Lineup {
    current: watch::Sender<Plugins>,
    halted: Mutex<Option<String>>,
    has_dead_letters: bool,
    /// Locked by whoever changes `current`, so that no change overtakes another unseen.
    history: Mutex<History>,
}

/// What is known of versions that took over.
#[derive(Debug, Default)]
struct History {
    trials: Vec<Trial>,
    /// One for each plugin that runs in a version that another one was taken back for.
    rollbacks: Vec<Rollback>,
    counts: BTreeMap<(String, Reason), u64>,
}

impl Lineup {
    /// Checks that the plugins fit together; the error is fatal. `has_dead_letters` says whether there is a place for
    /// records that a plugin cannot answer for.
    pub fn new(plugins: Vec<Arc<Plugin>>, has_dead_letters: bool) -> Result<Arc<Self>, Failure> {
        check(&plugins, has_dead_letters)?;
        let (current, _) = watch::channel(plugins.into());
        Ok(Arc::new(Self { current, halted: Mutex::default(), has_dead_letters, history: Mutex::default() }))
    }

    /// Puts all of `plugins` in place of the present ones, or none. Records that wait for a halted plugin go on.
    pub fn replace(&self, plugins: Vec<Arc<Plugin>>) -> Result<(), Failure> {
        check(&plugins, self.has_dead_letters)?;
        self.put(&mut self.history(), plugins.into());
        Ok(())
    }

    /// The same with versions on trial, if `seen` are still the present ones; false if they are not, since a version was
    /// taken back meanwhile.
    pub fn try_out(&self, seen: &Plugins, plugins: Vec<Arc<Plugin>>, trials: Vec<Trial>) -> Result<bool, Failure> {
        check(&plugins, self.has_dead_letters)?;
        let mut history = self.history();
        if !Arc::ptr_eq(seen, &self.current.borrow()) {
            return Ok(false);
        }
        history.trials.extend(trials);
        self.put(&mut history, plugins.into());
        Ok(true)
    }

    /// Puts `to` in the place of `from`, which is not to come back by itself. False if `from` does not run any more.
    pub fn roll_back(
        &self,
        from: &Arc<Plugin>,
        to: &Arc<Plugin>,
        reason: Reason,
        why: String,
    ) -> Result<bool, Failure> {
        let mut history = self.history();
        let mut plugins = self.current().to_vec();
        let Some(place) = plugins.iter_mut().find(|plugin| Arc::ptr_eq(plugin, from)) else { return Ok(false) };
        *place = to.clone();
        check(&plugins, self.has_dead_letters)?;
        *history.counts.entry((from.name().to_owned(), reason)).or_default() += 1;
        history.rollbacks.retain(|rollback| rollback.from.name() != from.name());
        let at = Instant::now();
        history.rollbacks.push(Rollback { from: from.clone(), to: to.clone(), reason, why, at });
        self.put(&mut history, plugins.into());
        Ok(true)
    }

    /// What was taken back in `before`, a lineup of the same pipeline, is not to run here either.
    pub fn go_on_from(&self, before: &Self) {
        let (rollbacks, counts) = (before.rollbacks(), before.rollback_counts());
        let mut history = self.history();
        let mut plugins = self.current().to_vec();
        for rollback in &rollbacks {
            let place = plugins.iter_mut().find(|plugin| Arc::ptr_eq(plugin, &rollback.from));
            if let Some(place) = place {
                *place = rollback.to.clone();
            }
        }
        if check(&plugins, self.has_dead_letters).is_ok() {
            (history.rollbacks, history.counts) = (rollbacks, counts);
            self.put(&mut history, plugins.into());
        }
    }

    /// What was taken back before the process started, of plugins whose version before runs.
    pub fn recall(&self, rollbacks: Vec<Rollback>) {
        self.history().rollbacks = rollbacks;
    }

    /// Takes back versions on trial that do not keep to their bounds. Call it now and then.
    pub fn look(&self, now: Instant) {
        let mut history = self.history();
        history.trials.retain(|trial| trial.runs(now));
        let trials = history.trials.clone();
        drop(history);
        for trial in trials {
            if let Some((reason, why)) = trial.judge() {
                // What ran before fits, unless others were swapped meanwhile; then the new version stays.
                let _ = self.roll_back(&trial.plugin, &trial.before, reason, why);
            }
        }
    }

    /// The trial of a plugin that runs, if it is on one.
    pub fn trial(&self, plugin: &Arc<Plugin>) -> Option<Trial> {
        let now = Instant::now();
        let of = |trial: &&Trial| Arc::ptr_eq(&trial.plugin, plugin) && trial.runs(now);
        self.history().trials.iter().find(of).cloned()
    }

    /// Versions that were taken back and whose predecessors run, at most one of each plugin.
    pub fn rollbacks(&self) -> Vec<Rollback> {
        self.history().rollbacks.clone()
    }

    /// How often versions of a plugin were taken back, by the plugin's name and why.
    pub fn rollback_counts(&self) -> BTreeMap<(String, Reason), u64> {
        self.history().counts.clone()
    }

    pub fn current(&self) -> Plugins {
        self.current.borrow().clone()
    }

    /// The fault that a plugin was halted for, while records wait for another version or config of it.
    pub fn halted(&self) -> Option<String> {
        self.halted.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_halted(&self, why: Option<String>) {
        *self.halted.lock().unwrap_or_else(PoisonError::into_inner) = why;
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<Plugins> {
        self.current.subscribe()
    }

    fn put(&self, history: &mut History, plugins: Plugins) {
        let runs = |plugin: &Arc<Plugin>| plugins.iter().any(|other| Arc::ptr_eq(other, plugin));
        history.trials.retain(|trial| runs(&trial.plugin));
        history.rollbacks.retain(|rollback| runs(&rollback.to));
        self.set_halted(None);
        self.current.send_replace(plugins);
    }

    fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn check(plugins: &[Arc<Plugin>], has_dead_letters: bool) -> Result<(), Failure> {
    let fatal = |plugin: &Plugin, text: String| Err(Failure::fatal(format!("plugin {}", plugin.name()), text));
    for plugin in plugins {
        if plugin.on_fault() == OnFault::DeadLetter && !has_dead_letters {
            return fatal(
                plugin,
                "a record that it cannot answer for goes to the dead-letter topic (on_fault: dead_letter, the default of \
                 filters and enrichers), and there is none; add a `dead_letter` block, or write on_fault: halt or \
                 on_fault: pass"
                    .into(),
            );
        }
    }
    let misplaced =
        plugins.windows(2).find(|pair| pair[0].kind() == Kind::Notifier && pair[1].kind() != Kind::Notifier);
    match misplaced {
        Some(pair) => fatal(
            &pair[1],
            format!("a {} stands behind the notifier {}; put notifiers last", pair[1].kind(), pair[0].name()),
        ),
        None => Ok(()),
    }
}
