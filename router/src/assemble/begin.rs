//! The plugins that a process starts with: what the files say, unless that is bad or was taken back before.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use anyhow::Result;
use sluice_wasm::{
    Plugin,
    trial::{Bounds, Rollback, Trial},
};
use tracing::{debug, error, warn};

use super::{
    Shelf, Version,
    plugins::check_alerts,
    store::{Made, TakenBack},
};
use crate::config;

/// A plugin that a process starts with.
pub struct Beginning {
    pub runs: Version,
    /// The last good version, where that is another one: it takes over again if what runs is worse.
    pub before: Option<Version>,
    /// What the next process is to take for the last good version, until what runs has kept to its trial; `None` if that
    /// cannot be read at this moment.
    pub good: Option<Made>,
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
        let recalled = self.store_mut().map_or(Ok(None), |store| store.recall(pipeline, &spec.name));
        let plugin = spec.name.as_str();
        match (made, recalled) {
            (Ok(made), Ok(Some(remembered))) => {
                let (wanted, good) = ((spec.clone(), made), remembered.good);
                let held = remembered.taken_back.filter(|taken_back| taken_back.made == Made::of(&wanted));
                let Some(taken_back) = held else {
                    let before = self.before(&wanted, &good);
                    return Ok(Beginning { before, ..Beginning::of(wanted, Some(good)) });
                };
                let Some(runs) = self.instead(spec, &good) else { return Ok(Beginning::of(wanted, Some(good))) };
                let (digest, from) = (runs.1.component().digest, wanted.1.component().digest);
                warn!(
                    pipeline,
                    plugin,
                    %from,
                    to = %digest,
                    why = taken_back.why,
                    "what the files hold was taken back before the start; the version that ran then runs again"
                );
                Ok(Beginning { refused: Some((wanted, taken_back)), ..Beginning::of(runs, Some(good)) })
            }
            (Ok(made), Ok(None)) => {
                let runs = (spec.clone(), made);
                let good = Made::of(&runs);
                Ok(Beginning::of(runs, Some(good)))
            }
            (Ok(made), Err(_)) => Ok(Beginning::of((spec.clone(), made), None)),
            (Err(wrong), Ok(Some(remembered))) => {
                let Some(runs) = self.instead(spec, &remembered.good) else { return Err(wrong) };
                let (digest, why) = (runs.1.component().digest, format!("{wrong:#}"));
                error!(
                    pipeline,
                    plugin,
                    %digest,
                    why,
                    "cannot start with what the files hold; the last good version of the plugin runs, until they change"
                );
                Ok(Beginning { stands_in: Some(why), ..Beginning::of(runs, Some(remembered.good)) })
            }
            (Err(wrong), _) => Err(wrong),
        }
    }

    /// What `wanted` may be held against and taken back for, if that is another version and the operator allows it.
    fn before(&mut self, wanted: &Version, good: &Made) -> Option<Version> {
        if good.answers_as(&Made::of(wanted)) {
            return None;
        }
        let plugin = wanted.0.name.as_str();
        let failed =
            |error| debug!(plugin, "the last good version cannot run any more, so there is no trial: {error:#}");
        self.remade(&wanted.0, good)?.map_err(failed).ok()
    }

    /// The last good version, to run in place of what the files say.
    fn instead(&mut self, spec: &config::Plugin, good: &Made) -> Option<Version> {
        let plugin = spec.name.as_str();
        let failed = |error| warn!(plugin, "the version of the cache cannot run either: {error:#}");
        self.remade(spec, good)?.map_err(failed).ok()
    }

    /// A version that is remembered, as the operator allows it now; nothing if its component is not there any more.
    fn remade(&mut self, spec: &config::Plugin, made: &Made) -> Option<Result<Version>> {
        let digest = made.digest()?;
        let most = self.limits().component;
        let bytes = self.store_mut()?.component(digest, most)?;
        let mut refused = None;
        for spec in made.specs(spec) {
            match self.make(&spec, digest, &bytes) {
                Ok(plugin) => return Some(Ok((spec, plugin))),
                Err(error) => refused = refused.or(Some(error)),
            }
        }
        refused.map(Err)
    }
}

/// The trial of a version that takes the place of `before`, if its config wants one.
pub fn trial((spec, plugin): &Version, before: &Arc<Plugin>, now: Instant) -> Option<Trial> {
    let config::Trial { time, max_drop, max_time } = spec.trial;
    let bounds = Bounds { max_drop, max_time };
    Some(Trial { plugin: plugin.clone(), before: before.clone(), until: now + time?, bounds })
}

impl Beginning {
    fn of(runs: Version, good: Option<Made>) -> Self {
        Self { runs, before: None, good, refused: None, stands_in: None }
    }

    /// That of a version that is not the last good one.
    pub fn trial(&self, now: Instant) -> Option<Trial> {
        let (_, before) = self.before.as_ref()?;
        trial(&self.runs, before, now)
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
