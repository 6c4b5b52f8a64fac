//! The versions of a pipeline's plugins: what runs, what ran before it, and what is not to come back by itself.

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use sluice_wasm::{
    Plugin,
    trial::{Rollback, Trial},
};

use crate::{
    assemble::{
        self, Beginning, Version,
        store::{Made, Remembered, TakenBack},
    },
    config,
};

/// In the order of the chain.
#[derive(Default)]
pub(crate) struct Versions(Vec<Place>);

struct Place {
    running: Version,
    /// What it took the place of, until that is gone back to.
    before: Option<Version>,
    /// What was taken back, and why. The same component with the same config does not take over again.
    refused: Option<(Version, TakenBack)>,
    /// The last version that kept to its trial, or the first one of all; `None` if that is not known.
    good: Option<Made>,
    /// When what runs will have kept to its trial; `None` if it is the good one.
    good_at: Option<Instant>,
}

impl Versions {
    /// What a process starts with.
    pub fn begin(begun: Vec<Beginning>, now: Instant) -> Self {
        Self(begun.into_iter().map(|begun| Place::begin(begun, now)).collect())
    }

    /// Takes what has run for as long as its trial for good; false if there is nothing new.
    pub fn prove(&mut self, now: Instant) -> bool {
        let mut has_news = false;
        for place in &mut self.0 {
            if place.good_at.is_some_and(|at| at <= now) {
                (place.good, place.good_at) = (Some(Made::of(&place.running)), None);
                has_news = true;
            }
        }
        has_news
    }

    /// What the next process has to know, by plugin.
    pub fn remembered(&self) -> BTreeMap<String, Remembered> {
        let remembered = |place: &Place| {
            let taken_back = place.refused.as_ref().map(|(_, taken_back)| taken_back.clone());
            Some((place.running.1.name().to_owned(), Remembered::new(place.good.clone()?, taken_back)))
        };
        self.0.iter().filter_map(remembered).collect()
    }

    /// What need not be made again, as it is there.
    pub fn known(&self) -> Vec<Version> {
        let known = |place: &Place| [Some(place.running.clone()), place.refused()];
        self.0.iter().flat_map(known).flatten().collect()
    }

    /// All versions, those included that may be gone back to.
    pub fn held(&self) -> Vec<Version> {
        let before = self.0.iter().filter_map(|place| place.before.clone());
        self.known().into_iter().chain(before).collect()
    }

    /// What was taken back: a pipeline that starts anew is made of new plugins but for these.
    pub fn refused(&self) -> Vec<Version> {
        self.0.iter().filter_map(Place::refused).collect()
    }

    /// What is to run where the files say `loaded`: the same, but for what was taken back.
    pub fn choose(&self, loaded: &[Arc<Plugin>]) -> Vec<Arc<Plugin>> {
        let held = |plugin: &Arc<Plugin>| self.0.iter().find(|place| place.is_refused(plugin));
        loaded.iter().map(|plugin| held(plugin).map_or(plugin, |place| &place.running.1).clone()).collect()
    }

    /// Trials of those of `chosen` that take the place of another version. What is new has nothing to go back to, and
    /// what replaces a version that its config does not allow any more neither.
    pub fn trials(&self, specs: &[config::Plugin], chosen: &[Arc<Plugin>], now: Instant) -> Vec<Trial> {
        let trial = |(spec, plugin): (&config::Plugin, &Arc<Plugin>)| {
            let running = &self.of_name(plugin.name())?.running;
            let replaces = !Arc::ptr_eq(&running.1, plugin) && allows(spec, running);
            replaces.then(|| assemble::trial(&(spec.clone(), plugin.clone()), &running.1, now))?
        };
        specs.iter().zip(chosen).filter_map(trial).collect()
    }

    /// From now on `loaded` is what runs, made from `specs`, but for what was taken back.
    pub fn took_over(&mut self, specs: &[config::Plugin], loaded: &[Arc<Plugin>], now: Instant) {
        let mut old = std::mem::take(&mut self.0);
        for version in specs.iter().cloned().zip(loaded.iter().cloned()) {
            let at = old.iter().position(|place| place.running.1.name() == version.1.name());
            let place = at.map(|at| old.remove(at));
            self.0.push(match place {
                Some(place) if place.is_refused(&version.1) => place,
                Some(place) if is_same(&place.running, &version) => Place { running: version, refused: None, ..place },
                Some(place) => {
                    let good_at = Some(trial_ends(&version, now));
                    let before = Some(place.running).filter(|before| allows(&version.0, before));
                    Place { running: version, before, refused: None, good: place.good, good_at }
                }
                None => Place::new(version),
            });
        }
    }

    /// What [`Versions::roll_back`] would put in the place of the plugin of this name: what runs, and what ran before.
    pub fn before(&self, name: &str) -> Option<(Arc<Plugin>, Option<Arc<Plugin>>)> {
        let place = self.of_name(name)?;
        Some((place.running.1.clone(), place.before.as_ref().map(|(_, plugin)| plugin.clone())))
    }

    /// Notes what was taken back; false if that is known.
    pub fn rolled_back(&mut self, rollback: &Rollback) -> bool {
        let Some(place) = self.0.iter_mut().find(|place| Arc::ptr_eq(&place.running.1, &rollback.from)) else {
            return false;
        };
        let Some(before) = place.before.take() else { return false };
        let refused = std::mem::replace(&mut place.running, before);
        let taken_back = TakenBack::new(&refused, rollback.reason, &rollback.why);
        if place.good.as_ref() == Some(&taken_back.made) {
            place.good = Some(Made::of(&place.running));
        }
        place.watch(rollback.at);
        place.refused = Some((refused, taken_back));
        true
    }

    fn of_name(&self, name: &str) -> Option<&Place> {
        self.0.iter().find(|place| place.running.1.name() == name)
    }
}

impl Place {
    /// A plugin of which nothing is known.
    fn new(running: Version) -> Self {
        let good = Some(Made::of(&running));
        Self { running, before: None, refused: None, good, good_at: None }
    }

    fn begin(begun: Beginning, now: Instant) -> Self {
        let Beginning { runs: running, before, good, refused, stands_in: _ } = begun;
        let mut place = Self { running, before, refused, good, good_at: None };
        place.watch(now);
        place
    }

    /// What runs since `now` has to keep to its trial before it is good, unless it is known to be.
    fn watch(&mut self, now: Instant) {
        let is_good = self.good.as_ref() == Some(&Made::of(&self.running));
        self.good_at = (!is_good).then(|| trial_ends(&self.running, now));
    }

    fn refused(&self) -> Option<Version> {
        self.refused.as_ref().map(|(version, _)| version.clone())
    }

    fn is_refused(&self, plugin: &Arc<Plugin>) -> bool {
        self.refused.as_ref().is_some_and(|((_, refused), _)| Arc::ptr_eq(refused, plugin))
    }
}

fn trial_ends((spec, _): &Version, now: Instant) -> Instant {
    now + spec.trial.time.unwrap_or_default()
}

/// Whether a version may run where the config says `spec`: what it may reach and leave behind is in the version itself.
fn allows(spec: &config::Plugin, (before, plugin): &Version) -> bool {
    let is_pinned = spec.sha256.is_none_or(|pin| pin == plugin.component().digest.0);
    let reaches_more = !plugin.grants().without(assemble::grants(spec.grant)).is_none();
    // The least private first.
    let privacy = |private: Option<bool>| [Some(false), None, Some(true)].iter().position(|of| *of == private);
    is_pinned && !reaches_more && privacy(before.private) >= privacy(spec.private)
}

fn is_same((spec, plugin): &Version, (other_spec, other): &Version) -> bool {
    spec == other_spec && plugin.component().digest == other.component().digest
}
