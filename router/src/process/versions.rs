//! The versions of a pipeline's plugins: what runs, what ran before it, and what is not to come back by itself.

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use sluice_wasm::{
    Plugin,
    trial::{Bounds, Rollback, Trial},
};

use crate::{
    assemble::{
        Beginning, Version,
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
}

impl Versions {
    /// What a process starts with.
    pub fn begin(begun: Vec<Beginning>) -> Self {
        let place = |begun: Beginning| Place { running: begun.runs, before: None, refused: begun.refused };
        Self(begun.into_iter().map(place).collect())
    }

    /// What the next process has to know, by plugin. `on_trial` says what is not known to be good yet.
    pub fn remembered(&self, on_trial: impl Fn(&Arc<Plugin>) -> bool) -> BTreeMap<String, Remembered> {
        let remembered = |place: &Place| {
            let good = place.before.as_ref().filter(|_| on_trial(&place.running.1)).unwrap_or(&place.running);
            let taken_back = place.refused.as_ref().map(|(_, taken_back)| taken_back.clone());
            (place.running.1.name().to_owned(), Remembered::new(Made::of(good), taken_back))
        };
        self.0.iter().map(remembered).collect()
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

    /// Trials of those of `chosen` that take the place of another version. What is new has nothing to go back to.
    pub fn trials(&self, specs: &[config::Plugin], chosen: &[Arc<Plugin>], now: Instant) -> Vec<Trial> {
        let trial = |(spec, plugin): (&config::Plugin, &Arc<Plugin>)| {
            let before = &self.of_name(plugin.name())?.running.1;
            let replaces = !Arc::ptr_eq(before, plugin);
            let config::Trial { time, max_drop, max_time } = spec.trial;
            let until = now + time.filter(|_| replaces)?;
            let bounds = Bounds { max_drop, max_time };
            Some(Trial { plugin: plugin.clone(), before: before.clone(), until, bounds })
        };
        specs.iter().zip(chosen).filter_map(trial).collect()
    }

    /// From now on `loaded` is what runs, made from `specs`, but for what was taken back.
    pub fn took_over(&mut self, specs: &[config::Plugin], loaded: &[Arc<Plugin>]) {
        let mut old = std::mem::take(&mut self.0);
        for version in specs.iter().cloned().zip(loaded.iter().cloned()) {
            let at = old.iter().position(|place| place.running.1.name() == version.1.name());
            let place = at.map(|at| old.remove(at));
            self.0.push(match place {
                Some(place) if place.is_refused(&version.1) => place,
                Some(place) if is_same(&place.running, &version) => Place { running: version, refused: None, ..place },
                Some(place) => Place { running: version, before: Some(place.running), refused: None },
                None => Place { running: version, before: None, refused: None },
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
        place.refused = Some((refused, taken_back));
        true
    }

    fn of_name(&self, name: &str) -> Option<&Place> {
        self.0.iter().find(|place| place.running.1.name() == name)
    }
}

impl Place {
    fn refused(&self) -> Option<Version> {
        self.refused.as_ref().map(|(version, _)| version.clone())
    }

    fn is_refused(&self, plugin: &Arc<Plugin>) -> bool {
        self.refused.as_ref().is_some_and(|((_, refused), _)| Arc::ptr_eq(refused, plugin))
    }
}

fn is_same((spec, plugin): &Version, (other_spec, other): &Version) -> bool {
    spec == other_spec && plugin.component().digest == other.component().digest
}
