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
};
use tracing::{error, info, warn};

use super::{Observed, pipeline};
use crate::assemble::Assembly;

/// What closing files and leaving groups may take after the grace, before the process ends all the same.
const LEAVING: Duration = Duration::from_secs(4);

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
    /// Until when everything has to run dry, once the order to stop was given.
    deadline: Option<Instant>,
    /// Pipelines are being replaced: that none runs is not the end.
    is_changing: bool,
    /// Nobody waits for pipelines any more.
    is_over: bool,
    /// The first pipeline that failed for good, and why.
    failed: Option<String>,
}

struct Running {
    number: u64,
    pipeline: String,
    trigger: Trigger,
}

impl Fleet {
    pub fn new(grace: Duration, observed: Arc<Observed>) -> Arc<Self> {
        let state = State {
            running: Vec::new(),
            started: 0,
            grace,
            deadline: None,
            is_changing: false,
            is_over: false,
            failed: None,
        };
        Arc::new(Self { state: Mutex::new(state), changed: Condvar::new(), observed })
    }

    /// Starts a pipeline, unless the order to stop was given.
    pub fn start(self: &Arc<Self>, assembly: Arc<Assembly>) -> Result<()> {
        let mut state = self.state();
        if state.deadline.is_some() {
            return Ok(());
        }
        let (trigger, shutdown) = shutdown::channel();
        let (number, fleet, name) = (state.started, self.clone(), assembly.name.clone());
        pipeline::spawn(assembly, shutdown, move |name, result| fleet.ended(number, name, result))?;
        state.started += 1;
        state.running.push(Running { number, pipeline: name, trigger });
        Ok(())
    }

    /// Stops everything in order: no more is read, and what was read has `grace` to run dry. A second call shortens
    /// the grace, never extends it.
    pub fn stop(&self, grace: Duration) {
        self.observed.stopping();
        self.state().stop(grace);
        self.changed.notify_all();
    }

    pub fn grace(&self) -> Duration {
        self.state().grace
    }

    pub fn set_grace(&self, grace: Duration) {
        self.state().grace = grace;
    }

    /// Stops the pipelines in `stop`, waits for their ends, and starts those in `start`. An order to stop everything
    /// that comes meanwhile holds for these, too.
    ///
    /// # Errors
    /// A pipeline did not end, or a thread could not be started: the process cannot go on as it should.
    pub fn replace(self: &Arc<Self>, stop: &[String], start: Vec<Arc<Assembly>>) -> Result<()> {
        self.state().is_changing = true;
        let replaced =
            self.stop_some(stop).and_then(|()| start.into_iter().try_for_each(|assembly| self.start(assembly)));
        self.state().is_changing = false;
        self.changed.notify_all();
        replaced
    }

    fn stop_some(&self, pipelines: &[String]) -> Result<()> {
        let mut state = self.state();
        let grace = state.grace;
        let numbers: Vec<u64> =
            state.running.iter().filter(|running| pipelines.contains(&running.pipeline)).map(|r| r.number).collect();
        for running in state.running.iter().filter(|running| numbers.contains(&running.number)) {
            running.trigger.stop(grace);
        }
        let until = Instant::now() + grace + LEAVING;
        loop {
            let left = state.running.iter().find(|running| numbers.contains(&running.number));
            let Some(Running { pipeline, .. }) = left else { return Ok(()) };
            let Some(time) = until.checked_duration_since(Instant::now()) else {
                bail!("pipeline {pipeline} did not end within its grace, so it cannot be started anew");
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
        state.stop(grace);
        drop(state);
        self.changed.notify_all();
    }

    /// Waits for `pause`; false, and at once, when the order to stop was given.
    pub fn pause(&self, pause: Duration) -> bool {
        let state = self.state();
        let waited = self.changed.wait_timeout_while(state, pause, |state| state.deadline.is_none());
        waited.unwrap_or_else(PoisonError::into_inner).0.deadline.is_none()
    }

    /// Waits until all pipelines have ended, or their grace is over. An error if one failed for good.
    pub fn wait(&self) -> Result<()> {
        let mut state = self.state();
        while !state.running.is_empty() || (state.is_changing && state.deadline.is_none()) {
            state = match state.deadline {
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let Some(time) = (deadline + LEAVING).checked_duration_since(Instant::now()) else {
                        warn!(
                            pipelines = state.running.len(),
                            "did not end within the grace; what is unresolved is read again at the next start"
                        );
                        break;
                    };
                    self.changed.wait_timeout(state, time).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        // Nothing is started any more, also where every source has ended by itself.
        state.stop(Duration::ZERO);
        state.is_over = true;
        let failed = state.failed.take();
        drop(state);
        self.changed.notify_all();
        failed.map_or(Ok(()), |reason| Err(anyhow!(reason)))
    }

    /// Waits until [`Fleet::wait`] has returned.
    pub fn over(&self) {
        drop(self.changed.wait_while(self.state(), |state| !state.is_over));
    }

    fn ended(&self, number: u64, pipeline: &str, result: Result<End, Failure>) {
        tell(pipeline, &result);
        self.state().running.retain(|running| running.number != number);
        match result {
            Ok(_) => self.changed.notify_all(),
            Err(failure) => self.fail(format!("pipeline {pipeline}: {failure}")),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn stop(&mut self, grace: Duration) {
        let deadline = Instant::now() + grace;
        self.deadline = Some(self.deadline.map_or(deadline, |earlier| earlier.min(deadline)));
        for running in &self.running {
            running.trigger.stop(grace);
        }
    }
}

fn tell(pipeline: &str, result: &Result<End, Failure>) {
    match result {
        Ok(End::Exhausted) => info!(pipeline, "the source has ended, and everything is delivered"),
        Ok(End::Stopped { left: 0 }) => info!(pipeline, "stopped; everything that was read is delivered"),
        Ok(End::Stopped { left }) => {
            warn!(
                pipeline,
                records = left,
                "stopped at the end of the grace; these records are read again at the next start"
            );
        }
        Err(failure) => error!(pipeline, %failure, "failed for good; the process stops"),
    }
}
