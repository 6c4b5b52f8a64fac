//! All files that a source follows, and those it remembers.

use std::{collections::BTreeSet, path::PathBuf, sync::Arc};

use sluice_core::{Batch, Failure, Generation, Tally};
use tokio::time::Instant;
use tracing::warn;

use crate::{
    Config,
    checkpoint::Entry,
    discovery::{Complaints, Patterns},
    follower::{Follower, Stage},
    lines::Settings,
};

/// Bytes of memory that what was read of one file, and of all files, and is not resolved may take; then they wait:
/// that is the back-pressure.
const MOST_IN_FLIGHT_OF_ONE: u64 = 8 << 20;
const MOST_IN_FLIGHT: u64 = 64 << 20;

/// What one turn led to.
#[derive(Debug)]
pub enum Turn {
    Batch(Batch),
    /// Something was read, and there may be more.
    Progress,
    /// Nothing to read.
    Idle,
    /// There is something to read, and too much of what was read is not resolved.
    Blocked,
}

/// The files of a source: `scan` finds them, `poll` looks whether they grew, `turn` reads.
#[derive(Debug)]
pub struct Files {
    pub(crate) config: Config,
    pub(crate) generation: Arc<Generation>,
    pub(crate) patterns: Patterns,
    pub(crate) complaints: Complaints,
    /// In the order in which they were found.
    pub(crate) followers: Vec<Follower>,
    pub(crate) remembered: Vec<Remembered>,
    pub(crate) next_number: u64,
    /// A scan was made, or an earlier life left checkpoints.
    pub(crate) knows_all: bool,
    buffer: Vec<u8>,
    /// Whose turn it is.
    next: usize,
    /// A file is followed that the checkpoints do not know yet, or the first scan was made.
    pub(crate) is_new: bool,
}

/// A file that is not followed now, and may come back.
#[derive(Debug)]
pub struct Remembered {
    pub entry: Entry,
    /// When it was last known to exist.
    pub since: Instant,
}

impl Files {
    /// `entries` are what an earlier life remembered, if there was one.
    pub fn new(config: Config, entries: Option<Vec<Entry>>, generation: Arc<Generation>) -> Result<Self, Failure> {
        let patterns = Patterns::new(&config)?;
        let (since, knows_all) = (Instant::now(), entries.is_some());
        let remembered = entries.into_iter().flatten().map(|entry| Remembered { entry, since }).collect();
        Ok(Self {
            config,
            generation,
            patterns,
            complaints: Complaints::default(),
            followers: Vec::new(),
            remembered,
            next_number: 0,
            knows_all,
            buffer: Vec::new(),
            next: 0,
            is_new: false,
        })
    }

    /// Lets the next file that may be read have its turn.
    pub fn turn(&mut self) -> Turn {
        let in_flight: u64 = self.followers.iter_mut().map(Follower::in_flight).sum();
        let mut blocked = false;
        for _ in 0..self.followers.len() {
            let index = self.next % self.followers.len();
            self.next = index + 1;
            if !self.followers[index].ready || self.is_behind(index) {
                continue;
            }
            if in_flight >= MOST_IN_FLIGHT || self.followers[index].in_flight() >= MOST_IN_FLIGHT_OF_ONE {
                blocked = true;
                continue;
            }
            return self.turn_of(index);
        }
        if blocked { Turn::Blocked } else { Turn::Idle }
    }

    fn turn_of(&mut self, index: usize) -> Turn {
        let settings =
            Settings { max_line: self.config.max_line, clock: self.config.clock, counters: &self.config.counters };
        let follower = &mut self.followers[index];
        let was_new = follower.fingerprint().is_none();
        let turn = follower.turn(&mut self.buffer, settings);
        self.is_new |= was_new && follower.fingerprint().is_some();
        match turn {
            Ok(Some(batch)) => Turn::Batch(batch),
            Ok(None) => Turn::Progress,
            Err(error) => {
                self.complaints.about(&follower.path, &error);
                follower.ready = false;
                if follower.stage != Stage::Present {
                    // Nobody will be able to read it later, and its successor waits.
                    let unread = follower.seen().saturating_sub(follower.read());
                    warn!(path = %follower.path.display(), %error, "a log file that was rotated away is given up");
                    add(&self.generation.ledger().expired_bytes_by("unreadable"), unread);
                    follower.give_up();
                }
                Turn::Progress
            }
        }
    }

    /// Learns what the first line says, where it is complete, before anything is read.
    pub(crate) fn learn(&mut self, follower: &mut Follower) {
        if follower.fingerprint().is_some() {
            return;
        }
        // An error shows again at the first turn, and is told there.
        follower.learn(&mut self.buffer, self.config.max_line).ok();
        self.is_new |= follower.fingerprint().is_some();
    }

    /// Whether checkpoints are to be saved now: a file that they do not know could not be found any more where it is
    /// rotated away just before a crash.
    pub fn take_new(&mut self) -> bool {
        std::mem::take(&mut self.is_new)
    }

    /// Whether the file has to wait for the end of another.
    fn is_behind(&mut self, index: usize) -> bool {
        let Some(number) = self.followers[index].behind else { return false };
        let waits = self.followers.iter().any(|other| other.number == number && !other.lets_pass());
        if !waits && self.followers[index].seen() > 0 {
            self.followers[index].behind = None;
        }
        waits
    }

    /// The folders that a new file may appear in.
    pub fn folders(&self) -> BTreeSet<PathBuf> {
        let mut folders = self.patterns.folders();
        folders.extend(self.followers.iter().filter_map(|follower| Some(follower.path.parent()?.to_owned())));
        folders
    }

    /// What the checkpoints are to say now.
    pub fn entries(&mut self) -> Vec<Entry> {
        let followed = self.followers.iter_mut().filter_map(Follower::entry);
        followed.chain(self.remembered.iter().map(|remembered| remembered.entry.clone())).collect()
    }
}

/// Adds bytes to a tally, which counts in steps of 32 bits.
pub(crate) fn add(tally: &Tally, mut bytes: u64) {
    while bytes > 0 {
        let step = u32::try_from(bytes).unwrap_or(u32::MAX);
        tally.add(step);
        bytes -= u64::from(step);
    }
}
