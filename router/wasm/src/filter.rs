//! One instance of a filter.
use std::sync::Arc;

use wasmtime::Store;
use wasmtime::component::{HasData, Linker};

use crate::bindings::{Batch, FilterPlugin, FilterPluginPre, log};
use crate::component::Component;
use crate::fault::{Cause, one_line, trap};
use crate::limits::{Guard, Limits};
use crate::log::Voice;
use crate::manifest::Manifest;

/// A running instance. After a fault it must not be called again: its memory may be in any state.
pub(crate) struct Filter {
    store: Store<State>,
    instance: FilterPlugin,
}

/// What an instance's host functions work on.
pub(crate) struct State {
    guard: Guard,
    voice: Voice,
}

/// The call that failed, and how.
pub(crate) type Failed = (&'static str, Cause);

/// Links a component's imports: the log, and nothing else.
pub(crate) fn link(component: &Component) -> wasmtime::Result<FilterPluginPre<State>> {
    let mut linker = Linker::<State>::new(component.compiled.engine());
    log::add_to_linker::<_, HasVoice>(&mut linker, |state| &mut state.voice)?;
    FilterPluginPre::new(linker.instantiate_pre(&component.compiled)?)
}

struct HasVoice;

impl HasData for HasVoice {
    type Data<'a> = &'a mut Voice;
}

impl Filter {
    /// A new instance with its manifest, checked. `options` is JSON.
    pub fn start(
        linked: &FilterPluginPre<State>,
        plugin: &Arc<str>,
        options: &str,
        limits: &Limits,
    ) -> Result<(Self, Manifest), Failed> {
        let state = State { guard: Guard::new(limits.clone()), voice: Voice::new(plugin.clone()) };
        let mut store = Store::new(linked.engine(), state);
        store.limiter(|state| &mut state.guard);
        store.epoch_deadline_callback(|mut store| store.data_mut().guard.tick());
        store.set_hostcall_fuel(limits.answer);
        begin(&mut store);
        let instance = linked.instantiate(&mut store).map_err(|error| ("instantiate", trap(&error)))?;
        let answer = instance.sluice_plugin_lifecycle().call_configure(&mut store, options);
        let manifest = match answer {
            Err(error) => Err(trap(&error)),
            Ok(Err(reason)) => Err(Cause::Refused(one_line(&reason))),
            Ok(Ok(manifest)) => Manifest::of_filter(manifest).map_err(Cause::Invalid),
        };
        manifest.map(|manifest| (Self { store, instance }, manifest)).map_err(|cause| ("configure", cause))
    }

    /// The indices of the records to drop: ascending, below `batch.len`.
    pub fn call(&mut self, batch: Batch<'_>) -> Result<Vec<u32>, Failed> {
        let len = batch.len;
        begin(&mut self.store);
        let answer = self.instance.sluice_plugin_filter().call_filter(&mut self.store, batch);
        let drops = match answer {
            Err(error) => Err(trap(&error)),
            Ok(Err(reason)) => Err(Cause::Refused(one_line(&reason))),
            Ok(Ok(drops)) => check(drops, len).map_err(Cause::Invalid),
        };
        drops.map_err(|cause| ("filter", cause))
    }
}

fn begin(store: &mut Store<State>) {
    store.data_mut().guard.begin();
    store.data_mut().voice.begin();
    store.set_epoch_deadline(1);
}

/// Holds the answer to the interface's rules.
fn check(drops: Vec<u32>, len: u32) -> Result<Vec<u32>, String> {
    if let Some(pair) = drops.windows(2).find(|pair| pair[0] >= pair[1]) {
        return Err(format!("record {} is named after record {}", pair[1], pair[0]));
    }
    match drops.last() {
        Some(last) if *last >= len => Err(format!("record {last} of a batch of {len}")),
        _ => Ok(drops),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_checked() {
        for (drops, expect) in [
            (vec![], Ok(())),
            (vec![0, 1, 9], Ok(())),
            (vec![10], Err("record 10 of a batch of 10")),
            (vec![1, 0], Err("record 0 is named after record 1")),
            (vec![3, 3], Err("record 3 is named after record 3")),
            (vec![0, u32::MAX], Err("record 4294967295 of a batch of 10")),
        ] {
            assert_eq!(check(drops.clone(), 10).map(drop), expect.map_err(String::from), "{drops:?}");
        }
    }
}
