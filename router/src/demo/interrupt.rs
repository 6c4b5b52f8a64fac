//! Ctrl-C and SIGTERM: the first asks to close the books, the second to hurry, the third ends at once.

use std::{
    process::exit,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    thread,
};

use anyhow::{Context, Result};
use tokio::{
    runtime,
    signal::unix::{SignalKind, signal},
};

/// How often somebody asked to stop.
pub(super) struct Interrupt(Arc<AtomicU32>);

impl Interrupt {
    /// Listens from now on, until the process ends.
    pub fn listen() -> Result<Self> {
        let runtime =
            runtime::Builder::new_current_thread().enable_all().build().context("cannot listen for signals")?;
        let (mut terminate, mut interrupt) = {
            let _inside = runtime.enter();
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?)
        };
        let asked = Arc::<AtomicU32>::default();
        let count = asked.clone();
        let listen = move || {
            runtime.block_on(async {
                loop {
                    tokio::select! {
                        _ = terminate.recv() => {}
                        _ = interrupt.recv() => {}
                    }
                    if count.fetch_add(1, Ordering::Relaxed) >= 2 {
                        sluice_demo::terminal::restore();
                        exit(130);
                    }
                }
            });
        };
        thread::Builder::new().name("signals".into()).spawn(listen).context("cannot listen for signals")?;
        Ok(Self(asked))
    }

    pub fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }

    /// Somebody asked a second time.
    pub fn is_urgent(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 1
    }
}
