//! One life of a pipeline, from a start at its saved positions to its end.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use tokio::sync::Notify;

use crate::{
    Failure, Kind, Ledger,
    stop::{Rest, Stop},
};

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
    failure: Mutex<Option<(Weight, Failure)>>,
    failed: Notify,
    stop: Mutex<Option<Stop>>,
    rest: Mutex<Vec<Rest>>,
}

/// Of two failures the heavier one is told: it says more about what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Weight {
    /// Records came back: a consequence of something.
    Returned,
    Transient,
    Fatal,
}

impl Generation {
    pub fn new(ledger: Arc<Ledger>) -> Arc<Self> {
        Arc::new(Self { ledger, ..Self::default() })
    }

    pub fn ledger(&self) -> &Arc<Ledger> {
        &self.ledger
    }

    /// Ends the generation; the first failure is the one that is told, but a fatal one outranks those that may pass.
    pub fn fail(&self, failure: Failure) {
        let weight = if failure.kind == Kind::Fatal { Weight::Fatal } else { Weight::Transient };
        self.fail_with(weight, failure);
    }

    fn fail_with(&self, weight: Weight, failure: Failure) {
        let mut told = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        if told.as_ref().is_none_or(|(told, _)| *told < weight) {
            *told = Some((weight, failure));
        }
        self.failed.notify_one();
    }

    /// From now on records may be given back in good order: they are read again at the next start.
    pub fn stopping(&self) {
        self.stopping.store(true, Ordering::Release);
    }

    /// For a source that closes: where reading goes on, of all of which not everything has left.
    pub fn goes_on_at(&self, rest: Vec<Rest>) {
        *self.rest.lock().unwrap_or_else(PoisonError::into_inner) = rest;
    }

    /// How this generation was stopped, when it was.
    pub fn stop(&self) -> Option<Stop> {
        self.stop.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn stopped(&self, stop: Stop) {
        let rest = std::mem::take(&mut *self.rest.lock().unwrap_or_else(PoisonError::into_inner));
        *self.stop.lock().unwrap_or_else(PoisonError::into_inner) = Some(Stop { rest, ..stop });
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
        let told = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        told.as_ref().map(|(_, failure)| failure.clone())
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
            let failure = Failure::transient("pipeline", format!("{count} records were given back undelivered"));
            self.fail_with(Weight::Returned, failure);
        }
        self.resolved(count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_failure_that_says_most_is_told() {
        let generation = Generation::new(Arc::default());
        let told = || generation.first_failure().map(|failure| failure.text);
        assert_eq!(told(), None);
        generation.took(3);
        generation.gave_back(1);
        assert_eq!(told().as_deref(), Some("1 records were given back undelivered"));
        generation.fail(Failure::transient("sink", "away"));
        generation.fail(Failure::transient("sink", "still away"));
        generation.gave_back(1);
        assert_eq!(told().as_deref(), Some("away"));
        generation.fail(Failure::fatal("sink", "no rights"));
        generation.fail(Failure::fatal("sink", "no disk"));
        generation.fail(Failure::transient("sink", "away"));
        generation.gave_back(1);
        assert_eq!(told().as_deref(), Some("no rights"));
    }
}
