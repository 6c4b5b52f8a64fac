//! The versions of a pipeline's plugins: what runs, what ran before it, and what is not to come back by itself.

use std::{sync::Arc, time::Instant};

use sluice_wasm::{
    Plugin,
    trial::{Bounds, Rollback, Trial},
};

use crate::{assemble::Version, config};

/// In the order of the chain.
#[derive(Default)]
pub(crate) struct Versions(Vec<Place>);

struct Place {
    running: Version,
    /// What it took the place of, until that is gone back to.
    before: Option<Version>,
    /// What was taken back. The same component with the same config does not take over again.
    refused: Option<Version>,
}

impl Versions {
    /// What need not be made again, as it is there.
    pub fn known(&self) -> Vec<Version> {
        let known = |place: &Place| [Some(place.running.clone()), place.refused.clone()];
        self.0.iter().flat_map(known).flatten().collect()
    }

    /// What was taken back: a pipeline that starts anew is made of new plugins but for these.
    pub fn refused(&self) -> Vec<Version> {
        self.0.iter().filter_map(|place| place.refused.clone()).collect()
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
        place.refused = Some(std::mem::replace(&mut place.running, before));
        true
    }

    fn of_name(&self, name: &str) -> Option<&Place> {
        self.0.iter().find(|place| place.running.1.name() == name)
    }
}

impl Place {
    fn is_refused(&self, plugin: &Arc<Plugin>) -> bool {
        self.refused.as_ref().is_some_and(|(_, refused)| Arc::ptr_eq(refused, plugin))
    }
}

fn is_same((spec, plugin): &Version, (other_spec, other): &Version) -> bool {
    spec == other_spec && plugin.component().digest == other.component().digest
}
