//! One life of a pipeline, from a start at its saved positions to its end.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use tokio::sync::Notify;

use crate::{Failure, Ledger};

/// What the parts of a running pipeline share. When one of them fails, the whole generation ends, and the
/// supervisor starts the next from the saved positions.
#[derive(Debug, Default)]
pub struct Generation {
    ledger: Arc<Ledger>,
    /// Records read and not resolved.
    in_flight: AtomicU64,
    returned: AtomicU64,
    stopping: AtomicBool,
    settled: Notify,
    failure: Mutex<Option<Failure>>,
    failed: Notify,
}

impl Generation {
    pub fn new(ledger: Arc<Ledger>) -> Arc<Self> {
        Arc::new(Self { ledger, ..Self::default() })
    }

    pub fn ledger(&self) -> &Arc<Ledger> {
        &self.ledger
    }

    /// Ends the generation; the first failure is the one that is told.
    pub fn fail(&self, failure: Failure) {
        let mut first = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        first.get_or_insert(failure);
        self.failed.notify_one();
    }

    /// From now on records may be given back in good order: they are read again at the next start.
    pub fn stopping(&self) {
        self.stopping.store(true, Ordering::Release);
    }

    /// Waits until a part has failed.
    pub async fn failure(&self) -> Failure {
        loop {
            let notified = self.failed.notified();
            if let Some(failure) = self.first_failure() {
                return failure;
            }
            notified.await;
        }
    }

    /// The failure that ended this generation, if any did.
    pub fn first_failure(&self) -> Option<Failure> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Records read and not resolved.
    pub fn in_flight(&self) -> u64 {
        self.in_flight.load(Ordering::Acquire)
    }

    /// Records that this generation read and neither delivered, dropped nor dead-lettered: in flight or given back.
    pub fn unresolved(&self) -> u64 {
        self.in_flight() + self.returned.load(Ordering::Acquire)
    }

    /// Waits until every record that was read is resolved or given back.
    pub async fn settled(&self) {
        loop {
            let notified = self.settled.notified();
            tokio::pin!(notified);
            // Registered before the count is read, so that a resolution in between is not missed.
            notified.as_mut().enable();
            if self.in_flight() == 0 {
                return;
            }
            notified.await;
        }
    }

    pub(crate) fn took(&self, count: u32) {
        self.ledger.read.add(count);
        self.in_flight.fetch_add(u64::from(count), Ordering::AcqRel);
    }

    pub(crate) fn resolved(&self, count: u32) {
        let before = self.in_flight.fetch_sub(u64::from(count), Ordering::AcqRel);
        if before == u64::from(count) {
            self.settled.notify_waiters();
        }
    }

    pub(crate) fn gave_back(&self, count: u32) {
        self.ledger.returned.add(count);
        self.returned.fetch_add(u64::from(count), Ordering::AcqRel);
        if !self.stopping.load(Ordering::Acquire) {
            self.fail(Failure::transient("pipeline", format!("{count} records were given back undelivered")));
        }
        self.resolved(count);
    }
}
