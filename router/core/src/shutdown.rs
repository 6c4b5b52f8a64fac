//! The phases of a stop: stop reading, run dry within a time, save, leave.

use std::time::Duration;

use tokio::{sync::watch, time::Instant};

/// Tells every pipeline to stop, and until when it may run dry.
#[derive(Clone, Debug)]
pub struct Shutdown {
    order: watch::Receiver<Option<Order>>,
}

#[derive(Clone, Copy, Debug)]
struct Order {
    given: Instant,
    deadline: Instant,
}

/// The side that gives the order.
#[derive(Debug)]
pub struct Trigger(watch::Sender<Option<Order>>);

/// A pair: whoever holds the [`Trigger`] stops everyone who holds a clone of the [`Shutdown`].
pub fn channel() -> (Trigger, Shutdown) {
    let (sender, order) = watch::channel(None);
    (Trigger(sender), Shutdown { order })
}

impl Trigger {
    /// Pipelines stop reading now and have `grace` to run dry. A second call shortens the grace, never extends it.
    pub fn stop(&self, grace: Duration) {
        let given = Instant::now();
        let order = Order { given, deadline: given + grace };
        self.0.send_modify(|current| {
            *current =
                Some(current.map_or(order, |first| Order { deadline: first.deadline.min(order.deadline), ..first }));
        });
    }
}

impl Shutdown {
    pub fn is_stopping(&self) -> bool {
        self.ordered().is_some()
    }

    /// When the order to stop was given first.
    pub fn ordered(&self) -> Option<Instant> {
        self.order.borrow().map(|order| order.given)
    }

    /// Waits for the order to stop reading. A trigger that is gone without an order never stops anyone.
    pub async fn stopping(&self) {
        let mut order = self.order.clone();
        if order.wait_for(Option::is_some).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Waits until the grace after the order is over.
    pub async fn deadline(&self) {
        self.stopping().await;
        let mut order = self.order.clone();
        loop {
            let Some(Order { deadline, .. }) = *order.borrow_and_update() else { return };
            tokio::select! {
                () = tokio::time::sleep_until(deadline) => return,
                Ok(()) = order.changed() => {}
            }
        }
    }
}
