//! The contiguous prefix of what was read that is delivered: the only thing a position may be saved from.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{Generation, Receipt};

/// Follows the batches of one file or one partition in reading order.
///
/// `P` is where reading would go on: a byte offset per stream of a file, an offset of a Kafka partition. A batch's
/// position is reached when it and every batch before it are resolved.
#[derive(Debug)]
pub struct Watermark<P> {
    lane: Arc<Lane>,
    generation: Arc<Generation>,
    /// The positions after each open batch, oldest first; the first is that of batch number `first`.
    ends: VecDeque<P>,
    first: u64,
    position: P,
}

/// The part of a watermark that receipts reach from other threads.
#[derive(Debug, Default)]
pub(crate) struct Lane(Mutex<Prefix>);

#[derive(Debug, Default)]
struct Prefix {
    /// Every batch with a smaller number is resolved.
    first_open: u64,
    /// Whether the batches from `first_open` on are resolved; the first never is.
    resolved: VecDeque<bool>,
}

impl<P: Copy> Watermark<P> {
    /// `position` is where reading starts.
    pub fn new(generation: Arc<Generation>, position: P) -> Self {
        Self { lane: Arc::default(), generation, ends: VecDeque::new(), first: 0, position }
    }

    /// The receipt of the next batch: of `count` records, after which reading goes on at `end`.
    ///
    /// A count of 0 books progress without records (lines skipped on purpose).
    pub fn open(&mut self, count: u32, end: P) -> Receipt {
        let sequence = self.first + self.ends.len() as u64;
        self.ends.push_back(end);
        self.lane.open();
        Receipt::new(self.lane.clone(), sequence, count, self.generation.clone())
    }

    /// Where reading may go on after a crash at this moment.
    pub fn position(&mut self) -> P {
        let reached = self.lane.first_open();
        while self.first < reached {
            if let Some(end) = self.ends.pop_front() {
                self.position = end;
            }
            self.first += 1;
        }
        self.position
    }

    /// True when every batch so far is resolved.
    pub fn is_settled(&mut self) -> bool {
        self.position();
        self.ends.is_empty()
    }
}

impl Lane {
    fn open(&self) {
        self.lock().resolved.push_back(false);
    }

    pub(crate) fn resolve(&self, sequence: u64) {
        let mut prefix = self.lock();
        let index = sequence.wrapping_sub(prefix.first_open) as usize;
        if let Some(resolved) = prefix.resolved.get_mut(index) {
            *resolved = true;
        }
        while prefix.resolved.front() == Some(&true) {
            prefix.resolved.pop_front();
            prefix.first_open += 1;
        }
    }

    fn first_open(&self) -> u64 {
        self.lock().first_open
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Prefix> {
        // No code in here can panic half way; a poisoned lock still holds a valid prefix.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
