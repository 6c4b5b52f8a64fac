//! Edits written into JSON, without taking apart or writing again what they do not touch.
//!
//! An object that an edit leads into is walked over once, whatever the number of edits.

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
const WRITTEN: [&str; 10] =
    ["log", "log_raw", "log_truncated", "log_partial", "log_part", "stream", "docker", "kubernetes", "time", "tag"];

/// What an edit meets in the record of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InLine {
    /// The text.
    Text,
    /// The text's bytes as they were read.
    Raw,
    /// Another of what the encoder writes, or a part of it.
    Written,
    /// Nothing.
    New,
}

impl InLine {
    pub fn of(keys: &[String]) -> Self {
        match keys {
            [key] if key == "log" => Self::Text,
            [key] if key == "log_raw" => Self::Raw,
            keys if keys.first().is_some_and(|key| WRITTEN.contains(&key.as_str())) => Self::Written,
            _ => Self::New,
        }
    }
}

/// The edits of a line that can be made while it is encoded, with the result of [`splice`] afterwards.
#[derive(Debug, Default)]
pub(crate) struct LineEdits<'a> {
    log: Option<New<'a>>,
    without_raw: bool,
    added: Added<'a>,
}

/// What comes behind the members that the encoder writes.
#[derive(Debug, Default)]
enum Added<'a> {
    #[default]
    Nothing,
    /// Fields of the record itself, each set once: they stand as they come.
    Members(&'a Edits, usize),
    Object(Object<'a>),
}

impl<'a> LineEdits<'a> {
    /// `None` if there are others: then nothing is made or counted.
    pub fn of(edits: &'a Edits, record: usize) -> Option<Self> {
        let mut line = Self::default();
        for edit in edits.of(record) {
            match (edits.path(edit).in_line(), edit.kind) {
                (InLine::Text, kind) if kind != ValueKind::Absent => {
                    line.log = Some(New { kind, bytes: edits.value(edit) });
                }
                (InLine::Raw, ValueKind::Absent) => line.without_raw = true,
                (InLine::New, _) => line.added = Added::Members(edits, record),
                _ => return None,
            }
        }
        if matches!(line.added, Added::Members(..)) && !stand_alone(edits, new_of(edits, record)) {
            let mut object = Object::default();
            for edit in new_of(edits, record).filter(|edit| !is_made(edits, edit, Some(&mut object))) {
                edits.path(edit).blocked().add(1);
            }
            line.added = Added::Object(object);
        }
        Some(line)
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
        match &self.added {
            Added::Nothing => {}
            Added::Members(edits, record) => append_members(edits, *record, out),
            Added::Object(object) => object.append_added(false, out),
        }
    }
}

/// The edits of what the encoder does not write.
fn new_of(edits: &Edits, record: usize) -> impl Iterator<Item = &Edit> {
    edits.of(record).filter(|edit| edits.path(edit).in_line() == InLine::New)
}

/// Whether no two of these edits can have to do with each other: all are fields of the record itself, and each is set
/// once. Many are not compared.
fn stand_alone<'a>(edits: &'a Edits, others: impl Iterator<Item = &'a Edit>) -> bool {
    const MOST: usize = 16;
    let mut seen: [&str; MOST] = [""; MOST];
    others.enumerate().all(|(index, edit)| {
        let path = edits.path(edit);
        let is_new = index < MOST && path.member().is_some() && !seen[..index].contains(&path.dotted());
        if is_new {
            seen[index] = path.dotted();
        }
        is_new
    })
}

fn append_members(edits: &Edits, record: usize, out: &mut Vec<u8>) {
    for edit in new_of(edits, record).filter(|edit| edit.kind != ValueKind::Absent) {
        if let Some(member) = edits.path(edit).member() {
            out.extend_from_slice(member);
            New { kind: edit.kind, bytes: edits.value(edit) }.append(out);
        }
    }
}

#[cfg(test)]
mod tests;
