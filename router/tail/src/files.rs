//! All files that a source follows, and those it remembers.

use std::{
    collections::{BTreeSet, HashSet},
    path::PathBuf,
    sync::Arc,
};

use sluice_core::{Batch, Failure, Generation};
use tokio::time::Instant;
use tracing::warn;

use crate::{
    Config,
    checkpoint::Entry,
    discovery::{Complaints, Patterns},
    fingerprint::Inode,
    follower::{Follower, Stage},
    index::Inodes,
    lines::Settings,
    lost::lose,
    rates::Rates,
    rotation::Folders,
    shares::{Held, Shares},
    succession::Order,
    turns::Turns,
};

/// Compressed files that are unpacked at the same time.
const MOST_UNPACKING: usize = 16;

/// Bytes that may be read although too much is in flight, where that alone lets an open text leave.
const SHORTEST_TURN: usize = 16 << 10;

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
    /// In the order in which they were found, and of their numbers.
    pub(crate) followers: Vec<Follower>,
    pub(crate) inodes: Inodes,
    pub(crate) remembered: Vec<Remembered>,
    pub(crate) folders: Folders,
    /// Compressed files, and their lengths, that were read or given up in this life: not opened again.
    pub(crate) passed: HashSet<(Inode, u64)>,
    pub(crate) next_number: u64,
    /// A scan was made, or an earlier life left checkpoints.
    pub(crate) knows_all: bool,
    buffer: Vec<u8>,
    turns: Turns,
    /// What is not resolved bounds what is read: that is the back-pressure.
    shares: Shares,
    rates: Rates,
    /// When the next of the files may go on that wait for their rate.
    due: Option<Instant>,
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
        let rates = Rates::new(config.rate_limit);
        let remembered = entries.into_iter().flatten().map(|entry| Remembered { entry, since }).collect();
        Ok(Self {
            config,
            generation,
            patterns,
            complaints: Complaints::default(),
            followers: Vec::new(),
            inodes: Inodes::new(),
            remembered,
            folders: Folders::default(),
            passed: HashSet::new(),
            next_number: 0,
            knows_all,
            buffer: Vec::new(),
            turns: Turns::default(),
            shares: Shares::default(),
            rates,
            due: None,
            is_new: false,
        })
    }

    /// Lets the files that have something to read have their turns: to be called after a look at them.
    pub fn enlist(&mut self) {
        self.rates.settle(Instant::now(), &self.config.counters);
        self.followers.iter().filter(|follower| follower.ready).for_each(|follower| self.turns.add(follower.number));
    }

    /// Lets the next file that may be read have its turn.
    pub fn turn(&mut self) -> Turn {
        self.due = None;
        self.ask_some();
        if let Some(number) = self.shares.most_open() {
            return self.make_room(number);
        }
        let (mut blocked, mut all_asked, mut progress) = (false, false, false);
        for _ in 0..self.turns.len() {
            let Some(number) = self.turns.take() else { break };
            let Some(index) = self.index_of(number) else { continue };
            if !self.followers[index].ready {
                continue;
            }
            self.turns.add(number);
            match self.order_of(index) {
                Order::First if self.waits_to_unpack(index) => continue,
                Order::First => {}
                Order::Behind => continue,
                Order::BehindOneMoreTurn(other) => {
                    self.turns.add(other);
                    progress = true;
                    continue;
                }
            }
            let Some(rate) = self.rate_of(index) else { continue };
            if self.share_of(index).is_none() && !std::mem::replace(&mut all_asked, true) {
                self.ask_all();
            }
            match self.share_of(index).or_else(|| self.share_of_silent(index)) {
                Some(share) => return self.turn_of(index, share.min(rate)),
                None => blocked = true,
            }
        }
        match (progress, blocked) {
            (true, _) => Turn::Progress,
            (_, true) => Turn::Blocked,
            _ => Turn::Idle,
        }
    }

    /// When a file may be read on that waits for its rate and for nothing else.
    pub fn due(&self) -> Option<Instant> {
        self.due
    }

    /// The bytes that may be read of a file by its container's rate; `None` where it has to wait.
    fn rate_of(&mut self, index: usize) -> Option<usize> {
        let container = self.followers[index].container();
        match self.rates.turn_of(container, Instant::now(), &self.config.counters) {
            Ok(bytes) => Some(bytes),
            Err(due) => {
                self.due = Some(self.due.map_or(due, |other| other.min(due)));
                None
            }
        }
    }

    /// The bytes that may be read of a file by what is in flight; `None` where it has to wait.
    fn share_of(&mut self, index: usize) -> Option<usize> {
        let follower = &mut self.followers[index];
        self.shares.set(follower.number, follower.held());
        self.shares.turn_of(follower.number, self.turns.len())
    }

    /// The same for a file with an open text that waits for too long: what it holds can leave only if it is read on.
    fn share_of_silent(&self, index: usize) -> Option<usize> {
        self.followers[index].is_silent(Settings::of(&self.config)).then_some(SHORTEST_TURN)
    }

    fn ask_some(&mut self) {
        let mut shares = std::mem::take(&mut self.shares);
        shares.ask_some(|number| self.held_by(number));
        self.shares = shares;
    }

    fn ask_all(&mut self) {
        let mut shares = std::mem::take(&mut self.shares);
        shares.ask_all(|number| self.held_by(number));
        self.shares = shares;
    }

    fn held_by(&mut self, number: u64) -> Held {
        self.index_of(number).map_or_else(Held::default, |index| self.followers[index].held())
    }

    /// Has a file let its open texts go: those of all files take too much memory.
    fn make_room(&mut self, number: u64) -> Turn {
        let settings = Settings::of(&self.config);
        let batch = self.index_of(number).and_then(|index| self.followers[index].make_room(settings));
        let held = self.held_by(number);
        self.shares.set(number, held);
        batch.map_or(Turn::Progress, Turn::Batch)
    }

    /// One turn, of `most` bytes of whole lines.
    fn turn_of(&mut self, index: usize, most: usize) -> Turn {
        let settings = Settings::of(&self.config);
        let follower = &mut self.followers[index];
        let (was_new, before) = (follower.fingerprint().is_none(), follower.read());
        let turn = follower.turn(&mut self.buffer, settings, most);
        self.rates.spend(follower.container(), follower.read().saturating_sub(before), Instant::now());
        self.shares.set(follower.number, follower.held());
        self.is_new |= was_new && follower.fingerprint().is_some();
        let (number, taken) = (follower.number, follower.take_taken());
        if let Some(taken) = taken {
            self.leave_out(number, taken);
        }
        let follower = &mut self.followers[index];
        match turn {
            Ok(Some(batch)) => Turn::Batch(batch),
            Ok(None) => Turn::Progress,
            Err(error) => {
                self.complaints.about(&follower.path, &error);
                follower.ready = false;
                if follower.stage != Stage::Present {
                    // Nobody will be able to read it later, and its successor waits.
                    let (unread, cause) = follower.unread_after(&error);
                    warn!(
                        path = %follower.path.display(), %error, unread,
                        "a log file that was rotated away is given up; what was unread of it is lost"
                    );
                    lose(&follower.path, unread, cause, &self.config.counters, &self.generation);
                    follower.give_up();
                }
                Turn::Progress
            }
        }
    }

    /// Learns what the first line says, where it is complete, before anything is read.
    pub(crate) fn learn(&mut self, index: usize) {
        let Self { followers, buffer, config, is_new, .. } = self;
        let follower = &mut followers[index];
        if follower.fingerprint().is_none() {
            // An error shows again at the first turn, and is told there.
            follower.learn(buffer, config.max_line).ok();
            *is_new |= follower.fingerprint().is_some();
        }
    }

    /// Whether checkpoints are to be saved now: a file that they do not know could not be found any more where it is
    /// rotated away just before a crash.
    pub fn take_new(&mut self) -> bool {
        std::mem::take(&mut self.is_new)
    }

    /// Whether the file is compressed and enough others are being unpacked: each takes memory until it is read.
    fn waits_to_unpack(&self, index: usize) -> bool {
        let follower = &self.followers[index];
        let unpacking = || self.followers.iter().filter(|follower| follower.is_unpacking()).count();
        follower.is_packed() && !follower.is_unpacking() && unpacking() >= MOST_UNPACKING
    }

    /// The folders that a new file may appear in.
    pub fn folders(&self) -> BTreeSet<PathBuf> {
        let mut folders = self.patterns.folders();
        folders.extend(self.followers.iter().filter_map(|follower| Some(follower.path.parent()?.to_owned())));
        folders
    }

    /// How many files are followed.
    pub fn count(&self) -> u32 {
        self.followers.len() as u32
    }

    /// Tells where reading goes on at the next start, of all files of which not everything has left.
    pub fn tell_rest(&mut self) {
        self.generation.goes_on_at(self.followers.iter_mut().filter_map(Follower::unsettled).collect());
    }

    /// What the checkpoints are to say now.
    pub fn entries(&mut self) -> Vec<Entry> {
        self.release();
        let followed = self.followers.iter_mut().filter_map(Follower::entry);
        followed.chain(self.remembered.iter().map(|remembered| remembered.entry.clone())).collect()
    }
}
