//! The pipelines that run, each on a thread of its own, and the orders to stop that reach them.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Result, anyhow, bail};
use sluice_core::{
    Failure,
    pipeline::End,
    shutdown::{self, Trigger},
    supervisor,
};
use sluice_wasm::crash::Crashes;
use tracing::{error, info, warn};

use super::{Observed, pipeline};
use crate::assemble::Assembly;

/// What is kept of a grace for saving positions, closing files and leaving groups, and of a short one a quarter.
const LEAVING: Duration = Duration::from_secs(4);
/// What there is for it when somebody does not want to wait.
const HASTE: Duration = Duration::from_millis(500);
/// How long a changed pipeline may take until it runs; one that takes longer is taken for good.
const PROBATION: Duration = Duration::from_secs(10);
/// How long an end waits for crash bundles that are not written yet, within its grace.
pub(super) const BUNDLES: Duration = Duration::from_secs(2);
/// Between two looks at pipelines on probation.
const LOOK: Duration = Duration::from_millis(10);

/// Shared by those who give orders (signals, the reload, the owner of the process) and the pipelines' threads.
pub(crate) struct Fleet {
    state: Mutex<State>,
    /// Something of the state is different.
    changed: Condvar,
    observed: Arc<Observed>,
}

struct State {
    running: Vec<Running>,
    started: u64,
    /// What a stop without a time of its own leaves for running dry.
    grace: Duration,
    /// Until when everything has to have ended, once the order to stop was given.
    deadline: Option<Instant>,
    /// Pipelines are being replaced: that none runs is not the end.
    is_changing: bool,
    /// Why a pipeline on probation failed for good.
    refused: Option<String>,
    /// Nobody waits for pipelines any more.
    is_over: bool,
    /// The first pipeline that failed for good, and why.
    failed: Option<String>,
}

struct Running {
    number: u64,
    assembly: Arc<Assembly>,
    trigger: Trigger,
    /// If it fails for good, the change that brought it is taken back, and the process goes on.
    on_probation: bool,
}

impl Fleet {
    pub fn new(grace: Duration, observed: Arc<Observed>) -> Arc<Self> {
        let state = State {
            running: Vec::new(),
            started: 0,
            grace,
            deadline: None,
            is_changing: false,
            refused: None,
            is_over: false,
            failed: None,
        };
        Arc::new(Self { state: Mutex::new(state), changed: Condvar::new(), observed })
    }

    /// Starts a pipeline, unless the order to stop was given.
    pub fn start(self: &Arc<Self>, assembly: &Arc<Assembly>) -> Result<()> {
        self.launch(assembly, false)
    }

    fn launch(self: &Arc<Self>, assembly: &Arc<Assembly>, on_probation: bool) -> Result<()> {
        let mut state = self.state();
        if state.deadline.is_some() {
            return Ok(());
        }
        let (trigger, shutdown) = shutdown::channel();
        let (number, fleet) = (state.started, self.clone());
        pipeline::spawn(assembly.clone(), shutdown, move |name, result| fleet.ended(number, name, result))?;
        state.started += 1;
        state.running.push(Running { number, assembly: assembly.clone(), trigger, on_probation });
        Ok(())
    }

    /// Stops everything in order: no more is read, what was read runs dry, positions are saved. After `grace`
    /// [`Fleet::wait`] returns, whatever is left undone. A second call shortens the grace, never extends it.
    pub fn stop(&self, grace: Duration) {
        self.observed.stopping();
        self.state().stop(grace, grace - LEAVING.min(grace / 4));
        self.changed.notify_all();
    }

    /// The same for those who do not wait: nothing runs dry, and positions are saved as they are.
    pub fn hurry(&self) {
        self.observed.stopping();
        self.state().stop(HASTE, Duration::ZERO);
        self.changed.notify_all();
    }

    pub fn grace(&self) -> Duration {
        self.state().grace
    }

    pub fn set_grace(&self, grace: Duration) {
        self.state().grace = grace;
    }

    /// Stops the pipelines in `stop`, waits for their ends, starts those in `start`, and waits until they run. Where
    /// one of them fails for good instead, those in `start` are stopped, those in `back` are started, and the failure
    /// is returned. An order to stop everything that comes meanwhile holds for all of them.
    ///
    /// # Errors
    /// A pipeline did not end, or a thread could not be started: the process cannot go on as it should.
    pub fn replace(
        self: &Arc<Self>,
        stop: &[String],
        start: &[Arc<Assembly>],
        back: &[Arc<Assembly>],
    ) -> Result<Option<String>> {
        self.state().is_changing = true;
        let replaced = self.try_to_replace(stop, start, back);
        self.state().is_changing = false;
        self.changed.notify_all();
        replaced
    }

    fn try_to_replace(
        self: &Arc<Self>,
        stop: &[String],
        start: &[Arc<Assembly>],
        back: &[Arc<Assembly>],
    ) -> Result<Option<String>> {
        self.stop_some(stop)?;
        start.iter().try_for_each(|assembly| self.launch(assembly, true))?;
        let Some(refused) = self.probation() else { return Ok(None) };
        let names: Vec<String> = start.iter().map(|assembly| assembly.name.clone()).collect();
        self.stop_some(&names)?;
        back.iter().try_for_each(|assembly| self.start(assembly))?;
        Ok(Some(refused))
    }

    /// Waits until every pipeline on probation runs; why one failed for good, if one did.
    fn probation(&self) -> Option<String> {
        let until = Instant::now() + PROBATION;
        let opening = |running: &Running| {
            let state = running.assembly.status.state();
            running.on_probation && !matches!(state, supervisor::State::Running | supervisor::State::Restarting(_))
        };
        let mut state = self.state();
        while state.refused.is_none() && state.running.iter().any(opening) && Instant::now() < until {
            state = self.changed.wait_timeout(state, LOOK).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.running.iter_mut().for_each(|running| running.on_probation = false);
        state.refused.take()
    }

    fn stop_some(&self, pipelines: &[String]) -> Result<()> {
        let mut state = self.state();
        let grace = state.grace;
        let numbers: Vec<u64> = state
            .running
            .iter()
            .filter(|running| pipelines.contains(&running.assembly.name))
            .map(|r| r.number)
            .collect();
        for running in state.running.iter().filter(|running| numbers.contains(&running.number)) {
            running.trigger.stop(grace);
        }
        let until = Instant::now() + grace + LEAVING;
        loop {
            let left = state.running.iter().find(|running| numbers.contains(&running.number));
            let Some(Running { assembly, .. }) = left else { return Ok(()) };
            let Some(time) = until.checked_duration_since(Instant::now()) else {
                bail!("pipeline {} did not end within its grace, so it cannot be started anew", assembly.name);
            };
            state = self.changed.wait_timeout(state, time).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// What cannot be put right in this process: everything stops in order, and `wait` says why.
    pub fn fail(&self, reason: String) {
        self.observed.stopping();
        let mut state = self.state();
        state.failed.get_or_insert(reason);
        let grace = state.grace;
        drop(state);
        self.stop(grace);
    }

    /// Waits for `pause`; false, and at once, when the order to stop was given.
    pub fn pause(&self, pause: Duration) -> bool {
        let state = self.state();
        let waited = self.changed.wait_timeout_while(state, pause, |state| state.deadline.is_none());
        waited.unwrap_or_else(PoisonError::into_inner).0.deadline.is_none()
    }

    /// Waits until all pipelines have ended, or their grace is over, and for `crashes` if some of it is left. An error if
    /// a pipeline failed for good.
    pub fn wait(&self, crashes: &Crashes) -> Result<()> {
        let mut state = self.state();
        while !state.running.is_empty() || (state.is_changing && state.deadline.is_none()) {
            state = match state.deadline {
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    crashes.hurry();
                    let Some(time) = deadline.checked_duration_since(Instant::now()) else {
                        state.running.iter().for_each(tell_late);
                        break;
                    };
                    self.changed.wait_timeout(state, time).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        let left = |deadline: Instant| deadline.saturating_duration_since(Instant::now());
        let for_bundles = state.deadline.map(left).map_or(BUNDLES, |left| left.min(BUNDLES));
        // Nothing is started any more, also where every source has ended by itself.
        state.stop(Duration::ZERO, Duration::ZERO);
        state.is_over = true;
        let failed = state.failed.take();
        drop(state);
        self.changed.notify_all();
        crashes.finish(for_bundles);
        failed.map_or(Ok(()), |reason| Err(anyhow!(reason)))
    }

    /// Waits until [`Fleet::wait`] has returned.
    pub fn over(&self) {
        drop(self.changed.wait_while(self.state(), |state| !state.is_over));
    }

    fn ended(&self, number: u64, pipeline: &str, result: Result<End, Failure>) {
        let failure = match result {
            Ok(End::Exhausted) => {
                info!(pipeline, "the source has ended, and everything is delivered");
                None
            }
            // Told by whoever saw it stop.
            Ok(End::Stopped { .. }) => None,
            Err(failure) => Some(format!("pipeline {pipeline}: {failure}")),
        };
        let mut state = self.state();
        let place = state.running.iter().position(|running| running.number == number);
        let on_probation = place.is_some_and(|place| state.running.remove(place).on_probation);
        match failure {
            Some(failure) if on_probation => state.refused = Some(failure),
            Some(failure) => {
                drop(state);
                error!("{failure}: failed for good; the process stops");
                return self.fail(failure);
            }
            None => {}
        }
        drop(state);
        self.changed.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The order to run dry within `dry` and to have ended within `all`.
    fn stop(&mut self, all: Duration, dry: Duration) {
        let deadline = Instant::now() + all;
        self.deadline = Some(self.deadline.map_or(deadline, |earlier| earlier.min(deadline)));
        for running in &self.running {
            running.trigger.stop(dry);
        }
    }
}

/// Of a pipeline that hangs in a client or on a disk, only the books are known.
fn tell_late(running: &Running) {
    warn!(
        pipeline = running.assembly.name,
        records = running.assembly.ledger.balance().in_flight(),
        "did not end within the grace; what is unresolved is read again at the next start, from the saved positions"
    );
}
