//! Regular expressions that are looked for in texts, in time that is linear in the text.
//!
//! A third of the size of a general engine in a component: it says whether a pattern is in a text, and not where.
//! Classes, `\b` and case are those of ASCII.
use std::cell::RefCell;

mod parse;
mod step;

use step::{Set, Step};

/// A pattern to look for.
pub struct Pattern {
    /// What the pattern is made of; the last one ends it.
    steps: Vec<Step>,
    ignore_case: bool,
    /// With which bytes what is looked for may begin; all if it may be empty.
    first: [bool; 256],
    /// Where the search is at once; kept, so that looking allocates nothing.
    threads: RefCell<Threads>,
}

#[derive(Default)]
struct Threads {
    now: Set,
    next: Set,
    stack: Vec<usize>,
}

/// A place between two characters.
#[derive(Clone, Copy)]
struct Between {
    before: Option<char>,
    after: Option<char>,
}

impl Pattern {
    /// A pattern as it is written. `(?i)` in front is as good as `ignore_case`.
    pub fn new(written: &str, ignore_case: bool) -> Result<Self, String> {
        let (written, ignore_case) = match written.strip_prefix("(?i)") {
            Some(rest) => (rest, true),
            None => (written, ignore_case),
        };
        let steps = parse::steps(written, ignore_case)?;
        let mut threads = Threads::default();
        threads.now.resize(steps.len());
        threads.next.resize(steps.len());
        let mut pattern = Self { steps, ignore_case, first: [false; 256], threads: threads.into() };
        pattern.first = pattern.first_bytes();
        Ok(pattern)
    }

    /// Whether the pattern is anywhere in the text.
    pub fn is_in(&self, text: &str) -> bool {
        let Threads { now, next, stack } = &mut *self.threads.borrow_mut();
        now.clear();
        let (mut at, mut before) = (0, None);
        loop {
            if now.is_empty() {
                let rest = text.as_bytes().get(at..).unwrap_or_default();
                let skipped = rest.iter().position(|byte| self.first[usize::from(*byte)]).unwrap_or(rest.len());
                if skipped > 0 {
                    at += skipped;
                    before = text.get(..at).and_then(|head| head.chars().next_back());
                }
            }
            let after = char_at(text, at);
            if self.follow(0, Between { before, after }, now, stack) {
                return true;
            }
            let Some(c) = after else { return false };
            at += c.len_utf8();
            let place = Between { before: after, after: char_at(text, at) };
            let folded = if self.ignore_case { c.to_ascii_lowercase() } else { c };
            next.clear();
            for step in now.members() {
                if self.steps[*step].takes(folded, self.ignore_case) && self.follow(step + 1, place, next, stack) {
                    return true;
                }
            }
            std::mem::swap(now, next);
            before = after;
        }
    }

    /// Adds the steps that are reached from one without a character; true if the end is.
    fn follow(&self, from: usize, place: Between, set: &mut Set, stack: &mut Vec<usize>) -> bool {
        stack.clear();
        stack.push(from);
        while let Some(step) = stack.pop() {
            if !set.insert(step) {
                continue;
            }
            match &self.steps[step] {
                Step::End => return true,
                Step::Jump(by) => stack.push(step.wrapping_add_signed(*by)),
                Step::Split(by) => stack.extend([step.wrapping_add_signed(*by), step + 1]),
                Step::At(place_kind) if place_kind.holds(place.before, place.after) => stack.push(step + 1),
                _ => {}
            }
        }
        false
    }

    /// With which bytes a match may begin. Places hold in this, as what stands around is not known.
    fn first_bytes(&self) -> [bool; 256] {
        let mut first = [false; 256];
        let mut seen = Set::default();
        seen.resize(self.steps.len());
        let mut stack = vec![0];
        while let Some(step) = stack.pop() {
            if !seen.insert(step) {
                continue;
            }
            match &self.steps[step] {
                Step::End => return [true; 256],
                Step::Jump(by) => stack.push(step.wrapping_add_signed(*by)),
                Step::Split(by) => stack.extend([step.wrapping_add_signed(*by), step + 1]),
                Step::At(_) => stack.push(step + 1),
                takes => {
                    for byte in 0..128u8 {
                        let c = char::from(byte);
                        let c = if self.ignore_case { c.to_ascii_lowercase() } else { c };
                        first[usize::from(byte)] |= takes.takes(c, self.ignore_case);
                    }
                    first[128..].fill(true);
                }
            }
        }
        first
    }
}

fn char_at(text: &str, at: usize) -> Option<char> {
    text.get(at..)?.chars().next()
}

#[cfg(test)]
mod tests;
