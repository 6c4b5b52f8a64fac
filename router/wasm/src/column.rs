//! One field of every record, laid out as it crosses to a plugin.
use std::ops::Range;

pub(crate) use sluice_core::ValueKind as Kind;

use crate::bindings;

/// The values of one field. `kinds` is empty where all are texts; `runs` is empty where each record has a value of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    text: Text,
    ends: Vec<u32>,
    kinds: Vec<u8>,
    runs: Vec<u32>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Text {
    Own(Vec<u8>),
    /// A part of the batch's arena: nothing is copied.
    Arena(Range<usize>),
}

impl Column {
    /// A column of texts that lie end to end in the arena.
    pub fn in_arena(range: Range<usize>, ends: Vec<u32>) -> Self {
        Self { text: Text::Arena(range), ends, kinds: Vec::new(), runs: Vec::new() }
    }

    /// The column as the interface has it.
    pub fn view<'a>(&'a self, arena: &'a [u8]) -> bindings::Column<'a> {
        bindings::Column { text: self.bytes(arena), ends: &self.ends, kinds: &self.kinds, runs: &self.runs }
    }

    /// The column without the records at `drops`: indices ascending and below `len`, the records it has now.
    pub fn without(&self, drops: &[u32], len: u32, arena: &[u8]) -> Self {
        let (bytes, mut kept) = (self.bytes(arena), Builder::default());
        let mut drops = drops.iter().copied().peekable();
        let (mut start, mut record) = (0, 0);
        for (index, end) in self.ends.iter().copied().enumerate() {
            let run_end = self.runs.get(index).copied().unwrap_or(record + 1).min(len);
            let held = run_end - record;
            let mut dropped = 0;
            while drops.next_if(|drop| *drop < run_end).is_some() {
                dropped += 1;
            }
            if dropped < held {
                let kind = self.kinds.get(index).copied().unwrap_or(Kind::Text as u8);
                kept.push_raw(kind, &bytes[start as usize..end as usize]);
                if !self.runs.is_empty() {
                    kept.end_run(held - dropped);
                }
            }
            (start, record) = (end, run_end);
        }
        kept.finish()
    }

    /// Whether values hold for several records each; else there is one for each record.
    pub fn is_in_runs(&self) -> bool {
        !self.runs.is_empty()
    }

    /// The values with the records that each holds for, in order: of `len` records.
    pub fn values<'a>(&'a self, len: u32, arena: &'a [u8]) -> impl Iterator<Item = (Range<u32>, u8, &'a [u8])> {
        let (bytes, mut start, mut record) = (self.bytes(arena), 0, 0);
        self.ends.iter().enumerate().map(move |(index, end)| {
            let run_end = self.runs.get(index).copied().unwrap_or(record + 1).min(len);
            let kind = self.kinds.get(index).copied().unwrap_or(Kind::Text as u8);
            let value = (record..run_end, kind, &bytes[start..*end as usize]);
            (start, record) = (*end as usize, run_end);
            value
        })
    }

    fn bytes<'a>(&'a self, arena: &'a [u8]) -> &'a [u8] {
        match &self.text {
            Text::Own(bytes) => bytes,
            Text::Arena(range) => &arena[range.clone()],
        }
    }
}

/// Puts a column together, value by value.
#[derive(Debug, Default)]
pub(crate) struct Builder {
    text: Vec<u8>,
    ends: Vec<u32>,
    kinds: Vec<u8>,
    runs: Vec<u32>,
    /// Absent values at the beginning that are not in the columns yet: many fields are in no record at all.
    leading: usize,
    /// Kinds that are not text, and kinds that are not absent.
    others: usize,
    present: usize,
}

impl Builder {
    pub fn push(&mut self, kind: Kind, text: &str) {
        self.push_raw(kind as u8, text.as_bytes());
    }

    /// The record has no such field.
    pub fn push_absent(&mut self) {
        if self.ends.is_empty() {
            self.leading += 1;
        } else {
            self.push_raw(Kind::Absent as u8, b"");
        }
    }

    /// Puts the leading absent values in their place.
    fn lead(&mut self) {
        let leading = std::mem::take(&mut self.leading);
        if leading > 0 {
            self.ends.resize(leading, 0);
            self.kinds.resize(leading, Kind::Absent as u8);
            self.others += leading;
        }
    }

    /// The bytes of a value are valid UTF-8, and none for absent and null.
    pub fn push_raw(&mut self, kind: u8, bytes: &[u8]) {
        self.lead();
        self.text.extend_from_slice(bytes);
        self.ends.push(self.text.len() as u32);
        self.kinds.push(kind);
        self.others += usize::from(kind != Kind::Text as u8);
        self.present += usize::from(kind != Kind::Absent as u8);
    }

    /// The text that `write` appends; false, and nothing is pushed, if it says so.
    pub fn push_written(&mut self, write: impl FnOnce(&mut Vec<u8>) -> bool) -> bool {
        self.lead();
        let start = self.text.len();
        let is_written = write(&mut self.text);
        if is_written {
            self.ends.push(self.text.len() as u32);
            self.kinds.push(Kind::Text as u8);
            self.present += 1;
        } else {
            self.text.truncate(start);
        }
        is_written
    }

    /// The same value again as value `index`.
    pub fn push_again(&mut self, index: usize) {
        self.lead();
        let start = if index == 0 { 0 } else { self.ends[index - 1] as usize };
        let copy = self.text[start..self.ends[index] as usize].to_vec();
        self.push_raw(self.kinds[index], &copy);
    }

    /// The last value holds for `records` records. Call it after each value, or never.
    pub fn end_run(&mut self, records: u32) {
        self.lead();
        self.runs.push(self.runs.last().copied().unwrap_or(0) + records);
    }

    /// The column, as short as it can be said.
    pub fn finish(mut self) -> Column {
        self.lead();
        if self.present == 0 && self.ends.len() > 1 {
            let records = self.runs.last().copied().unwrap_or(self.ends.len() as u32);
            (self.ends, self.kinds, self.runs) = (vec![0], vec![Kind::Absent as u8], vec![records]);
        }
        if self.others == 0 {
            self.kinds.clear();
        }
        Column { text: Text::Own(self.text), ends: self.ends, kinds: self.kinds, runs: self.runs }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn column(values: &[(u8, String)], runs: &[u32]) -> Column {
        let mut builder = Builder::default();
        for (index, (kind, text)) in values.iter().enumerate() {
            builder.push_raw(*kind, text.as_bytes());
            if let Some(records) = runs.get(index) {
                builder.end_run(*records);
            }
        }
        builder.finish()
    }

    /// Each record's value, as a plugin would read it.
    fn read(column: &Column, arena: &[u8], len: usize) -> Vec<(u8, Vec<u8>)> {
        let view = column.view(arena);
        let mut records = Vec::new();
        for (index, end) in view.ends.iter().enumerate() {
            let start = if index == 0 { 0 } else { view.ends[index - 1] };
            let kind = if view.kinds.is_empty() { 2 } else { view.kinds[index] };
            let until = if view.runs.is_empty() { index + 1 } else { view.runs[index] as usize };
            while records.len() < until {
                records.push((kind, view.text[start as usize..*end as usize].to_vec()));
            }
        }
        assert_eq!(records.len(), len, "{column:?}");
        records
    }

    fn values() -> impl Strategy<Value = Vec<((u8, String), u32, bool)>> {
        let value =
            prop_oneof![Just((0, String::new())), "[a-z]{0,3}".prop_map(|text| (2, text)), Just((3, "1".into()))];
        prop::collection::vec((value, 1..4u32, any::<bool>()), 1..20)
    }

    proptest! {
        #[test]
        fn what_is_kept_reads_as_before(values in values(), in_runs: bool, drop_bits: u64) {
            let pairs: Vec<_> = values.iter().map(|(value, ..)| value.clone()).collect();
            let runs: Vec<_> = if in_runs { values.iter().map(|(_, run, _)| *run).collect() } else { Vec::new() };
            let len = if in_runs { runs.iter().sum::<u32>() } else { pairs.len() as u32 };
            let drops: Vec<u32> = (0..len).filter(|record| drop_bits >> (record % 64) & 1 == 1).collect();
            let whole = column(&pairs, &runs);
            let mut expect = read(&whole, b"", len as usize);
            let mut record = 0;
            expect.retain(|_| { record += 1; !drops.contains(&(record - 1)) });
            prop_assert_eq!(read(&whole.without(&drops, len, b""), b"", expect.len()), expect);
        }
    }

    #[test]
    fn texts_in_the_arena_are_not_copied_until_one_is_dropped() {
        let column = Column::in_arena(2..8, vec![3, 5, 6]);
        let arena = b"??abcdef";
        let kept = column.without(&[1], 3, arena);
        assert_eq!(read(&column, arena, 3)[1], (2, b"de".to_vec()));
        assert_eq!(read(&kept, b"", 2), [(2, b"abc".to_vec()), (2, b"f".to_vec())]);
    }

    #[test]
    fn a_field_that_no_record_has_is_one_run() {
        let absent = || (0, String::new());
        let column = column(&[absent(), absent(), absent()], &[]);
        assert_eq!((column.ends.as_slice(), column.runs.as_slice()), (&[0][..], &[3][..]));
    }
}
