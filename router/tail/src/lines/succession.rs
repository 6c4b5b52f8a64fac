//! The texts that are open where a file ends whose writer goes on in the next one: the runtime wrote the first parts of
//! a text before a rotation and the others after it.

use std::ops::Range;

use sluice_core::Stream;

use super::{Lines, Settings};
use crate::{
    assembly::Assembly,
    format::Format,
    fragment::Fragment,
    join::Lead,
    texts::{Desk, Texts},
};

/// Up to where the lines of each stream are taken of a file, from its beginning on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    pub stdout: u64,
    pub stderr: u64,
    /// The time of the last well-formed line that is taken of both.
    pub time: u64,
    /// The lines that are taken.
    pub lines: Vec<Range<u64>>,
}

impl Lines {
    /// Whether a text is open whose other parts may stand in the file that comes next.
    pub fn is_joining(&self) -> bool {
        // Of a line that is not whole the rest comes first.
        self.overlong.is_none() && self.texts.iter().any(Texts::is_joining)
    }

    /// Whether the beginning of the next file tells the ends of all texts that are open.
    pub fn ends_in(&self, next: &[u8], settings: Settings<'_>) -> bool {
        let mut open = Stream::ALL.map(|stream| self.texts[stream as usize].is_joining());
        for (fragment, _) in fragments(next, self.format(settings)) {
            let Some(Fragment { time, stream, body }) = fragment else { return true };
            let is_part = self.texts[stream as usize].takes_part_of(time, settings);
            open[stream as usize] &= is_part && body.is_partial();
        }
        open == [false; 2]
    }

    /// Completes the texts that are open by what the next file begins with, as far as their parts stand there, and ends
    /// them. Returns what is taken of that file.
    pub fn take_beginning_of_next(&mut self, next: &[u8], settings: Settings<'_>, out: &mut Assembly) -> Taken {
        let (mut taken, mut is_done) = ([(0, 0); 2], [false; 2]);
        let format = self.format(settings);
        let mut lines = Vec::new();
        for (fragment, range) in fragments(next, format) {
            let Some(Fragment { time, stream, body }) = fragment else { break };
            let at = stream as usize;
            is_done[at] |= !self.texts[at].takes_part_of(time, settings);
            if !is_done[at] {
                // A text ends, by its identity, where the file does in which it begins.
                let lead = Lead { range: self.read..self.read, time, time_before: self.time, last: time, cut: false };
                self.with_texts(at, settings, out, |texts, desk: &mut Desk<'_>| texts.take(body, lead, false, desk));
                taken[at] = (range.end, time);
                lines.push(range);
            }
        }
        self.end_texts(settings, out);
        let (_, time) = taken[0].min(taken[1]);
        Taken { stdout: taken[0].0, stderr: taken[1].0, time, lines }
    }
}

/// The lines, and where each is. A malformed one is `None`, and behind it nothing may be taken: it has no stream.
fn fragments(lines: &[u8], format: Format) -> impl Iterator<Item = (Option<Fragment<'_>>, Range<u64>)> {
    let mut start = 0;
    memchr::memchr_iter(b'\n', lines).map(move |newline| {
        let begin = std::mem::replace(&mut start, newline + 1);
        (format.parse(&lines[begin..newline]), begin as u64..newline as u64 + 1)
    })
}
