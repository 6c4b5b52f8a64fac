//! How much memory what was read and is not resolved may take: of all files, and of each.
//!
//! A file may have in flight as much as is still free. So a few files that are resolved slowly, or not at all since
//! their partition has no leader, leave as much as each of them has to all others, and the more there are the less
//! each of them has: there is always room for a file that has nothing in flight.
//!
//! Texts whose ends have not come count as well; since those leave only when more is read, they have a bound of their own.

use std::collections::{HashMap, VecDeque};

use crate::follower::READ;

/// Bytes that one file may have in flight, where there is room.
const MOST_OF_ONE: u64 = 8 << 20;
/// Bytes that all files may have in flight; one turn may go beyond that by a line.
const MOST_OF_ALL: u64 = 64 << 20;
/// Bytes of texts that are open which count as in flight of one file. More would keep a file from reading their ends,
/// where `max_line` is near what it may have in flight.
const MOST_OPEN_OF_ONE: u64 = 4 << 20;
/// Bytes that the open texts of all files may take; one turn may go beyond that by its texts.
const MOST_OPEN_OF_ALL: u64 = 32 << 20;
/// Bytes of the shortest turn. Shorter ones would cost more than they read.
const SHORTEST_TURN: u64 = 8 << 10;
/// Files that are asked in each turn what of theirs was resolved meanwhile.
const ASKED_AT_ONCE: usize = 16;

/// What one file holds, in bytes of memory.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Held {
    /// Read and not resolved.
    pub unresolved: u64,
    /// Texts whose ends have not come.
    pub open: u64,
}

impl Held {
    fn in_flight(self) -> u64 {
        self.unresolved + self.open.min(MOST_OPEN_OF_ONE)
    }
}

/// What the files have in flight, as far as they were asked: never less than it is.
#[derive(Debug, Default)]
pub struct Shares {
    of_file: HashMap<u64, Held>,
    of_all: u64,
    open_of_all: u64,
    /// The files that have something in flight; the one that was asked longest ago comes first.
    asked: VecDeque<u64>,
}

impl Shares {
    /// Sets what a file holds now.
    pub fn set(&mut self, number: u64, held: Held) {
        let before = match self.of_file.get_mut(&number) {
            Some(known) => std::mem::replace(known, held),
            None if held == Held::default() => return,
            None => {
                self.of_file.insert(number, held);
                self.asked.push_back(number);
                Held::default()
            }
        };
        self.of_all = self.of_all - before.in_flight() + held.in_flight();
        self.open_of_all = self.open_of_all - before.open + held.open;
    }

    /// The file whose open texts take most, where those of all files take too much.
    pub fn most_open(&self) -> Option<u64> {
        let fullest = || self.of_file.iter().max_by_key(|(number, held)| (held.open, **number));
        (self.open_of_all > MOST_OPEN_OF_ALL).then(fullest)?.map(|(number, _)| *number)
    }

    /// The bytes that a file's turn may take, where `waiting` files want one; `None` where it has to wait.
    pub fn turn_of(&self, number: u64, waiting: usize) -> Option<usize> {
        let free = MOST_OF_ALL.saturating_sub(self.of_all);
        let has = self.of_file.get(&number).copied().unwrap_or_default().in_flight();
        // All of them together take half of what is free, and the halves of halves are never used up.
        let most = (free / 2 / waiting.max(1) as u64).clamp(SHORTEST_TURN, READ as u64);
        (has < free.min(MOST_OF_ONE)).then_some(most as usize)
    }

    /// Asks a few files what they hold, so that all are asked in the course of time.
    pub fn ask_some(&mut self, held: impl FnMut(u64) -> Held) {
        self.ask(ASKED_AT_ONCE.min(self.asked.len()), held);
    }

    /// Asks all files. What is known is then exact.
    pub fn ask_all(&mut self, held: impl FnMut(u64) -> Held) {
        self.ask(self.asked.len(), held);
    }

    fn ask(&mut self, count: usize, mut held: impl FnMut(u64) -> Held) {
        for _ in 0..count {
            let Some(number) = self.asked.pop_front() else { return };
            let held = held(number);
            self.set(number, held);
            if held == Held::default() {
                self.of_file.remove(&number);
            } else {
                self.asked.push_back(number);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unresolved(bytes: u64) -> Held {
        Held { unresolved: bytes, open: 0 }
    }

    /// Lets `files` that are never resolved take turns until all of them wait.
    fn fill(shares: &mut Shares, files: std::ops::Range<u64>) -> Vec<u64> {
        let mut has = vec![0; files.end as usize];
        loop {
            let before = shares.of_all;
            for number in files.clone() {
                if let Some(most) = shares.turn_of(number, files.clone().count()) {
                    has[number as usize] += most as u64;
                    shares.set(number, unresolved(has[number as usize]));
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
            shares.ask_some(|_| Held::default());
            asked += ASKED_AT_ONCE;
        }
        assert!(asked <= 1000, "{asked}");
        shares.ask_all(unresolved);
        // File 0 has nothing in flight any more.
        let left: u64 = shares.of_file.keys().sum();
        assert_eq!(shares.of_all, left);
        shares.ask_all(|_| Held::default());
        assert_eq!((shares.of_all, shares.of_file.len(), shares.asked.len()), (0, 0, 0));
    }

    #[test]
    fn the_file_with_the_longest_open_texts_makes_room() {
        let mut shares = Shares::default();
        let open = |kib: u64| Held { unresolved: 1000, open: kib << 10 };
        (1..=320).for_each(|number| shares.set(number, open(100)));
        assert_eq!((shares.most_open(), shares.open_of_all), (None, 32_000 << 10));
        for (number, kib, expected) in
            [(7, 868, None), (8, 101, Some(7)), (9, 5000, Some(9)), (9, 100, Some(7)), (9, 99, None)]
        {
            shares.set(number, open(kib));
            assert_eq!(shares.most_open(), expected, "{number} {kib}");
        }
        // Of one file a part of them counts as in flight.
        shares.ask_all(|number| if number == 1 { open(8000) } else { Held::default() });
        assert_eq!((shares.of_all, shares.open_of_all), (1000 + MOST_OPEN_OF_ONE, 8000 << 10));
        assert!(shares.turn_of(1, 1).is_some());
    }
}
