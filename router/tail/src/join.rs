//! The parts of a long text that a runtime wrote as several lines, put together again: one join a stream.

use std::ops::Range;

use crate::fragment::Body;

/// A text of which the end has not come. Bounded: what goes beyond the limit is left out.
#[derive(Debug, Default)]
pub struct Join {
    is_open: bool,
    /// From the first byte of its first line to the byte after its last so far.
    pub range: Range<u64>,
    /// The time of its first line.
    pub time: u64,
    /// The time of the last well-formed line before it.
    pub time_before: u64,
    /// The bytes so far; the memory is kept for the next join.
    pub text: Vec<u8>,
    pub cut: bool,
}

impl Join {
    pub fn is_open(&self) -> bool {
        self.is_open
    }

    /// Begins with the first part, `text`.
    pub fn open(&mut self, range: Range<u64>, time: u64, time_before: u64, text: &[u8], cut: bool) {
        self.text.clear();
        self.text.extend_from_slice(text);
        (self.is_open, self.range, self.time, self.time_before, self.cut) = (true, range, time, time_before, cut);
    }

    /// Appends the next part, of a line that ends at `end`, up to `limit` bytes in all; true if it was the last.
    pub fn append(&mut self, body: Body<'_>, end: u64, limit: usize) -> bool {
        // After a cut nothing may follow, not even a short part: the text would have a hole.
        let room = if self.cut { 0 } else { limit.saturating_sub(self.text.len()) };
        let before = self.text.len();
        let appended = body.append(&mut self.text, room);
        if self.cut {
            self.text.truncate(before);
        }
        self.cut |= appended.cut;
        self.range.end = end;
        !appended.partial
    }

    pub fn close(&mut self) {
        self.is_open = false;
        // A join of megabytes is rare; its memory is not kept for good.
        if self.text.capacity() > 1 << 17 {
            self.text = Vec::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(text: &str) -> Body<'_> {
        Body::Plain { text: text.as_bytes(), partial: !text.ends_with('.') }
    }

    #[test]
    fn joins_up_to_the_limit() {
        for (parts, limit, text, cut) in [
            (&["ab", "cd", "e."][..], 10, "abcde.", false),
            (&["ab", "."], 3, "ab.", false),
            (&["ab", "cd", "e."], 3, "abc", true),
            (&["ab", "€", "e."], 4, "ab", true),
            (&["ab", "."], 2, "ab", true),
            (&["ab", ""], 2, "ab", false),
        ] {
            let mut join = Join::default();
            join.open(5..10, 1, 0, parts[0].as_bytes(), false);
            let last =
                parts[1..].iter().enumerate().map(|(i, text)| join.append(part(text), 20 + i as u64, limit)).last();
            assert_eq!((std::str::from_utf8(&join.text).unwrap(), join.cut), (text, cut), "{parts:?} {limit}");
            assert_eq!(last, Some(parts.last().unwrap().ends_with('.')));
            assert_eq!(join.range, 5..18 + parts.len() as u64);
        }
    }
}
