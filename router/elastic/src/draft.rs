//! A bulk that is being filled.

use std::{ops::Range, sync::Arc};

use sluice_core::Record;
use tokio::time::Instant;

use crate::{
    bulk::{Bulk, Item, Patch, Share},
    moment::{self, Clock},
    names::Names,
    pending::Pending,
    room::{Held, Room},
    scan::{Defect, Members, Scanner},
};

/// Larger documents are refused unseen, so that offsets in a body fit 32 bits. No index takes such a request: its
/// limit is 100 MB unless it was raised.
const LARGEST: usize = 1 << 30;
const STAMP: &[u8] = b"\"@timestamp\":\"";

/// Body and items so far.
#[derive(Debug)]
pub struct Draft {
    body: Vec<u8>,
    items: Vec<Item>,
    shares: Vec<Share>,
    aside: Vec<u8>,
    held: Held,
    /// When the first document came.
    opened: Option<Instant>,
}

impl Draft {
    pub fn new(room: &Arc<Room>) -> Self {
        let held = Held::none(room);
        Self { body: Vec::new(), items: Vec::new(), shares: Vec::new(), aside: Vec::new(), held, opened: None }
    }

    /// When the first document came; `None` while there is none.
    pub fn opened(&self) -> Option<Instant> {
        self.opened
    }

    /// Bytes that the draft holds.
    pub fn len(&self) -> usize {
        self.body.len() + self.aside.len()
    }

    /// Moves documents from `pending` into the draft until they are all in or the next would grow it beyond `limit`
    /// bytes. The first document of a draft goes in whatever its size. Broken ones are put apart in `pending`.
    pub fn fill(&mut self, writer: &mut Writer, pending: &mut Pending, limit: usize) {
        let share = self.shares.len() as u32;
        let mut count = 0;
        while let Some((record, document)) = pending.peek() {
            let index = pending.index();
            if !self.items.is_empty() && self.len() + writer.needs(document, pending.topic(), index.as_deref()) > limit
            {
                break;
            }
            match writer.append(self, share, record, document, pending.topic(), index.as_deref()) {
                Ok(()) => {
                    count += 1;
                    pending.advance();
                }
                Err(unfit) => pending.advance_broken(unfit),
            }
        }
        if count > 0 {
            self.shares.push(Share { receipt: pending.share(count), place: pending.place().clone() });
            self.opened.get_or_insert_with(Instant::now);
        }
        self.held.set(self.len());
    }

    /// Takes what is there, and leaves an empty draft.
    pub fn take(&mut self, room: &Arc<Room>) -> Option<Bulk> {
        self.opened?;
        // The next one will be about as large: its body need not be moved while it grows.
        let next = Self { body: Vec::with_capacity(self.body.len()), ..Self::new(room) };
        let Self { body, items, shares, aside, held, .. } = std::mem::replace(self, next);
        Some(Bulk { body: body.into(), items, shares, aside: aside.into(), held })
    }
}

/// Why a document goes into no bulk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unfit {
    Broken(Defect),
    /// The index that it was named for is not followed, and it must not go elsewhere instead.
    Index(String),
}

/// Writes documents into drafts.
#[derive(Debug)]
pub struct Writer {
    names: Names,
    clock: Clock,
    scanner: Scanner,
    tag: Option<TagKey>,
}

/// The member that gets the topic's name.
#[derive(Debug)]
struct TagKey {
    name: String,
    /// `,"name":`
    appended: Vec<u8>,
}

impl Writer {
    /// `tag_key` is the member that gets the topic's name.
    pub fn new(names: Names, tag_key: Option<String>) -> Self {
        let tag = tag_key.map(|name| {
            let mut appended = b",".to_vec();
            sluice_core::encode::append_string(&name, &mut appended);
            appended.push(b':');
            TagKey { name, appended }
        });
        Self { names, clock: Clock::default(), scanner: Scanner::default(), tag }
    }

    /// At most how many bytes a document makes.
    fn needs(&self, document: &[u8], topic: Option<&[u8]>, index: Option<&str>) -> usize {
        let tag = self.tag.as_ref().map_or(0, |tag| tag.appended.len()) + topic.map_or(0, <[u8]>::len);
        // Twice the document: all of it may have to be kept aside.
        // What has no escapes in JSON but its own length; a name with others is refused.
        let action = self.names.longest_action() + index.map_or(0, str::len);
        action + STAMP.len() + moment::WRITTEN + 3 + tag + 2 * document.len()
    }

    /// Appends the action and the document, or nothing if it is unfit.
    fn append(
        &mut self,
        draft: &mut Draft,
        share: u32,
        record: &Record,
        document: &[u8],
        topic: Option<&[u8]>,
        index: Option<&str>,
    ) -> Result<(), Unfit> {
        if document.len() > LARGEST {
            return Err(Unfit::Broken(Defect { offset: LARGEST, what: "larger than any index takes" }));
        }
        index.map_or(Ok(()), |index| self.names.check(index)).map_err(Unfit::Index)?;
        // Without a topic there is nothing to put under the key.
        let tag = self.tag.as_ref().zip(topic);
        let members = self.scanner.scan(document, tag.map(|(key, _)| key.name.as_str())).map_err(Unfit::Broken)?;
        let moment = moment::of(document, &members, record);
        let start = draft.body.len();
        match index {
            None => self.names.append_action(moment, record.id, &mut draft.body),
            Some(index) => self.names.append_action_for(index, moment, record.id, &mut draft.body),
        }
        let line = draft.body.len();
        draft.body.extend_from_slice(&document[..=members.open]);
        let stamp = append_stamp(&mut self.clock, &members, moment, &mut draft.body);
        let rest = members.open + 1;
        let patch = match tag {
            None => {
                draft.body.extend_from_slice(&document[rest..]);
                None
            }
            Some((key, topic)) => Some(append_tagged(draft, line, document, rest, &members, key, topic)),
        };
        let patch = if is_plain(document, &members) { patch } else { Some(keep_whole(draft, line, document)) };
        let stamp = if is_plain(document, &members) { stamp } else { 0 };
        draft.body.push(b'\n');
        draft.items.push(Item {
            start: start as u32,
            line: line as u32,
            end: draft.body.len() as u32,
            stamp,
            patch,
            share,
            position: record.position,
            id: record.id,
            moment,
        });
        Ok(())
    }
}

/// Writes `"@timestamp":"…",` where the document has none; its length.
fn append_stamp(clock: &mut Clock, members: &Members, moment: u64, body: &mut Vec<u8>) -> u32 {
    if members.timestamp.is_some() {
        return 0;
    }
    let start = body.len();
    body.extend_from_slice(STAMP);
    clock.append(moment, body);
    body.push(b'"');
    if !members.is_empty {
        body.push(b',');
    }
    (body.len() - start) as u32
}

/// Writes the document from `rest` on with the topic under the key; the patch undoes it.
fn append_tagged(
    draft: &mut Draft,
    line: usize,
    document: &[u8],
    rest: usize,
    members: &Members,
    key: &TagKey,
    topic: &[u8],
) -> Patch {
    let (replaced, name) = match &members.tag {
        Some(value) => (value.clone(), &b""[..]),
        // Never the object's first member: by now it has an `@timestamp`.
        None => (members.close..members.close, key.appended.as_slice()),
    };
    draft.body.extend_from_slice(&document[rest..replaced.start]);
    let written = draft.body.len() - line;
    draft.body.extend_from_slice(name);
    draft.body.extend_from_slice(topic);
    let written = written..draft.body.len() - line;
    draft.body.extend_from_slice(&document[replaced.end..]);
    patch(written, &mut draft.aside, &document[replaced])
}

/// Whether the line alone tells how the document came.
fn is_plain(document: &[u8], members: &Members) -> bool {
    members.open == 0 && members.close + 1 == document.len() && !members.has_lines
}

/// Makes one line of a document that has several, and keeps it as it came.
fn keep_whole(draft: &mut Draft, line: usize, document: &[u8]) -> Patch {
    for byte in &mut draft.body[line..] {
        // Outside of strings only, where they are white space: inside they would have been a defect.
        if matches!(byte, b'\n' | b'\r') {
            *byte = b' ';
        }
    }
    patch(0..draft.body.len() - line, &mut draft.aside, document)
}

fn patch(written: Range<usize>, aside: &mut Vec<u8>, original: &[u8]) -> Patch {
    let start = aside.len();
    aside.extend_from_slice(original);
    Patch { written: written.start as u32..written.end as u32, original: start as u32..aside.len() as u32 }
}

#[cfg(test)]
#[path = "draft/tests.rs"]
mod tests;
