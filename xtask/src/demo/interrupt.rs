//! Ctrl-C and SIGTERM: the first asks for an orderly end, the second ends at once.

use std::process::exit;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use anyhow::{Context, Result, bail};
use tokio::signal::unix::{SignalKind, signal};

/// Whether somebody asked to stop.
#[derive(Clone)]
pub(crate) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Listens from now on, until the process ends.
    pub(crate) fn listen() -> Result<Self> {
        let interrupt = Self(Arc::default());
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot listen for signals")?;
        let (mut terminate, mut interrupted) = {
            let _inside = runtime.enter();
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?)
        };
        let flag = interrupt.0.clone();
        thread::Builder::new().name("signals".into()).spawn(move || {
            runtime.block_on(async {
                loop {
                    tokio::select! {
                        _ = terminate.recv() => {}
                        _ = interrupted.recv() => {}
                    }
                    if flag.swap(true, Ordering::Relaxed) {
                        // Servers and processes notice that we are gone, and go as well.
                        exit(130);
                    }
                    eprintln!("\nstopping everything in order; Ctrl-C again to end at once");
                }
            });
        })?;
        Ok(interrupt)
    }

    /// Fails once somebody asked to stop.
    pub(crate) fn check(&self) -> Result<()> {
        if self.0.load(Ordering::Relaxed) {
            bail!("interrupted");
        }
        Ok(())
    }
}
