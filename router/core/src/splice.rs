//! Edits written into JSON, without taking apart or writing again what they do not touch.
//!
//! An object that an edit leads into is walked over once, whatever the number of edits.

mod members;
mod object;

use crate::{Edit, Edits, ValueKind, json::is_shallow};
use object::{New, Object};

/// Appends the document to `out` with the edits of the record at `record` made, in their order. Of a document without
/// edits that take effect, every byte stays; of any other, every byte outside of the members that are edited.
///
/// A path finds a field by literal keys that are joined with dots first, the longest first, and then in objects (not
/// in texts). A value that is found is replaced or removed; for one that is not, the objects that are missing are made,
/// and it is added behind the last member of the innermost one that is there. Of keys that an object has twice, the
/// later ones on the way are removed.
///
/// Where an essential path is blocked, what is in its way is removed. An edit is blocked, and counted by its path, where it leads through something that is no object, or where a field
/// that was not found may be in the part of an object that is broken; so is every edit of what is no object, or nested
/// deeper than [`crate::json::DEEPEST`].
pub(crate) fn splice(document: &[u8], edits: &Edits, record: usize, out: &mut Vec<u8>) {
    write(document, edits, record, out, |edit| edits.path(edit).blocked().add(1));
}

/// As the document will be when its edits are made; to look at, so nothing is counted.
pub fn preview(document: &[u8], edits: &Edits, record: usize, out: &mut Vec<u8>) {
    write(document, edits, record, out, |_| ());
}

fn write(document: &[u8], edits: &Edits, record: usize, out: &mut Vec<u8>, blocked: impl Fn(&Edit)) {
    let mut object = is_shallow(document).then(|| Object::scan(document)).flatten();
    for edit in edits.of(record) {
        if !is_made(edits, edit, object.as_mut()) {
            blocked(edit);
        }
    }
    match object {
        Some(object) => object.append(out),
        None => out.extend_from_slice(document),
    }
}

fn is_made<'a>(edits: &'a Edits, edit: &Edit, object: Option<&mut Object<'a>>) -> bool {
    let Some(object) = object else { return false };
    let (path, new) = (edits.path(edit), New { kind: edit.kind, bytes: edits.value(edit) });
    let is_made = object.edit(path.keys(), new);
    if !is_made && path.is_essential() && edit.kind != ValueKind::Absent {
        // What must be hidden lies in what is in the way.
        let gone = New { kind: ValueKind::Absent, bytes: b"" };
        let _ = (1..path.keys().len()).rev().any(|count| object.edit(&path.keys()[..count], gone));
    }
    is_made
}

/// The members that the encoder writes for a line; all that an origin's object has are among them.
const WRITTEN: [&str; 8] = ["log", "log_raw", "log_truncated", "stream", "docker", "kubernetes", "time", "tag"];

/// The edits of a line that can be made while it is encoded, with the result of [`splice`] afterwards.
#[derive(Debug, Default)]
pub(crate) struct LineEdits<'a> {
    log: Option<New<'a>>,
    without_raw: bool,
    added: Object<'a>,
}

impl<'a> LineEdits<'a> {
    /// `None` if there are others: then nothing is made or counted.
    pub fn of(edits: &'a Edits, record: usize) -> Option<Self> {
        let is_easy = |edit: &Edit| match edits.path(edit).keys() {
            [key] if key == "log" => edit.kind != ValueKind::Absent,
            [key] if key == "log_raw" => edit.kind == ValueKind::Absent,
            keys => !WRITTEN.contains(&keys[0].as_str()),
        };
        edits.of(record).all(is_easy).then(|| {
            let mut line = Self::default();
            edits.of(record).for_each(|edit| line.make(edits, edit));
            line
        })
    }

    fn make(&mut self, edits: &'a Edits, edit: &Edit) {
        match edits.path(edit).keys()[0].as_str() {
            "log" => self.log = Some(New { kind: edit.kind, bytes: edits.value(edit) }),
            "log_raw" => self.without_raw = true,
            _ if is_made(edits, edit, Some(&mut self.added)) => {}
            _ => edits.path(edit).blocked().add(1),
        }
    }

    /// Appends the value of `log`, if it is edited.
    pub fn append_log(&self, out: &mut Vec<u8>) -> bool {
        self.log.inspect(|new| new.append(out)).is_some()
    }

    /// Whether `log_raw` is not to be written.
    pub fn without_raw(&self) -> bool {
        self.without_raw
    }

    /// Appends the members that come last, each with a comma before it.
    pub fn append_added(&self, out: &mut Vec<u8>) {
        self.added.append_added(false, out);
    }
}

#[cfg(test)]
mod tests;
