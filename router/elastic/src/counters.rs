//! What a sink counts for metrics. The books of records are the ledger's; these say how the index behaves.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

/// Counters of one pipeline's index sink; all but `in_flight_bytes` only grow.
#[derive(Debug, Default)]
pub struct Counters {
    /// Bulks that were filled and handed over for sending.
    pub bulks: Count,
    /// Requests, attempts included.
    pub requests: Count,
    /// Bytes of request bodies before compression, attempts included.
    pub bytes: Count,
    /// Documents that the index has: written now (2xx), or written by an earlier attempt (409).
    pub delivered: Count,
    /// Of `delivered`, those that an earlier attempt or another process had written.
    pub repeated: Count,
    /// Documents that went to the dead letters: refused by the index for good, or no JSON object.
    pub rejected: Count,
    /// Times that a document had to be sent again.
    pub retried: Count,
    /// Requests without a usable answer.
    pub failed_requests: Count,
    /// Bytes of bodies that are being filled, under way or wait for their next attempt.
    pub in_flight_bytes: Count,
    last_error: Mutex<Option<String>>,
}

impl Counters {
    /// The last trouble with the index, without any text of a record; it stays when the trouble is over.
    pub fn last_error(&self) -> Option<String> {
        self.last_error.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_last_error(&self, text: &str) {
        *self.last_error.lock().unwrap_or_else(PoisonError::into_inner) = Some(text.to_owned());
    }
}

/// A number that many tasks count.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn add(&self, count: usize) {
        self.0.fetch_add(count as u64, Ordering::Relaxed);
    }

    pub(crate) fn subtract(&self, count: usize) {
        self.0.fetch_sub(count as u64, Ordering::Relaxed);
    }
}
