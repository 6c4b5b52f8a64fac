//! What really happened when: faults begin and end later than planned where a server takes its time.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::schedule::{Harm, Lane, Part};

/// A process that ends so long after something that excuses it is excused.
const AFTERMATH: Duration = Duration::from_secs(10);

/// A fault as it happened. Times are since the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    pub part: Part,
    pub harm: Harm,
    pub began: Duration,
    /// When what was harmed worked again by its own word; `None` while it does not.
    pub ended: Option<Duration>,
}

impl Entry {
    pub fn is_active(&self, at: Duration) -> bool {
        self.began <= at && self.ended.is_none_or(|ended| at < ended)
    }

    /// Whether it was there at some time of a stretch.
    pub fn overlaps(&self, from: Duration, to: Duration) -> bool {
        self.began <= to && self.ended.is_none_or(|ended| from <= ended)
    }
}

/// Written by everything that harms, read by everything that watches; every word is printed as it is written.
pub struct Diary {
    start: Instant,
    entries: Mutex<Vec<Entry>>,
}

impl Diary {
    pub fn begin() -> Self {
        Self { start: Instant::now(), entries: Mutex::default() }
    }

    /// Since the start.
    pub fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// Something that a reader wants to know.
    pub fn say(&self, text: &str) {
        println!("{:>7.1} s  {text}", self.now().as_secs_f64());
    }

    /// A fault begins; the number is for [`Diary::ended`].
    pub fn began(&self, part: Part, harm: Harm) -> usize {
        self.say(&format!("{part}: {harm}"));
        let mut entries = self.lock();
        entries.push(Entry { part, harm, began: self.now(), ended: None });
        entries.len() - 1
    }

    pub fn ended(&self, number: usize) {
        let now = self.now();
        if let Some(entry) = self.lock().get_mut(number) {
            entry.ended = Some(now);
            let (part, harm, took) = (entry.part, entry.harm, now.saturating_sub(entry.began).as_secs_f64());
            self.say(&format!("{part}: {harm} is over after {took:.1} s"));
        }
    }

    pub fn entries(&self) -> Vec<Entry> {
        self.lock().clone()
    }

    /// Whether a process of this lane may end by itself now: its files are bad, or it has no room for its positions.
    pub fn excuses(&self, lane: Lane) -> bool {
        let now = self.now();
        let concerns = |entry: &Entry| match (lane, entry.part.lane()) {
            (Lane::Agent, Lane::AgentFiles) | (Lane::Indexer(_), Lane::IndexerFiles) => entry.harm.holds_up(),
            (Lane::Agent, Lane::Disk) => true,
            _ => false,
        };
        self.lock().iter().any(|entry| concerns(entry) && entry.overlaps(now.saturating_sub(AFTERMATH), now))
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
