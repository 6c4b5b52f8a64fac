//! How much memory what was read and is not resolved may take: of all files, and of each.
//!
//! A file may have in flight as much as is still free. So a few files that are resolved slowly, or not at all since
//! their partition has no leader, leave as much as each of them has to all others, and the more there are the less
//! each of them has: there is always room for a file that has nothing in flight.

use std::collections::{HashMap, VecDeque};

use crate::follower::READ;

/// Bytes that one file may have in flight, where there is room.
const MOST_OF_ONE: u64 = 8 << 20;
/// Bytes that all files may have in flight; one turn may go beyond that by a line.
const MOST_OF_ALL: u64 = 64 << 20;
/// Bytes of the shortest turn. Shorter ones would cost more than they read.
const SHORTEST_TURN: u64 = 8 << 10;
/// Files that are asked in each turn what of theirs was resolved meanwhile.
const ASKED_AT_ONCE: usize = 16;

/// What the files have in flight, as far as they were asked: never less than it is.
#[derive(Debug, Default)]
pub struct Shares {
    of_file: HashMap<u64, u64>,
    of_all: u64,
    /// The files that have something in flight; the one that was asked longest ago comes first.
    asked: VecDeque<u64>,
}

impl Shares {
    /// Sets what a file has in flight now.
    pub fn set(&mut self, number: u64, bytes: u64) {
        let before = match self.of_file.get_mut(&number) {
            Some(known) => std::mem::replace(known, bytes),
            None if bytes == 0 => return,
            None => {
                self.of_file.insert(number, bytes);
                self.asked.push_back(number);
                0
            }
        };
        self.of_all = self.of_all - before + bytes;
    }

    /// The bytes that a file's turn may take, where `waiting` files want one; `None` where it has to wait.
    pub fn turn_of(&self, number: u64, waiting: usize) -> Option<usize> {
        let free = MOST_OF_ALL.saturating_sub(self.of_all);
        let has = self.of_file.get(&number).copied().unwrap_or_default();
        // All of them together take half of what is free, and the halves of halves are never used up.
        let most = (free / 2 / waiting.max(1) as u64).clamp(SHORTEST_TURN, READ as u64);
        (has < free.min(MOST_OF_ONE)).then_some(most as usize)
    }

    /// Asks a few files what they have in flight, so that all are asked in the course of time.
    pub fn ask_some(&mut self, in_flight: impl FnMut(u64) -> u64) {
        self.ask(ASKED_AT_ONCE.min(self.asked.len()), in_flight);
    }

    /// Asks all files. What is known is then exact.
    pub fn ask_all(&mut self, in_flight: impl FnMut(u64) -> u64) {
        self.ask(self.asked.len(), in_flight);
    }

    fn ask(&mut self, count: usize, mut in_flight: impl FnMut(u64) -> u64) {
        for _ in 0..count {
            let Some(number) = self.asked.pop_front() else { return };
            let bytes = in_flight(number);
            self.set(number, bytes);
            if bytes > 0 {
                self.asked.push_back(number);
            } else {
                self.of_file.remove(&number);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lets `files` that are never resolved take turns until all of them wait.
    fn fill(shares: &mut Shares, files: std::ops::Range<u64>) -> Vec<u64> {
        let mut has = vec![0; files.end as usize];
        loop {
            let before = shares.of_all;
            for number in files.clone() {
                if let Some(most) = shares.turn_of(number, files.clone().count()) {
                    has[number as usize] += most as u64;
                    shares.set(number, has[number as usize]);
                }
            }
            if shares.of_all == before {
                return has;
            }
        }
    }

    #[test]
    fn the_more_files_the_less_each_has_and_never_more_than_all_may() {
        for (files, least, free) in [
            (1, 8 << 20, 56 << 20),
            (7, 8 << 20, 8 << 20),
            (8, 7 << 20, 6 << 20),
            (100, 512 << 10, 512 << 10),
            (1000, 32 << 10, 32 << 10),
            (5000, 8 << 10, 8 << 10),
            (10_000, 0, 0),
        ] {
            let mut shares = Shares::default();
            let has = fill(&mut shares, 0..files);
            assert!(has.iter().all(|has| *has >= least), "{files}: {:?}", has.iter().min());
            let left = MOST_OF_ALL.saturating_sub(shares.of_all);
            assert!(left >= free && shares.of_all < MOST_OF_ALL + SHORTEST_TURN, "{files}: {left}");
            // One that has nothing in flight goes on all the same.
            assert_eq!(shares.turn_of(files, 1).is_some(), files < 10_000, "{files}");
        }
    }

    #[test]
    fn what_is_resolved_is_found_in_the_course_of_time() {
        let mut shares = Shares::default();
        fill(&mut shares, 0..1000);
        assert_eq!(shares.turn_of(7, 1), None);
        let mut asked = 0;
        while shares.turn_of(7, 1).is_none() {
            shares.ask_some(|_| 0);
            asked += ASKED_AT_ONCE;
        }
        assert!(asked <= 1000, "{asked}");
        shares.ask_all(|number| number);
        // File 0 has nothing in flight any more.
        let left: u64 = shares.of_file.keys().sum();
        assert_eq!(shares.of_all, left);
        shares.ask_all(|_| 0);
        assert_eq!((shares.of_all, shares.of_file.len(), shares.asked.len()), (0, 0, 0));
    }
}
