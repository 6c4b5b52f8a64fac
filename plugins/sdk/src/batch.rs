//! The batch as it crossed the boundary, seen through the fields.
use std::cell::{Cell, OnceCell};
use std::ops::Range;

use crate::bindings::sluice::plugin::batches;
use crate::record::{Field, Record, Value};

/// What [`Batch::sift`] shows at a time: 64 bytes at which something may begin, and the 16 that follow them.
pub type Window = [u8; SPAN + 16];

const SPAN: usize = 64;

/// The records of one call. Looking at them allocates nothing.
pub struct Batch<'a> {
    len: usize,
    pub(crate) now: u64,
    pub(crate) times: &'a [u64],
    columns: Vec<Column<'a>>,
    /// Whether no column says of several records at once that they are alike.
    each: bool,
}

impl<'a> Batch<'a> {
    pub(crate) fn new(batch: &'a batches::Batch) -> Self {
        Self {
            len: batch.len as usize,
            now: batch.now,
            times: &batch.times,
            columns: batch.columns.iter().map(Column::new).collect(),
            each: !batch.times.is_empty() || batch.columns.iter().any(|column| column.runs.is_empty()),
        }
    }

    /// How many records there are: at least one.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.len
    }

    /// The records in whose field something may begin, ascending. `may_begin` says whether it may at any of the first
    /// 64 bytes of a window, by looking at no more than the 16 that follow. All values are looked at as one text, so
    /// that the compiler can make vector instructions of a loop over the window; a window may reach over into the next
    /// record, and is filled up with zeros at the end. So this finds too much, never too little: look again.
    #[inline]
    pub fn sift(&self, field: Field, may_begin: impl Fn(&Window) -> bool) -> Vec<usize> {
        let mut found = Vec::new();
        let Some(column) = self.column(field) else { return found };
        let mut value = 0;
        for start in (0..column.bytes.len()).step_by(SPAN) {
            let rest = &column.bytes[start..];
            let held = match rest.first_chunk() {
                Some(window) => may_begin(window),
                None => may_begin(&filled_up(rest)),
            };
            if held {
                value = column.append_records(value, start..start + SPAN, &mut found);
            }
        }
        found
    }

    #[inline]
    pub(crate) fn record(&'a self, index: usize) -> Record<'a> {
        Record { batch: self, index }
    }

    /// The first record after `start` that may differ from record `start` in a field, as far as runs tell.
    /// With `times` every record differs.
    #[inline]
    pub(crate) fn alike_until(&self, start: usize) -> usize {
        if self.each {
            return start + 1;
        }
        let ends = self.columns.iter().map(|column| column.run_end(start));
        ends.min().unwrap_or(self.len).clamp(start + 1, self.len)
    }

    /// Whether the values of `record` are those of the record before it: then what was said of that holds for it too.
    #[inline]
    pub(crate) fn is_as_before(&self, record: usize) -> bool {
        record > 0 && self.times.is_empty() && self.columns.iter().all(|column| column.is_as_before(record))
    }

    #[inline]
    pub(crate) fn column(&self, field: Field) -> Option<&Column<'a>> {
        self.columns.get(field.0)
    }
}

fn filled_up(rest: &[u8]) -> Window {
    let mut window = [0; SPAN + 16];
    window[..rest.len()].copy_from_slice(rest);
    window
}

/// One field of every record.
pub(crate) struct Column<'a> {
    bytes: &'a [u8],
    /// `bytes`, checked once for all values; a check of each would cost more than the rest. `None` if some value is
    /// no text: then each is checked by itself, so that only that one is absent.
    text: OnceCell<Option<&'a str>>,
    ends: &'a [u32],
    kinds: &'a [u8],
    runs: &'a [u32],
    /// The run of the record that was looked at last: records are looked at in order.
    run: Cell<usize>,
}

impl<'a> Column<'a> {
    fn new(column: &'a batches::Column) -> Self {
        Self {
            bytes: &column.text,
            text: OnceCell::new(),
            ends: &column.ends,
            kinds: &column.kinds,
            runs: &column.runs,
            run: Cell::new(0),
        }
    }

    #[inline]
    pub fn value(&self, record: usize) -> Value<'a> {
        let at = self.position(record);
        match self.kinds.get(at).copied() {
            // No kinds at all: every value is a text.
            None | Some(2) => self.slice(at).map_or(Value::Absent, Value::Text),
            Some(1) => Value::Null,
            Some(3) => self.slice(at).map_or(Value::Absent, Value::Number),
            Some(4) => self.slice(at).map_or(Value::Absent, |literal| Value::Boolean(literal == "true")),
            Some(5) => self.slice(at).map_or(Value::Absent, Value::Object),
            Some(6) => self.slice(at).map_or(Value::Absent, Value::Array),
            Some(_) => Value::Absent,
        }
    }

    /// Appends the records whose values have a byte in `bytes`, beginning with value `from`, and returns the value
    /// after them.
    #[cold]
    fn append_records(&self, from: usize, bytes: Range<usize>, found: &mut Vec<usize>) -> usize {
        let (mut at, ends) = (from, self.ends);
        at += ends.get(at..).unwrap_or_default().partition_point(|end| *end as usize <= bytes.start);
        while at < ends.len() && (at == 0 || (ends[at - 1] as usize) < bytes.end) {
            let run = |value: usize| self.runs.get(value).map_or(value + 1, |end| *end as usize);
            found.extend(if at == 0 { 0 } else { run(at - 1) }..run(at));
            at += 1;
        }
        at
    }

    /// Whether `record`, which is not the first, has the value of the one before it.
    #[inline]
    fn is_as_before(&self, record: usize) -> bool {
        // One value for all of them, as for a field that no record has.
        if self.ends.len() == 1 {
            return true;
        }
        let at = self.position(record);
        let begins_run = self.runs.is_empty() || at > 0 && self.runs.get(at - 1) == Some(&(record as u32));
        if !begins_run {
            return true;
        }
        let Some(before) = at.checked_sub(1) else { return true };
        let end = |at: usize| self.ends.get(at).map(|end| *end as usize);
        let start = before.checked_sub(1).map_or(Some(0), end);
        let (Some(start), Some(middle), Some(end)) = (start, end(before), end(at)) else { return false };
        middle.wrapping_sub(start) == end.wrapping_sub(middle)
            && self.kinds.get(before) == self.kinds.get(at)
            && self.bytes.get(start..middle) == self.bytes.get(middle..end)
    }

    /// The first record after the run of `record`.
    #[inline]
    fn run_end(&self, record: usize) -> usize {
        if self.runs.is_empty() {
            return record + 1;
        }
        self.runs.get(self.position(record)).map_or(record + 1, |end| *end as usize)
    }

    /// Which value holds for `record`.
    #[inline]
    fn position(&self, record: usize) -> usize {
        if self.runs.is_empty() {
            return record;
        }
        let last = self.run.get();
        let passed = last > 0 && self.runs.get(last - 1).is_some_and(|end| *end as usize > record);
        let from = if passed { 0 } else { last };
        let ahead = self.runs.get(from..).unwrap_or_default();
        let run = from + ahead.iter().take_while(|end| **end as usize <= record).count();
        self.run.set(run);
        run
    }

    #[inline]
    fn slice(&self, at: usize) -> Option<&'a str> {
        let start = if at == 0 { 0 } else { *self.ends.get(at - 1)? as usize };
        let end = *self.ends.get(at)? as usize;
        match self.text.get_or_init(|| std::str::from_utf8(self.bytes).ok()) {
            Some(text) => text.get(start..end),
            None => std::str::from_utf8(self.bytes.get(start..end)?).ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sifting_finds_every_record_that_has_it() {
        let values = |count: usize, size: usize, marked: &[usize]| -> Vec<String> {
            let value = |i| if marked.contains(&i) { format!("{}!", "a".repeat(size)) } else { "b".repeat(size) };
            (0..count).map(value).collect()
        };
        for (values, runs, expect) in [
            (values(3, 191, &[1]), vec![], vec![1, 2]),
            (values(3, 0, &[2]), vec![], vec![2]),
            (values(40, 2, &[]), vec![], vec![]),
            (values(2, 63, &[0, 1]), vec![], vec![0, 1]),
            (values(2, 64, &[0]), vec![], vec![0, 1]),
            (values(3, 191, &[0, 2]), vec![2, 3, 7], vec![0, 1, 3, 4, 5, 6]),
            (vec![], vec![], vec![]),
        ] {
            let text = values.concat().into_bytes();
            let ends = values.iter().scan(0, |end, value| {
                *end += value.len() as u32;
                Some(*end)
            });
            let column = batches::Column { text, ends: ends.collect(), kinds: Vec::new(), runs };
            let batch = batches::Batch { len: 7, now: 0, times: Vec::new(), columns: vec![column] };
            let found = Batch::new(&batch).sift(Field(0), |window| window[..SPAN].contains(&b'!'));
            assert_eq!(found, expect, "{values:?}");
        }
    }

    #[test]
    fn a_value_that_is_no_text_is_absent_and_the_others_are_not() {
        // The third value is no text; `é` is, but not its two halves.
        for (text, expect) in [
            (&b"ab\xffc"[..], [Value::Text("a"), Value::Text("b"), Value::Absent, Value::Text("c")]),
            ("ab\u{e9}".as_bytes(), [Value::Text("a"), Value::Text("b"), Value::Absent, Value::Absent]),
        ] {
            let (kinds, runs) = (Vec::new(), Vec::new());
            let column = batches::Column { text: text.to_vec(), ends: vec![1, 2, 3, 4], kinds, runs };
            let column = Column::new(&column);
            assert_eq!([0, 1, 2, 3].map(|record| column.value(record)), expect, "{text:?}");
        }
    }
}
