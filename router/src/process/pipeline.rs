//! The thread of one pipeline.

use std::{
    io, panic,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use sluice_core::{Failure, Shutdown, pipeline::End, stop::Stop, supervisor::supervise};
use tokio::runtime;
use tracing::{info, warn};

use crate::assemble::Assembly;

/// How often positions are saved: at most this much is read again after a kill.
const SAVE_EVERY: Duration = Duration::from_secs(1);

/// Runs generations of the pipeline on a thread of its own; `ended` is called there with its name, at the very end:
/// files and groups have been left by then.
pub(super) fn spawn(
    assembly: Arc<Assembly>,
    shutdown: Shutdown,
    ended: impl FnOnce(&str, Result<End, Failure>) + Send + 'static,
) -> io::Result<()> {
    thread::Builder::new().name(format!("pipe-{}", assembly.name)).spawn(move || {
        let result = contained(|| live(&assembly, &shutdown));
        assembly.status.ended(&result);
        ended(&assembly.name, result);
    })?;
    Ok(())
}

/// A panic takes the same way out as a failure for good: in order, with the other pipelines run dry.
fn contained(live: impl FnOnce() -> Result<End, Failure>) -> Result<End, Failure> {
    let result = panic::catch_unwind(panic::AssertUnwindSafe(live));
    result.unwrap_or_else(|_| Err(Failure::fatal("pipeline", "panicked; the lines above say where")))
}

fn live(assembly: &Assembly, shutdown: &Shutdown) -> Result<End, Failure> {
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::fatal("pipeline", format!("cannot start its runtime: {error}")))?;
    let Assembly { name, ledger, status, .. } = assembly;
    let end = runtime.block_on(supervise(name, ledger, shutdown, status, |generation| async move {
        let mut pipeline = assembly.open(&generation)?;
        status.running();
        let end = pipeline.run(&generation, shutdown, SAVE_EVERY).await;
        let ran = Instant::now();
        drop(pipeline);
        if let Some(stop) = generation.stop() {
            tell(name, &stop, ran.elapsed());
        }
        end
    }));
    // What the pipeline still had running may not hold up the others.
    runtime.shutdown_background();
    end
}

/// What a stop did and what it left undone; `letting_go` is how long clients and files took to close.
fn tell(pipeline: &str, stop: &Stop, letting_go: Duration) {
    let Stop { settled, left, reading, running_dry, closing, .. } = stop;
    let ms = |phase: &Duration| phase.as_millis() as u64;
    let (reading_ms, running_dry_ms, closing_ms) = (ms(reading), ms(running_dry), ms(closing));
    let letting_go_ms = ms(&letting_go);
    if *left == 0 {
        info!(
            pipeline,
            settled,
            reading_ms,
            running_dry_ms,
            closing_ms,
            letting_go_ms,
            "stopped; everything that was read is delivered"
        );
    } else {
        warn!(
            pipeline,
            settled,
            records = left,
            places = stop.rest.len(),
            goes_on_at = stop.places(),
            reading_ms,
            running_dry_ms,
            closing_ms,
            letting_go_ms,
            "stopped before everything was delivered; these records are read again at the next start"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_failure_for_good() {
        let failure = contained(|| panic!("at record 7")).unwrap_err();
        assert_eq!(failure, Failure::fatal("pipeline", "panicked; the lines above say where"));
        assert_eq!(contained(|| Ok(End::Exhausted)), Ok(End::Exhausted));
    }
}
