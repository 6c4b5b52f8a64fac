//! The books of a pipeline: what was read, and how each record left.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// A counter of the books; clones count together.
#[derive(Clone, Debug, Default)]
pub struct Tally(Arc<AtomicU64>);

impl Tally {
    /// Whoever sees this count sees all that this thread counted before.
    pub fn add(&self, count: u32) {
        self.0.fetch_add(u64::from(count), Ordering::Release);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }
}

/// The books of one pipeline over all its generations. Receipts write them; nobody else counts.
#[derive(Debug, Default)]
pub struct Ledger {
    pub read: Tally,
    pub delivered: Tally,
    /// Given back unresolved when a generation ended; they are read again, and then count as read again.
    pub returned: Tally,
    /// Existed once, but was gone before it could be read (offset out of range in Kafka).
    expired: Mutex<BTreeMap<String, Tally>>,
    dropped: Mutex<BTreeMap<String, Tally>>,
    dead_lettered: Mutex<BTreeMap<String, Tally>>,
    /// Bytes of files that were gone before they were read (truncated, rotated away); records are not known.
    expired_bytes: Mutex<BTreeMap<String, Tally>>,
}

/// The state of the books at a moment. Balanced when what was read, less what was given back, equals the sum of how
/// records left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    pub read: u64,
    pub delivered: u64,
    pub returned: u64,
    pub dropped: BTreeMap<String, u64>,
    pub dead_lettered: BTreeMap<String, u64>,
    pub expired: BTreeMap<String, u64>,
    pub expired_bytes: BTreeMap<String, u64>,
}

impl Ledger {
    /// The tally of records that this plugin dropped.
    pub fn dropped_by(&self, plugin: &str) -> Tally {
        entry(&self.dropped, plugin)
    }

    /// The tally of records that went to the dead-letter topic for this reason: few words, the same for many records.
    pub fn dead_lettered_for(&self, reason: &str) -> Tally {
        entry(&self.dead_lettered, reason)
    }

    /// The tally of records that were gone before they could be read.
    pub fn expired_by(&self, cause: &str) -> Tally {
        entry(&self.expired, cause)
    }

    /// The tally of bytes that were gone before they could be read as records.
    pub fn expired_bytes_by(&self, cause: &str) -> Tally {
        entry(&self.expired_bytes, cause)
    }

    /// The books at this moment. They add up also while records move: a record counts as read before it counts as
    /// gone, so a snapshot that looks at how records left first, and last at how many came, never shows more going than
    /// came. What lies between is in flight; that may include a few records that left during the look.
    pub fn balance(&self) -> Balance {
        let (delivered, returned) = (self.delivered.get(), self.returned.get());
        let (dropped, dead_lettered) = (values(&self.dropped), values(&self.dead_lettered));
        let (expired, expired_bytes) = (values(&self.expired), values(&self.expired_bytes));
        Balance { read: self.read.get(), delivered, returned, dropped, dead_lettered, expired, expired_bytes }
    }
}

fn entry(map: &Mutex<BTreeMap<String, Tally>>, name: &str) -> Tally {
    let mut map = map.lock().unwrap_or_else(PoisonError::into_inner);
    map.entry(name.to_owned()).or_default().clone()
}

fn values(map: &Mutex<BTreeMap<String, Tally>>) -> BTreeMap<String, u64> {
    let map = map.lock().unwrap_or_else(PoisonError::into_inner);
    map.iter().map(|(name, tally)| (name.clone(), tally.get())).collect()
}

impl Balance {
    /// Adds the books of another pipeline to these.
    pub fn add(&mut self, other: &Balance) {
        let add = |to: &mut BTreeMap<String, u64>, from: &BTreeMap<String, u64>| {
            from.iter().for_each(|(name, count)| *to.entry(name.clone()).or_default() += count);
        };
        self.read += other.read;
        self.delivered += other.delivered;
        self.returned += other.returned;
        add(&mut self.dropped, &other.dropped);
        add(&mut self.dead_lettered, &other.dead_lettered);
        add(&mut self.expired, &other.expired);
        add(&mut self.expired_bytes, &other.expired_bytes);
    }

    /// Read and not given back: each of these is delivered, dropped, dead-lettered or in flight.
    pub fn kept(&self) -> u64 {
        self.read.saturating_sub(self.returned)
    }

    /// Records that have been read and have not left yet.
    pub fn in_flight(&self) -> u64 {
        self.kept().saturating_sub(self.left())
    }

    /// Whether every record that was read has left, exactly once.
    pub fn is_balanced(&self) -> bool {
        self.kept() == self.left()
    }

    /// Records that are delivered, dropped or dead-lettered.
    pub fn left(&self) -> u64 {
        self.delivered + self.dropped.values().sum::<u64>() + self.dead_lettered.values().sum::<u64>()
    }
}

impl fmt::Display for Balance {
    /// `read 100 = delivered 90 + dropped 9 (drop-debug 9) + dead-lettered 1 (mapping 1) + in flight 0; expired 0`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "read {} = delivered {}", self.kept(), self.delivered)?;
        part(f, " + dropped", &self.dropped)?;
        part(f, " + dead-lettered", &self.dead_lettered)?;
        write!(f, " + in flight {}", self.in_flight())?;
        part(f, "; expired", &self.expired)
    }
}

fn part(f: &mut fmt::Formatter<'_>, name: &str, counts: &BTreeMap<String, u64>) -> fmt::Result {
    write!(f, "{name} {}", counts.values().sum::<u64>())?;
    let mut separator = " (";
    for (by, count) in counts.iter().filter(|(_, count)| **count > 0) {
        write!(f, "{separator}{by} {count}")?;
        separator = ", ";
    }
    if separator == ", " { write!(f, ")") } else { Ok(()) }
}
