//! A text that is put together: the parts that a runtime wrote as several lines, or the lines of a trace.

use std::{ops::Range, time::Duration};

use tokio::time::Instant;

use crate::fragment::Body;

/// A join that is never silent ends as well: this many times as long after its first line as its lines may be apart.
const LONGEST: u64 = 10;

/// The memory that a closed join keeps for the next one. Files are many, and few of them have joins at a time.
const KEPT: usize = 4 << 10;

/// Lines of a file that are, or become, one text.
#[derive(Clone, Debug)]
pub struct Lead {
    /// From the first byte of the first line to the byte after the last.
    pub range: Range<u64>,
    /// The time of the first line.
    pub time: u64,
    /// The time of the last well-formed line before it.
    pub time_before: u64,
    /// When the last line was written, as it says itself; 0 where it does not.
    pub last: u64,
    /// The text is only a beginning.
    pub cut: bool,
}

/// A text of which the end has not come.
#[derive(Debug, Default)]
pub struct Join {
    lead: Option<Lead>,
    /// When something was last added to it.
    touched: Option<Instant>,
    /// The bytes so far.
    pub text: Vec<u8>,
    /// The pieces of it that left already.
    pub pieces: u32,
}

/// How a line that comes next lies to an open join, by the times that stand in the lines: whenever they are read, they
/// are parted at the same places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    Near,
    /// There was silence in between.
    Apart,
    /// The join is open for too long.
    TooLate,
}

impl Join {
    pub fn is_open(&self) -> bool {
        self.lead.is_some()
    }

    /// What it is, while it is open.
    pub fn lead(&self) -> Option<&Lead> {
        self.lead.as_ref()
    }

    /// Begins with `text`.
    pub fn open(&mut self, lead: Lead, text: &[u8], now: Instant) {
        self.text.clear();
        self.text.extend_from_slice(text);
        (self.lead, self.touched, self.pieces) = (Some(lead), Some(now), 0);
    }

    /// Appends the next part, up to `limit` bytes in all; true if it was the last.
    pub fn append(&mut self, body: Body<'_>, next: &Lead, limit: usize, now: Instant) -> bool {
        let Some(lead) = &mut self.lead else { return true };
        // After a cut nothing may follow, not even a short part: the text would have a hole.
        let room = if lead.cut { 0 } else { limit.saturating_sub(self.text.len()) };
        let before = self.text.len();
        let appended = body.append(&mut self.text, room);
        if lead.cut {
            self.text.truncate(before);
        }
        lead.cut |= appended.cut | next.cut;
        self.go_on(next, now);
        !appended.partial
    }

    /// Appends a line of its own, with a line break before it where there is none.
    pub fn append_line(&mut self, text: &[u8], separator: bool, next: &Lead, now: Instant) {
        if separator {
            self.text.push(b'\n');
        }
        self.text.extend_from_slice(text);
        self.go_on(next, now);
    }

    fn go_on(&mut self, next: &Lead, now: Instant) {
        if let Some(lead) = &mut self.lead {
            (lead.range.end, lead.last) = (next.range.end, next.last.max(lead.last));
        }
        self.touched = Some(now);
    }

    /// Appends bytes of a line that is read in several turns, up to `end`.
    pub fn append_bytes(&mut self, bytes: &[u8], end: u64, now: Instant) {
        self.text.extend_from_slice(bytes);
        if let Some(lead) = &mut self.lead {
            lead.range.end = end;
        }
        self.touched = Some(now);
    }

    pub fn reach(&self, written: u64, timeout: Duration) -> Reach {
        let Some(lead) = &self.lead else { return Reach::Apart };
        let timeout = timeout.as_nanos() as u64;
        // 0 is no time: lines that have none are parted by silence alone.
        if written.saturating_sub(lead.last) > timeout && lead.last > 0 {
            Reach::Apart
        } else if written.saturating_sub(lead.time) > timeout.saturating_mul(LONGEST) && lead.last > 0 {
            Reach::TooLate
        } else {
            Reach::Near
        }
    }

    pub fn touched(&self) -> Option<Instant> {
        self.touched.filter(|_| self.is_open())
    }

    pub fn close(&mut self) -> Option<Lead> {
        if self.text.capacity() > KEPT {
            self.text = Vec::new();
        }
        self.text.clear();
        self.lead.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(text: &str) -> Body<'_> {
        Body::Plain { text: text.as_bytes(), partial: !text.ends_with('.') }
    }

    fn lead(end: u64, last: u64) -> Lead {
        Lead { range: 5..end, time: 1, time_before: 0, last, cut: false }
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
            let (mut join, now) = (Join::default(), Instant::now());
            join.open(lead(10, 1), parts[0].as_bytes(), now);
            let append =
                |(i, text): (usize, &&str)| join.append(part(text), &lead(20 + i as u64, 2 + i as u64), limit, now);
            let last = parts[1..].iter().enumerate().map(append).last();
            assert_eq!(last, Some(parts.last().unwrap().ends_with('.')));
            assert_eq!(std::str::from_utf8(&join.text).unwrap(), text, "{parts:?} {limit}");
            let lead = join.close().unwrap();
            assert_eq!((lead.cut, lead.range, lead.last), (cut, 5..18 + parts.len() as u64, parts.len() as u64));
        }
    }

    #[test]
    fn times_part_what_does_not_belong_together() {
        const SECOND: u64 = 1_000_000_000;
        let timeout = Duration::from_secs(5);
        for (time, last, written, expected) in [
            (100, 100, 105, Reach::Near),
            (100, 100, 106, Reach::Apart),
            (100, 146, 150, Reach::Near),
            (100, 147, 151, Reach::TooLate),
            // A clock that was set back, and lines without a time.
            (100, 100, 1, Reach::Near),
            (100, 100, 0, Reach::Near),
            (100, 0, 1000, Reach::Near),
        ] {
            let mut join = Join::default();
            join.open(Lead { time: time * SECOND, ..lead(10, last * SECOND) }, b"", Instant::now());
            assert_eq!(join.reach(written * SECOND, timeout), expected, "{time} {last} {written}");
        }
    }

    #[test]
    fn a_closed_join_keeps_little_memory() {
        let mut join = Join::default();
        join.open(lead(10, 1), &[b'x'; 100_000], Instant::now());
        join.close();
        assert!(join.text.capacity() <= KEPT && join.touched().is_none());
    }
}
