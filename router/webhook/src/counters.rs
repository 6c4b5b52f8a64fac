//! What a sink counts for metrics. The books of records are the ledger's; these are about messages.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

/// Counters of one pipeline's alerts; read by [`Counters::snapshot`].
#[derive(Debug, Default)]
pub struct Counters {
    posted: AtomicU64,
    summaries: AtomicU64,
    repeats: AtomicU64,
    too_old: AtomicU64,
    retries: AtomicU64,
    refused: AtomicU64,
    gave_up: AtomicU64,
    queued: AtomicU64,
    suppressed_until: AtomicU64,
    last_error: Mutex<Option<String>>,
}

/// The counters at a moment; all but `queued`, `suppressed_until` and `last_error` only grow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Alerts that the webhook took.
    pub posted: u64,
    /// Messages that the webhook took about repeats.
    pub summaries: u64,
    /// Alerts that were counted and not posted, since their group's window was open.
    pub repeats: u64,
    /// Alerts that were not posted, since their records were older than `max_age`.
    pub too_old: u64,
    /// Attempts that failed and are made again.
    pub retries: u64,
    /// Messages that the webhook refused for good.
    pub refused: u64,
    /// Messages that were given up after `give_up_after`.
    pub gave_up: u64,
    /// Messages that wait for the webhook, the one under way included.
    pub queued: u64,
    /// Until when nothing is posted because the webhook asked for a pause (nanoseconds since 1970 UTC); it stays when
    /// the pause is over.
    pub suppressed_until: Option<u64>,
    /// The last trouble with the webhook, without any text of a record; it stays when the trouble is over.
    pub last_error: Option<String>,
}

impl Counters {
    pub fn snapshot(&self) -> Snapshot {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Snapshot {
            posted: get(&self.posted),
            summaries: get(&self.summaries),
            repeats: get(&self.repeats),
            too_old: get(&self.too_old),
            retries: get(&self.retries),
            refused: get(&self.refused),
            gave_up: get(&self.gave_up),
            queued: get(&self.queued),
            suppressed_until: Some(get(&self.suppressed_until)).filter(|until| *until > 0),
            last_error: self.last_error.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }

    pub(crate) fn took(&self, is_summary: bool) {
        let counter = if is_summary { &self.summaries } else { &self.posted };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn repeated(&self) {
        self.repeats.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn was_too_old(&self) {
        self.too_old.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn retried(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn was_refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn was_given_up(&self) {
        self.gave_up.fetch_add(1, Ordering::Relaxed);
    }

    /// `time` in nanoseconds since 1970 UTC.
    pub(crate) fn suppress_until(&self, time: u64) {
        self.suppressed_until.store(time, Ordering::Relaxed);
    }

    pub(crate) fn set_last_error(&self, text: &str) {
        *self.last_error.lock().unwrap_or_else(PoisonError::into_inner) = Some(text.to_owned());
    }
}

/// Counts one message as waiting for as long as it lives, also if it is dropped unposted.
#[derive(Debug)]
pub struct Queued(Arc<Counters>);

impl Queued {
    pub fn new(counters: &Arc<Counters>) -> Self {
        counters.queued.fetch_add(1, Ordering::Relaxed);
        Self(counters.clone())
    }
}

impl Drop for Queued {
    fn drop(&mut self) {
        self.0.queued.fetch_sub(1, Ordering::Relaxed);
    }
}
