//! The plugins that a process starts with: what the files say, unless that is bad or was taken back before.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use anyhow::Result;
use sluice_wasm::{Plugin, trial::Rollback};
use tracing::{error, warn};

use super::{
    Shelf, Version,
    plugins::check_alerts,
    store::{Made, TakenBack},
};
use crate::config;

/// A plugin that a process starts with.
pub struct Beginning {
    pub runs: Version,
    /// What the files say, where that was taken back before the start, and why it was.
    pub refused: Option<(Version, TakenBack)>,
    /// What is wrong with what the files say, where that cannot run.
    pub stands_in: Option<String>,
}

/// A version that ran before the start and runs again, as what the files say cannot.
#[derive(Clone)]
pub struct StandIn {
    pub plugin: Arc<Plugin>,
    /// What is wrong with what the files say.
    pub why: String,
}

/// The stand-ins of a pipeline. Clones are the same ones.
#[derive(Clone, Default)]
pub struct StandIns(Arc<Mutex<Vec<StandIn>>>);

impl StandIns {
    pub fn set(&self, stand_ins: Vec<StandIn>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = stand_ins;
    }

    /// Those that run. What takes their place needs nobody to stand in for it.
    pub fn among(&self, running: &[Arc<Plugin>]) -> Vec<StandIn> {
        let runs = |stand_in: &&StandIn| running.iter().any(|plugin| Arc::ptr_eq(plugin, &stand_in.plugin));
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().filter(runs).cloned().collect()
    }
}

impl Shelf {
    /// The plugins of a pipeline when the process starts. Where one cannot run as the files say, the last good version of
    /// the cache does.
    ///
    /// # Errors
    /// A plugin cannot be made, and no version of it is remembered that can.
    pub fn begin(&mut self, pipeline: &config::Pipeline) -> Result<Vec<Beginning>> {
        let begun = pipeline.plugins.iter().map(|spec| self.begin_plugin(&pipeline.name, spec));
        let begun = begun.collect::<Result<Vec<_>>>()?;
        let kinds: Vec<_> = begun.iter().map(|begun| (begun.runs.1.name(), begun.runs.1.kind())).collect();
        check_alerts(&pipeline.sink, &kinds)?;
        Ok(begun)
    }

    fn begin_plugin(&mut self, pipeline: &str, spec: &config::Plugin) -> Result<Beginning> {
        let made = self.plugin(spec, &[]);
        let remembered = self.store_mut().and_then(|store| store.recall(pipeline, &spec.name));
        let plugin = spec.name.as_str();
        match (made, remembered) {
            (Ok(made), Some(remembered)) => {
                let wanted = (spec.clone(), made);
                let held = remembered.taken_back.filter(|taken_back| taken_back.made == Made::of(&wanted));
                let Some(taken_back) = held else { return Ok(Beginning::of(wanted)) };
                let Some(runs) = self.remade(spec, &remembered.good) else { return Ok(Beginning::of(wanted)) };
                let (digest, from) = (runs.1.component().digest, wanted.1.component().digest);
                warn!(
                    pipeline,
                    plugin,
                    %from,
                    to = %digest,
                    why = taken_back.why,
                    "what the files hold was taken back before the start; the version that ran then runs again"
                );
                Ok(Beginning { runs, refused: Some((wanted, taken_back)), stands_in: None })
            }
            (Ok(made), None) => Ok(Beginning::of((spec.clone(), made))),
            (Err(wrong), Some(remembered)) => {
                let Some(runs) = self.remade(spec, &remembered.good) else { return Err(wrong) };
                let (digest, why) = (runs.1.component().digest, format!("{wrong:#}"));
                error!(
                    pipeline,
                    plugin,
                    %digest,
                    why,
                    "cannot start with what the files hold; the last good version of the plugin runs, until they change"
                );
                Ok(Beginning { runs, refused: None, stands_in: Some(why) })
            }
            (Err(wrong), None) => Err(wrong),
        }
    }

    /// A version that is remembered; nothing if it cannot be made any more, or the operator does not allow it.
    fn remade(&mut self, spec: &config::Plugin, made: &Made) -> Option<Version> {
        let spec = made.spec(spec);
        let digest = made.digest()?;
        let most = self.limits().component;
        let bytes = self.store_mut()?.component(digest, most)?;
        match self.make(&spec, digest, &bytes) {
            Ok(plugin) => Some((spec, plugin)),
            Err(error) => {
                warn!(plugin = spec.name, %digest, "the version of the cache cannot run either: {error:#}");
                None
            }
        }
    }
}

impl Beginning {
    fn of(runs: Version) -> Self {
        Self { runs, refused: None, stands_in: None }
    }

    pub fn stand_in(&self) -> Option<StandIn> {
        self.stands_in.clone().map(|why| StandIn { plugin: self.runs.1.clone(), why })
    }

    /// What was taken back before the start, as it is told of what was taken back since.
    pub fn rollback(&self) -> Option<Rollback> {
        let ((_, from), taken_back) = self.refused.as_ref()?;
        let why = format!("before the start: {}", taken_back.why);
        let (from, to) = (from.clone(), self.runs.1.clone());
        Some(Rollback { from, to, reason: taken_back.reason(), why, at: Instant::now() })
    }
}
