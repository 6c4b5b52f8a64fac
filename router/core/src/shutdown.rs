//! The phases of a stop: stop reading, run dry within a time, save, leave.

use std::time::Duration;

use tokio::{sync::watch, time::Instant};

/// Tells every pipeline to stop, and until when it may run dry.
#[derive(Clone, Debug)]
pub struct Shutdown {
    deadline: watch::Receiver<Option<Instant>>,
}

/// The side that gives the order.
#[derive(Debug)]
pub struct Trigger(watch::Sender<Option<Instant>>);

/// A pair: whoever holds the [`Trigger`] stops everyone who holds a clone of the [`Shutdown`].
pub fn channel() -> (Trigger, Shutdown) {
    let (sender, deadline) = watch::channel(None);
    (Trigger(sender), Shutdown { deadline })
}

impl Trigger {
    /// Pipelines stop reading now and have `grace` to run dry. A second call shortens the grace, never extends it.
    pub fn stop(&self, grace: Duration) {
        let deadline = Instant::now() + grace;
        self.0.send_modify(|current| *current = Some(current.map_or(deadline, |earlier| earlier.min(deadline))));
    }
}

impl Shutdown {
    pub fn is_stopping(&self) -> bool {
        self.deadline.borrow().is_some()
    }

    /// Waits for the order to stop reading. A trigger that is gone without an order never stops anyone.
    pub async fn stopping(&self) {
        let mut deadline = self.deadline.clone();
        if deadline.wait_for(Option::is_some).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Waits until the grace after the order is over.
    pub async fn deadline(&self) {
        self.stopping().await;
        let mut deadline = self.deadline.clone();
        loop {
            let until = *deadline.borrow_and_update();
            let Some(until) = until else { return };
            tokio::select! {
                () = tokio::time::sleep_until(until) => return,
                Ok(()) = deadline.changed() => {}
            }
        }
    }
}
