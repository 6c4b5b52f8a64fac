//! A batch while it is put together: texts end to end in one arena.

use std::{ops::Range, sync::Arc};

use sluice_core::{Batch, Origin, Part, Place, Receipt, Record, RecordId, Shape, Stream};

use crate::Counters;

/// The most records of a batch.
pub const MOST_RECORDS: usize = 4096;

/// What is known of a record besides its text.
#[derive(Clone, Debug)]
pub struct Head {
    pub time: u64,
    pub stream: Stream,
    /// From the first byte of its first line to the byte after its last.
    pub range: Range<u64>,
    /// The text was cut.
    pub cut: bool,
    pub part: Part,
}

#[derive(Debug, Default)]
pub struct Assembly {
    /// Where a line's text is appended before [`Assembly::seal`] makes a record of it.
    pub arena: Vec<u8>,
    records: Vec<Record>,
}

impl Assembly {
    /// `bytes` is what the texts will take, about.
    pub fn with_capacity(bytes: usize) -> Self {
        Self { arena: Vec::with_capacity(bytes), records: Vec::with_capacity((bytes / 128).min(MOST_RECORDS)) }
    }

    pub fn len(&self) -> usize {
        self.records.len()
    }

    pub fn is_full(&self) -> bool {
        self.records.len() >= MOST_RECORDS
    }

    /// Makes a record of `arena[start..]`. Bytes that are not UTF-8 become U+FFFD, and the arena then holds the bytes
    /// as read behind the text. `utf8` saves the look where the caller knows.
    pub fn seal(&mut self, start: usize, head: Head, identity: u64, utf8: bool, counters: &Counters) {
        let text = &self.arena[start..];
        let id = match head.part.number {
            0 => RecordId::of_line(identity, head.range.clone(), text),
            number => RecordId::of_piece(identity, head.range.start, number, text),
        };
        let mut end = self.arena.len();
        if !utf8 && std::str::from_utf8(&self.arena[start..]).is_err() {
            let raw = self.arena.split_off(start);
            self.arena.extend_from_slice(String::from_utf8_lossy(&raw).as_bytes());
            end = self.arena.len();
            self.arena.extend_from_slice(&raw);
            counters.lines_not_utf8.add(1);
        }
        if head.cut {
            counters.lines_cut.add(1);
        }
        if head.part.number == 1 {
            counters.lines_split.add(1);
        } else if head.part.number == 0 && head.part.goes_on {
            counters.joins_ended_early.add(1);
        }
        self.records.push(Record {
            start: start as u32,
            end: end as u32,
            raw_end: self.arena.len() as u32,
            origin: 0,
            time: head.time,
            timed: true,
            stream: head.stream,
            truncated: head.cut,
            part: head.part,
            position: head.range.start,
            id,
        });
    }

    pub fn into_batch(self, place: Arc<Place>, origin: Arc<Origin>, receipt: Receipt) -> Batch {
        Batch::new(Shape::Lines, place, self.arena, self.records, vec![origin], receipt)
    }
}
