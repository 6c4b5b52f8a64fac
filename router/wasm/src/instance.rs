//! One running instance of a plugin.
use std::sync::Arc;

use wasmtime::component::{HasData, InstancePre, Linker};
use wasmtime::{Result, Store};

use crate::answer::{self, Answer};
use crate::bindings::{Batch, enricher, filter, lifecycle, log, notifier};
use crate::component::{Component, Kind};
use crate::engine::Calls;
use crate::fault::{Cause, one_line, trap};
use crate::limits::{Guard, Limits};
use crate::log::Voice;
use crate::manifest::Manifest;
use crate::wasi::{self, Wasi};

/// A component with its imports linked: the log, and of WASI what it imports.
pub(crate) struct Linked {
    pre: InstancePre<State>,
    lifecycle: lifecycle::GuestIndices,
    role: RoleIndices,
    calls: Arc<Calls>,
}

enum RoleIndices {
    Filter(filter::GuestIndices),
    Enricher(enricher::GuestIndices),
    Notifier(notifier::GuestIndices),
}

/// A running instance. After a fault it must not be called again: its memory may be in any state.
pub(crate) struct Instance {
    store: Store<State>,
    role: Role,
    /// How many fields it may write.
    writes: usize,
    /// Calls that it was given.
    asked: u64,
    calls: Arc<Calls>,
}

enum Role {
    Filter(filter::Guest),
    Enricher(enricher::Guest),
    Notifier(notifier::Guest),
}

/// What an instance's host functions work on.
pub(crate) struct State {
    guard: Guard,
    pub(crate) voice: Voice,
    pub(crate) wasi: Wasi,
}

/// Resources that an instance may hold at once: the host keeps a record of each.
const HANDLES: usize = 1_000;

/// The call that failed, and how.
pub(crate) type Failed = (&'static str, Cause);

struct HasVoice;

impl HasData for HasVoice {
    type Data<'a> = &'a mut Voice;
}

impl Linked {
    pub fn new(component: &Component) -> Result<Self> {
        let mut linker = Linker::<State>::new(component.compiled.engine());
        log::add_to_linker::<_, HasVoice>(&mut linker, |state| &mut state.voice)?;
        wasi::link(&component.compiled, &mut linker)?;
        let pre = linker.instantiate_pre(&component.compiled)?;
        let lifecycle = lifecycle::GuestIndices::new(&pre)?;
        let role = match component.kind {
            Kind::Filter => RoleIndices::Filter(filter::GuestIndices::new(&pre)?),
            Kind::Enricher => RoleIndices::Enricher(enricher::GuestIndices::new(&pre)?),
            Kind::Notifier => RoleIndices::Notifier(notifier::GuestIndices::new(&pre)?),
        };
        Ok(Self { pre, lifecycle, role, calls: component.calls.clone() })
    }
}

impl Instance {
    /// A new instance with its manifest, checked. `options` is JSON.
    pub fn start(
        linked: &Linked,
        kind: Kind,
        plugin: &Arc<str>,
        options: &str,
        limits: &Limits,
    ) -> Result<(Self, Manifest), Failed> {
        let state = State {
            guard: Guard::new(limits.clone()),
            voice: Voice::new(plugin.clone()),
            wasi: Wasi::new(limits.grants),
        };
        let mut store = Store::new(linked.pre.engine(), state);
        store.limiter(|state| &mut state.guard);
        store.epoch_deadline_callback(|mut store| store.data_mut().guard.tick());
        store.set_hostcall_fuel(limits.answer);
        store.set_max_component_handles(HANDLES);
        let _call = linked.calls.begin();
        begin(&mut store);
        let failed = |error: wasmtime::Error| ("instantiate", trap(&error));
        let instance = linked.pre.instantiate(&mut store).map_err(failed)?;
        let lifecycle = linked.lifecycle.load(&mut store, &instance).map_err(failed)?;
        let role = match &linked.role {
            RoleIndices::Filter(indices) => indices.load(&mut store, &instance).map(Role::Filter),
            RoleIndices::Enricher(indices) => indices.load(&mut store, &instance).map(Role::Enricher),
            RoleIndices::Notifier(indices) => indices.load(&mut store, &instance).map(Role::Notifier),
        };
        let role = role.map_err(failed)?;
        let manifest = answered(lifecycle.call_configure(&mut store, options))
            .and_then(|manifest| Manifest::check(manifest, kind).map_err(Cause::Invalid))
            .map_err(|cause| ("configure", cause))?;
        Ok((Self { store, role, writes: manifest.writes.len(), asked: 0, calls: linked.calls.clone() }, manifest))
    }

    /// What the plugin says to a batch, held to the interface's rules.
    pub fn call(&mut self, batch: Batch<'_>) -> Result<Answer, Failed> {
        let (len, writes, store) = (batch.len, self.writes, &mut self.store);
        self.asked += 1;
        let _call = self.calls.begin();
        begin(store);
        match &self.role {
            Role::Filter(guest) => answered(guest.call_filter(store, batch))
                .and_then(|drops| answer::drops(drops, len).map_err(Cause::Invalid))
                .map_err(|cause| ("filter", cause)),
            Role::Enricher(guest) => answered(guest.call_enrich(store, batch))
                .and_then(|edits| answer::edits(edits, len, writes).map_err(Cause::Invalid))
                .map_err(|cause| ("enrich", cause)),
            Role::Notifier(guest) => answered(guest.call_notify(store, batch))
                .and_then(|alerts| answer::alerts(alerts, len).map_err(Cause::Invalid))
                .map_err(|cause| ("notify", cause)),
        }
    }

    /// Calls that it answered before the last one.
    pub fn answered(&self) -> u64 {
        self.asked.saturating_sub(1)
    }

    /// What a notifier has to say without records; nothing for other kinds.
    pub fn tick(&mut self, now: u64) -> Result<Answer, Failed> {
        let Role::Notifier(guest) = &self.role else { return Ok(Answer::Alerts(Vec::new())) };
        self.asked += 1;
        let _call = self.calls.begin();
        begin(&mut self.store);
        answered(guest.call_tick(&mut self.store, now))
            .and_then(|alerts| answer::alerts(alerts, 0).map_err(Cause::Invalid))
            .map_err(|cause| ("tick", cause))
    }
}

fn begin(store: &mut Store<State>) {
    store.data_mut().guard.begin();
    store.data_mut().voice.begin();
    store.set_epoch_deadline(1);
}

fn answered<T>(answer: Result<Result<T, String>>) -> Result<T, Cause> {
    match answer {
        Err(error) => Err(trap(&error)),
        Ok(Err(reason)) => Err(Cause::Refused(one_line(&reason))),
        Ok(Ok(answer)) => Ok(answer),
    }
}
