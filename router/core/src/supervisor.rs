//! Crash-only: a part that fails ends its generation, and the whole pipeline starts again from its saved positions.

use std::{
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, sleep};
use tracing::{info, warn};

use crate::{Backoff, Failure, Generation, Kind, Ledger, Shutdown, Tally, pipeline::End};

const FIRST_RESTART: Duration = Duration::from_secs(1);
const SLOWEST_RESTART: Duration = Duration::from_secs(30);
/// A generation that lived this long had a good start; the next failure backs off from the beginning.
const GOOD_LIFE: Duration = Duration::from_secs(60);

/// What a pipeline is doing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// Its first generation is not open yet.
    #[default]
    Starting,
    Running,
    /// This failure ended a generation, and the next one does not run yet.
    Restarting(Failure),
    /// Ended in good order.
    Stopped,
    /// Ended for good by this failure.
    Failed(Failure),
}

/// The state of one pipeline over all its generations, for whoever looks on from other threads.
#[derive(Debug, Default)]
pub struct Status {
    told: Mutex<Told>,
    restarts: Tally,
}

#[derive(Debug, Default)]
struct Told {
    state: State,
    /// Nothing was told yet without it.
    since: Option<Instant>,
    last_failure: Option<(Failure, Instant)>,
}

impl Status {
    pub fn state(&self) -> State {
        self.told().state.clone()
    }

    /// When it came to this state; `None` before its first generation.
    pub fn since(&self) -> Option<Instant> {
        self.told().since
    }

    /// The failure that ended a generation last, and when; it stays when the pipeline runs again.
    pub fn last_failure(&self) -> Option<(Failure, Instant)> {
        self.told().last_failure.clone()
    }

    /// Failures after which the pipeline starts again.
    pub fn restarts(&self) -> u64 {
        self.restarts.get()
    }

    /// For whoever opened the parts of a generation: they are all there.
    pub fn running(&self) {
        self.set(State::Running);
    }

    /// For whoever saw the pipeline's end.
    pub fn ended(&self, end: &Result<End, Failure>) {
        self.set(match end {
            Ok(_) => State::Stopped,
            Err(failure) => State::Failed(failure.clone()),
        });
    }

    fn restarting(&self, failure: &Failure) {
        self.restarts.add(1);
        self.set(State::Restarting(failure.clone()));
    }

    fn set(&self, state: State) {
        let now = Instant::now();
        let mut told = self.told();
        if let State::Restarting(failure) | State::Failed(failure) = &state {
            told.last_failure = Some((failure.clone(), now));
        }
        (told.state, told.since) = (state, Some(now));
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs generations of the pipeline `name` until one ends in good order, or a failure is fatal. `status` gets each
/// failure in between; `generation` says itself when it runs.
pub async fn supervise<F, R>(
    name: &str,
    ledger: &Arc<Ledger>,
    shutdown: &Shutdown,
    status: &Status,
    mut generation: F,
) -> Result<End, Failure>
where
    F: FnMut(Arc<Generation>) -> R,
    R: Future<Output = Result<End, Failure>>,
{
    let mut backoff = Backoff::new(FIRST_RESTART, SLOWEST_RESTART);
    loop {
        let began = Instant::now();
        let this = Generation::new(ledger.clone());
        let failure = match generation(this.clone()).await {
            Ok(end) => return Ok(end),
            Err(failure) if failure.kind == Kind::Fatal => return Err(failure),
            Err(failure) => failure,
        };
        if began.elapsed() >= GOOD_LIFE {
            backoff.reset();
        }
        let delay = backoff.next_delay();
        if !shutdown.is_stopping() {
            warn!(pipeline = name, %failure, restart_in_ms = delay.as_millis() as u64, "the pipeline starts again from its saved positions");
            status.restarting(&failure);
        }
        tokio::select! {
            biased;
            () = shutdown.stopping() => {
                info!(pipeline = name, %failure, "stopped before it could start again");
                return Ok(End::Stopped { left: this.unresolved() });
            }
            () = sleep(delay) => {}
        }
    }
}
