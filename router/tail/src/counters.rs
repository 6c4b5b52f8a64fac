//! What the tail counts for metrics.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::Lost;

/// A number that one side writes and any other reads.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }
}

/// Shared by all generations of a pipeline.
#[derive(Debug, Default)]
pub struct Counters {
    /// Now: files held open.
    pub files_open: Counter,
    /// Now: of these, files that no path leads to any more.
    pub files_deleted: Counter,
    /// Now: bytes of deleted files that are not read.
    pub deleted_bytes: Counter,
    /// Now: files that a pattern names and that cannot be opened or read.
    pub files_unreadable: Counter,
    /// Now: bytes in followed files that are not delivered.
    pub lag_bytes: Counter,
    /// Now: containers whose files wait, since they are read at their rate.
    pub rate_limited: Counter,
    /// Ever: milliseconds that containers waited for that.
    pub rate_limited_millis: Counter,
    /// Ever: bytes read from files, those read again included.
    pub bytes_read: Counter,
    /// Ever: lines that do not have the format of their file; each became a record as it stands.
    pub lines_malformed: Counter,
    /// Ever: records cut at the longest line.
    pub lines_cut: Counter,
    /// Ever: lines longer than the longest that became several records.
    pub lines_split: Counter,
    /// Ever: texts in parts and traces that left before their end had come.
    pub joins_ended_early: Counter,
    /// Ever: records whose text was not UTF-8.
    pub lines_not_utf8: Counter,
    /// Ever: files replaced by another under the same path.
    pub rotations: Counter,
    /// Ever: files that were emptied in place.
    pub truncations: Counter,
    /// Ever: bytes of files that were gone or given up before they were read.
    pub lost: Lost,
}
