//! What a plugin has done and what it cost.
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Counted over all instances of a plugin.
#[derive(Debug, Default)]
pub struct Counters {
    calls: AtomicU64,
    records: AtomicU64,
    dropped: AtomicU64,
    faults: AtomicU64,
    nanoseconds: AtomicU64,
}

/// The counters at a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Calls with records, the failed ones included.
    pub calls: u64,
    /// Records that calls were made with.
    pub records: u64,
    /// Records that answers dropped; the ledger says which of them took effect.
    pub dropped: u64,
    /// Calls that failed.
    pub faults: u64,
    /// Wall-clock time within calls, the crossing included.
    pub time: Duration,
}

impl Counters {
    /// One call with `records`, of which it dropped some or, if `None`, failed.
    pub(crate) fn called(&self, records: usize, dropped: Option<usize>, time: Duration) {
        self.calls.fetch_add(1, Relaxed);
        self.records.fetch_add(records as u64, Relaxed);
        self.dropped.fetch_add(dropped.unwrap_or_default() as u64, Relaxed);
        self.faults.fetch_add(u64::from(dropped.is_none()), Relaxed);
        self.nanoseconds.fetch_add(time.as_nanos() as u64, Relaxed);
    }

    pub fn read(&self) -> Counts {
        Counts {
            calls: self.calls.load(Relaxed),
            records: self.records.load(Relaxed),
            dropped: self.dropped.load(Relaxed),
            faults: self.faults.load(Relaxed),
            time: Duration::from_nanos(self.nanoseconds.load(Relaxed)),
        }
    }
}
