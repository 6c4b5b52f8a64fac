//! All ways through a pattern at once, character by character.
use crate::Pattern;
use crate::step::{Between, Step};

/// Stands for a place that a match did not come to.
pub const NOWHERE: usize = usize::MAX;

/// What a search needs; kept from one to the next.
pub struct Search {
    now: Ways,
    next: Ways,
    stack: Vec<Turn>,
    /// The places of the way that is followed: the beginning of the match, then both ends of each group.
    places: Vec<usize>,
    found: Vec<usize>,
}

/// The steps at which the ways through the pattern stand, the one that counts most first.
struct Ways {
    steps: Set,
    /// Of each step the places of the way that came there.
    places: Vec<usize>,
}

/// What is left to be done where a way parts.
enum Turn {
    Follow(usize),
    /// A place was remembered only for what lay behind it.
    Restore {
        slot: usize,
        place: usize,
    },
}

impl Search {
    pub fn new(steps: usize) -> Self {
        let ways = || Ways { steps: Set::new(steps), places: Vec::new() };
        Self { now: ways(), next: ways(), stack: Vec::new(), places: Vec::new(), found: Vec::new() }
    }

    /// The places of the last match: its beginning, then both ends of each group.
    pub fn found(&self) -> &[usize] {
        &self.found
    }

    pub fn is_in(&mut self, pattern: &Pattern, text: &str) -> bool {
        let Self { now, next, stack, .. } = self;
        now.steps.clear();
        let (mut at, mut before) = (0, None);
        loop {
            if now.steps.is_empty() {
                (at, before) = skip(pattern, text, at, before);
            }
            let after = char_at(text, at);
            if follow(pattern, 0, Between { before, after }, &mut now.steps, stack) {
                return true;
            }
            let Some(c) = after else { return false };
            at += c.len_utf8();
            let between = Between { before: after, after: char_at(text, at) };
            next.steps.clear();
            for step in now.steps.members() {
                if pattern.steps[*step].takes(c, &pattern.ranges)
                    && follow(pattern, step + 1, between, &mut next.steps, stack)
                {
                    return true;
                }
            }
            std::mem::swap(now, next);
            before = after;
        }
    }

    /// Looks from byte `from` on and returns where the first match ends.
    pub fn find(&mut self, pattern: &Pattern, text: &str, from: usize, groups: usize) -> Option<usize> {
        self.make_room(pattern.steps.len(), 1 + 2 * groups);
        self.now.steps.clear();
        let (mut at, mut end) = (from, None);
        let mut before = text.get(..from).and_then(|head| head.chars().next_back());
        loop {
            if self.now.steps.is_empty() {
                if end.is_some() {
                    return end;
                }
                (at, before) = skip(pattern, text, at, before);
            }
            let after = char_at(text, at);
            if end.is_none() {
                // What begins later counts less.
                self.places.fill(NOWHERE);
                self.places[0] = at;
                follow_remembering(
                    pattern,
                    (0, at),
                    Between { before, after },
                    &mut self.now,
                    &mut self.stack,
                    &mut self.places,
                );
            }
            end = self.take(pattern, text, at, after).or(end);
            let Some(c) = after else { return end };
            at += c.len_utf8();
            before = after;
            std::mem::swap(&mut self.now, &mut self.next);
        }
    }

    /// Takes one character on every way, up to the first that is at its end: those behind it count less.
    fn take(&mut self, pattern: &Pattern, text: &str, at: usize, c: Option<char>) -> Option<usize> {
        let Self { now, next, stack, places, found } = self;
        next.steps.clear();
        let behind = at + c.map_or(0, char::len_utf8);
        let between = Between { before: c, after: char_at(text, behind) };
        for step in now.steps.members() {
            let way = &now.places[step * places.len()..][..places.len()];
            match pattern.steps[*step] {
                Step::End => {
                    found.copy_from_slice(way);
                    return Some(at);
                }
                taking if c.is_some_and(|c| taking.takes(c, &pattern.ranges)) => {
                    places.copy_from_slice(way);
                    follow_remembering(pattern, (step + 1, behind), between, next, stack, places);
                }
                _ => {}
            }
        }
        None
    }

    fn make_room(&mut self, steps: usize, places: usize) {
        if self.places.len() != places {
            self.places.resize(places, NOWHERE);
            self.found.resize(places, NOWHERE);
            self.now.places.resize(steps * places, NOWHERE);
            self.next.places.resize(steps * places, NOWHERE);
        }
    }
}

/// The next place at which a match may begin, and what stands before it.
fn skip(pattern: &Pattern, text: &str, at: usize, before: Option<char>) -> (usize, Option<char>) {
    let rest = text.as_bytes().get(at..).unwrap_or_default();
    let skipped = rest.iter().position(|byte| pattern.first[usize::from(*byte)]).unwrap_or(rest.len());
    if skipped == 0 {
        return (at, before);
    }
    (at + skipped, text.get(..at + skipped).and_then(|head| head.chars().next_back()))
}

/// Adds the steps that are reached from one without a character; true if the end is.
fn follow(pattern: &Pattern, from: usize, between: Between, set: &mut Set, stack: &mut Vec<Turn>) -> bool {
    stack.clear();
    stack.push(Turn::Follow(from));
    while let Some(Turn::Follow(step)) = stack.pop() {
        if !set.insert(step) {
            continue;
        }
        match pattern.steps[step] {
            Step::End => return true,
            Step::Jump(by) => stack.push(Turn::Follow(step.wrapping_add_signed(by))),
            Step::Split { by, .. } => {
                stack.extend([step.wrapping_add_signed(by), step + 1].map(Turn::Follow));
            }
            Step::At(place) if !between.is(place) => {}
            Step::At(_) | Step::Mark(_) => stack.push(Turn::Follow(step + 1)),
            _ => {}
        }
    }
    false
}

/// The same in the order in which ways count, with the places of each; `from` is a step and where it is in the text.
fn follow_remembering(
    pattern: &Pattern,
    from: (usize, usize),
    between: Between,
    ways: &mut Ways,
    stack: &mut Vec<Turn>,
    places: &mut [usize],
) {
    let (first, at) = from;
    // A look that ended early has left what it did not follow.
    stack.clear();
    stack.push(Turn::Follow(first));
    while let Some(turn) = stack.pop() {
        let step = match turn {
            Turn::Restore { slot, place } => {
                places[slot] = place;
                continue;
            }
            Turn::Follow(step) => step,
        };
        if !ways.steps.insert(step) {
            continue;
        }
        match pattern.steps[step] {
            Step::Jump(by) => stack.push(Turn::Follow(step.wrapping_add_signed(by))),
            Step::Split { by, there_first } => {
                let there = step.wrapping_add_signed(by);
                let (one, other) = if there_first { (there, step + 1) } else { (step + 1, there) };
                stack.extend([other, one].map(Turn::Follow));
            }
            Step::At(place) if !between.is(place) => {}
            Step::At(_) => stack.push(Turn::Follow(step + 1)),
            Step::Mark(slot) => {
                if let Some(place) = places.get_mut(slot + 1) {
                    stack.push(Turn::Restore { slot: slot + 1, place: *place });
                    *place = at;
                }
                stack.push(Turn::Follow(step + 1));
            }
            _ => ways.places[step * places.len()..][..places.len()].copy_from_slice(places),
        }
    }
}

fn char_at(text: &str, at: usize) -> Option<char> {
    text.get(at..)?.chars().next()
}

/// Steps in the order in which they were put in; emptied at once.
pub struct Set {
    members: Vec<usize>,
    /// For each step the round in which it was put in last.
    rounds: Vec<u32>,
    round: u32,
}

impl Set {
    pub fn new(steps: usize) -> Self {
        Self { members: Vec::with_capacity(steps), rounds: vec![0; steps], round: 1 }
    }

    pub fn clear(&mut self) {
        self.members.clear();
        self.round = self.round.wrapping_add(1);
        if self.round == 0 {
            self.rounds.fill(0);
            self.round = 1;
        }
    }

    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    pub fn members(&self) -> &[usize] {
        &self.members
    }

    /// Whether the step was not there.
    pub fn insert(&mut self, step: usize) -> bool {
        let is_new = self.rounds[step] != self.round;
        if is_new {
            self.rounds[step] = self.round;
            self.members.push(step);
        }
        is_new
    }
}
