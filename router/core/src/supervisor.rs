//! Crash-only: a part that fails ends its generation, and the whole pipeline starts again from its saved positions.

use std::{future::Future, sync::Arc, time::Duration};

use tokio::time::{Instant, sleep};
use tracing::{info, warn};

use crate::{Backoff, Failure, Generation, Kind, Ledger, Shutdown, pipeline::End};

const FIRST_RESTART: Duration = Duration::from_secs(1);
const SLOWEST_RESTART: Duration = Duration::from_secs(30);
/// A generation that lived this long had a good start; the next failure backs off from the beginning.
const GOOD_LIFE: Duration = Duration::from_secs(60);

/// Runs generations of the pipeline `name` until one ends in good order, or a failure is fatal.
pub async fn supervise<F, R>(
    name: &str,
    ledger: &Arc<Ledger>,
    shutdown: &Shutdown,
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
        warn!(pipeline = name, %failure, restart_in_ms = delay.as_millis() as u64, "the pipeline starts again from its saved positions");
        tokio::select! {
            () = sleep(delay) => {}
            () = shutdown.stopping() => {
                info!(pipeline = name, %failure, "stopped before it could start again");
                return Ok(End::Stopped { left: this.unresolved() });
            }
        }
    }
}
