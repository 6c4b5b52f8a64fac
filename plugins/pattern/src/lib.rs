//! Words and regular expressions that are looked for in texts. To look for one match takes time that is linear in the text.
//!
//! A third of the size of a general engine in a component. Classes, `\b` and case are those of ASCII. Of several matches
//! that begin at one place the one counts that is written first, as `a|ab` and `a*?` say.
use std::cell::RefCell;
use std::ops::Range;

mod contains;
mod parse;
mod search;
mod step;

pub use contains::Needle;
use parse::Parsed;
use search::{Search, Set};
use step::Step;

/// A pattern to look for.
pub struct Pattern {
    /// What the pattern is made of; the last one ends it.
    steps: Vec<Step>,
    /// Of all classes.
    ranges: Vec<(char, char)>,
    /// The names of its groups, in the order of their brackets.
    groups: Vec<Option<String>>,
    /// With which bytes what is looked for may begin; all if it may be empty.
    first: [bool; 256],
    /// Where the search is at once; kept, so that looking allocates nothing.
    search: RefCell<Search>,
}

/// Where a pattern was found, and its groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub range: Range<usize>,
    /// In the order of their brackets; `None` for those that the match went around.
    pub groups: Vec<Option<Range<usize>>>,
}

impl Pattern {
    /// A pattern as it is written; `ignore_case` is as good as `(?i)` in front. The error says what to write instead.
    pub fn new(written: &str, ignore_case: bool) -> Result<Self, String> {
        let Parsed { steps, ranges, groups } = parse::parse(written, ignore_case)?;
        let search = Search::new(steps.len()).into();
        let mut pattern = Self { steps, ranges, groups, first: [false; 256], search };
        pattern.first = pattern.first_bytes();
        Ok(pattern)
    }

    /// Which group has this name or number; 0 is the whole match.
    pub fn group(&self, name: &str) -> Option<usize> {
        match name.parse::<usize>() {
            Ok(number) => (number <= self.groups.len()).then_some(number),
            Err(_) => Some(1 + self.groups.iter().position(|group| group.as_deref() == Some(name))?),
        }
    }

    /// Whether the pattern is anywhere in the text.
    pub fn is_in(&self, text: &str) -> bool {
        self.search.borrow_mut().is_in(self, text)
    }

    /// The first match that begins at byte `from` or behind it.
    pub fn find(&self, text: &str, from: usize) -> Option<Range<usize>> {
        let mut search = self.search.borrow_mut();
        let end = search.find(self, text, from, 0)?;
        Some(search.found()[0]..end)
    }

    /// The same with its groups, which takes longer.
    pub fn find_groups(&self, text: &str, from: usize) -> Option<Found> {
        let mut search = self.search.borrow_mut();
        let end = search.find(self, text, from, self.groups.len())?;
        let [start, slots @ ..] = search.found() else { return None };
        let group = |ends: &[usize]| match *ends {
            [start, end] if end != search::NOWHERE => Some(start..end),
            _ => None,
        };
        Some(Found { range: *start..end, groups: slots.chunks(2).map(group).collect() })
    }

    /// With which bytes a match may begin. Places hold in this, as what stands around is not known.
    fn first_bytes(&self) -> [bool; 256] {
        let mut first = [false; 256];
        let mut seen = Set::new(self.steps.len());
        let mut stack = vec![0];
        while let Some(step) = stack.pop() {
            if !seen.insert(step) {
                continue;
            }
            match self.steps[step] {
                Step::End => return [true; 256],
                Step::Jump(by) => stack.push(step.wrapping_add_signed(by)),
                Step::Split { by, .. } => stack.extend([step.wrapping_add_signed(by), step + 1]),
                Step::At(_) | Step::Mark(_) => stack.push(step + 1),
                takes => {
                    for byte in 0..128u8 {
                        first[usize::from(byte)] |= takes.takes(char::from(byte), &self.ranges);
                    }
                    first[128..].fill(true);
                }
            }
        }
        first
    }
}

#[cfg(test)]
mod tests;
