//! What a plugin has done and what it cost.
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use sluice_core::Tally;

use crate::answer::Answer;

/// Counted over all instances of a plugin.
#[derive(Debug, Default)]
pub struct Counters {
    calls: AtomicU64,
    records: AtomicU64,
    dropped: AtomicU64,
    edits: AtomicU64,
    alerts: AtomicU64,
    faults: AtomicU64,
    nanoseconds: AtomicU64,
    passed: AtomicU64,
    blocked: Tally,
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
    /// Values that answers set, each for one record or for several that follow each other.
    pub edits: u64,
    pub alerts: u64,
    /// Calls that failed.
    pub faults: u64,
    /// Wall-clock time within calls, the crossing included.
    pub time: Duration,
    /// Records that went on without the plugin's answer, by `on_fault: pass`.
    pub passed: u64,
    /// Edits that changed nothing, since something that is no object stood in their way.
    pub blocked: u64,
}

impl Counters {
    /// One call with `records`; `None` if it failed.
    pub(crate) fn called(&self, records: usize, answer: Option<&Answer>, time: Duration) {
        self.calls.fetch_add(1, Relaxed);
        self.records.fetch_add(records as u64, Relaxed);
        self.nanoseconds.fetch_add(time.as_nanos() as u64, Relaxed);
        let (counter, count) = match answer {
            Some(Answer::Drops(drops)) => (&self.dropped, drops.len()),
            Some(Answer::Edits(edits)) => (&self.edits, edits.changes.len()),
            Some(Answer::Alerts(alerts)) => (&self.alerts, alerts.len()),
            None => (&self.faults, 1),
        };
        // Most calls have nothing to add here.
        if count > 0 {
            counter.fetch_add(count as u64, Relaxed);
        }
    }

    /// A call without records.
    pub(crate) fn ticked(&self, alerts: Option<usize>) {
        self.alerts.fetch_add(alerts.unwrap_or_default() as u64, Relaxed);
        self.faults.fetch_add(u64::from(alerts.is_none()), Relaxed);
    }

    pub(crate) fn passed(&self, records: usize) {
        self.passed.fetch_add(records as u64, Relaxed);
    }

    pub(crate) fn blocked(&self) -> &Tally {
        &self.blocked
    }

    pub fn read(&self) -> Counts {
        Counts {
            calls: self.calls.load(Relaxed),
            records: self.records.load(Relaxed),
            dropped: self.dropped.load(Relaxed),
            edits: self.edits.load(Relaxed),
            alerts: self.alerts.load(Relaxed),
            faults: self.faults.load(Relaxed),
            time: Duration::from_nanos(self.nanoseconds.load(Relaxed)),
            passed: self.passed.load(Relaxed),
            blocked: self.blocked.get(),
        }
    }
}
