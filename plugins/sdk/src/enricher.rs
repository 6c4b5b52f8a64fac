//! Plugins that set and remove fields.
use std::fmt::{self, Arguments};

use crate::batch::Batch;
use crate::bindings::enricher;
use crate::config::Config;
use crate::record::{Record, Value};

/// A plugin that sets and removes fields.
pub trait Enricher: Sized {
    /// Reads the options, and says which fields are read and which are written. An error is shown to whoever wrote the
    /// configuration.
    fn configure(config: &mut Config) -> Result<Self, String>;

    /// Which records may need an edit, ascending; `None` for all. Worth writing where most records need none, and
    /// [`Batch::sift`] can tell for all of them at once.
    fn candidates(&self, batch: &Batch) -> Option<Vec<usize>> {
        let _ = batch;
        None
    }

    /// Says what changes in the record. It depends on nothing but the record and the options (hence `&self`): for
    /// records that are alike in all fields that are read, it is asked for once, and its edits hold for all of them.
    fn enrich(&self, record: &Record, edits: &mut Edits);
}

/// A field that the plugin may set, from [`Config::write`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target(pub(crate) u32);

/// What changes in the record that [`Enricher::enrich`] looks at. Of several edits of one field only the last is made.
#[derive(Debug)]
pub struct Edits {
    start: u32,
    end: u32,
    /// Where the record's edits begin, and their bytes.
    first: usize,
    arena: usize,
    /// Where the edits of the records before begin.
    before: usize,
    answer: enricher::Edits,
}

impl Edits {
    /// Sets the field to these characters.
    pub fn set_text(&mut self, target: Target, text: &str) {
        self.push(target, 2, text);
    }

    /// Sets the field to a number; to null if that is no finite one.
    pub fn set_number(&mut self, target: Target, number: f64) {
        if number.is_finite() { self.push_written(target, format_args!("{number}")) } else { self.set_null(target) }
    }

    /// Sets the field to a whole number.
    pub fn set_integer(&mut self, target: Target, number: i64) {
        self.push_written(target, format_args!("{number}"));
    }

    pub fn set_bool(&mut self, target: Target, boolean: bool) {
        self.push(target, 4, if boolean { "true" } else { "false" });
    }

    pub fn set_null(&mut self, target: Target) {
        self.push(target, 1, "");
    }

    /// Removes the field, if the record has it.
    pub fn remove(&mut self, target: Target) {
        self.push(target, 0, "");
    }

    /// Sets the field to a value, such as one that was read: numbers keep their digits, objects and arrays their
    /// spelling. What is not JSON of the kind that it says is refused by the host, and the whole answer with it.
    /// An absent value removes the field.
    pub fn set(&mut self, target: Target, value: Value) {
        match value {
            Value::Absent => self.remove(target),
            Value::Null => self.set_null(target),
            Value::Text(text) => self.set_text(target, text),
            Value::Number(literal) => self.push(target, 3, literal),
            Value::Boolean(boolean) => self.set_bool(target, boolean),
            Value::Object(json) => self.push(target, 5, json),
            Value::Array(json) => self.push(target, 6, json),
        }
    }

    fn push(&mut self, target: Target, kind: u8, bytes: &str) {
        let at = self.answer.arena.len();
        self.answer.arena.extend_from_slice(bytes.as_bytes());
        self.push_from(target, kind, at);
    }

    /// A number, written where it will cross.
    fn push_written(&mut self, target: Target, number: Arguments) {
        let at = self.answer.arena.len();
        // Writing into memory does not fail.
        let _ = fmt::write(&mut Arena(&mut self.answer.arena), number);
        self.push_from(target, 3, at);
    }

    /// An edit whose bytes are those of the arena behind `at`.
    fn push_from(&mut self, target: Target, kind: u8, at: usize) {
        let enricher::Edits { changes, arena } = &mut self.answer;
        let (at, size) = (at as u32, (arena.len() - at) as u32);
        let edit = enricher::Edit { start: self.start, end: self.end, field: target.0, kind, at, size };
        match changes[self.first..].iter_mut().find(|earlier| earlier.field == target.0) {
            Some(earlier) => *earlier = edit,
            None => changes.push(edit),
        }
    }

    /// Turns to the records from `start` to `end`.
    fn begin(&mut self, start: usize, end: usize) {
        (self.start, self.end) = (start as u32, end as u32);
        (self.first, self.arena) = (self.answer.changes.len(), self.answer.arena.len());
    }

    /// What the records before got, the ones up to `end` get as well.
    fn extend(&mut self, start: usize, end: usize) {
        let last = self.answer.changes[self.before..].iter_mut();
        last.filter(|edit| edit.end == start as u32).for_each(|edit| edit.end = end as u32);
    }

    /// Where the edits are those of the records before, these hold for more records: what is the same crosses once.
    fn settle(&mut self) {
        let enricher::Edits { changes, arena } = &mut self.answer;
        let (before, own) = changes[self.before..].split_at_mut(self.first - self.before);
        if own.is_empty() {
            return;
        }
        let value = |edit: &enricher::Edit| &arena[edit.at as usize..][..edit.size as usize];
        let is_again = |(old, new): (&enricher::Edit, &enricher::Edit)| {
            old.end == new.start && old.field == new.field && old.kind == new.kind && value(old) == value(new)
        };
        if before.len() == own.len() && before.iter().zip(&*own).all(is_again) {
            before.iter_mut().for_each(|edit| edit.end = self.end);
            changes.truncate(self.first);
            arena.truncate(self.arena);
        } else {
            self.before = self.first;
        }
    }
}

/// Takes what is written as bytes.
struct Arena<'a>(&'a mut Vec<u8>);

impl fmt::Write for Arena<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

/// The edits that `enricher` makes in a batch.
pub(crate) fn edits<'a>(enricher: &impl Enricher, batch: &'a Batch<'a>) -> enricher::Edits {
    let answer = enricher::Edits { changes: Vec::new(), arena: Vec::new() };
    let mut edits = Edits { start: 0, end: 0, first: 0, arena: 0, before: 0, answer };
    // `asked` is the end of the records that were asked about last.
    let mut ask = |start: usize, asked: usize| {
        let end = batch.alike_until(start);
        if start == asked && batch.is_as_before(start) {
            edits.extend(start, end);
        } else {
            edits.begin(start, end);
            enricher.enrich(&batch.record(start), &mut edits);
            edits.settle();
        }
        end
    };
    let mut start = 0;
    match enricher.candidates(batch) {
        None => {
            while start < batch.len() {
                start = ask(start, start);
            }
        }
        Some(candidates) => candidates.into_iter().for_each(|candidate| {
            if (start..batch.len()).contains(&candidate) {
                start = ask(candidate, start);
            }
        }),
    }
    edits.answer
}
