//! SIGTERM and SIGINT become the order to stop.

use std::{sync::Arc, thread};

use anyhow::{Context, Result};
use tokio::{
    runtime,
    signal::unix::{SignalKind, signal},
};
use tracing::info;

use super::fleet::Fleet;

/// The first signal stops reading and leaves the grace to run dry; the second ends the process without waiting.
pub(super) fn stop_on_signal(fleet: Arc<Fleet>) -> Result<()> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build().context("cannot listen for signals")?;
    let (mut terminate, mut interrupt) = {
        let _inside = runtime.enter();
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?)
    };
    thread::Builder::new().name("signals".into()).spawn(move || {
        runtime.block_on(async {
            let mut stopping = false;
            loop {
                let name = tokio::select! {
                    _ = terminate.recv() => "SIGTERM",
                    _ = interrupt.recv() => "SIGINT",
                };
                if stopping {
                    info!(signal = name, "stopping at once: positions are saved as they are, nothing is waited for");
                    fleet.hurry();
                    continue;
                }
                let grace = fleet.grace();
                let grace_ms = grace.as_millis() as u64;
                info!(signal = name, grace_ms, "stopping: no more is read, the rest runs dry");
                fleet.stop(grace);
                stopping = true;
            }
        });
    })?;
    Ok(())
}
