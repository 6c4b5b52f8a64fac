//! A batch on its way into bulks: its documents, and the receipt for those that are in none yet.

use std::{borrow::Cow, ops::Range, sync::Arc};

use sluice_core::{
    Batch, DeadLetter, Edits, Place, Receipt, Record, Route, Shape,
    batch::Parts,
    encode::{Encoding, append_string},
};

use crate::{draft::Unfit, reasons::Reasons};

/// What is left of a batch.
#[derive(Debug)]
pub struct Pending {
    place: Arc<Place>,
    /// The batch's arena.
    arena: Vec<u8>,
    /// The documents that are not as they came.
    encoded: Vec<u8>,
    records: Vec<Record>,
    documents: Vec<Document>,
    /// The next record to go into a bulk.
    next: usize,
    receipt: Receipt,
    /// The topic's name as a JSON string; none for a file.
    topic: Option<Vec<u8>>,
    /// With the indices that plugins named.
    edits: Option<Box<Edits>>,
    broken: Vec<(usize, Unfit, Receipt)>,
}

/// Where a record's document lies.
#[derive(Clone, Debug)]
enum Document {
    /// In the arena.
    AsRead(Range<usize>),
    /// Among those that were encoded.
    Encoded(Range<usize>),
}

impl Pending {
    /// Takes a batch apart. Lines and edited documents are encoded; other documents stay where they lie.
    pub fn new(batch: Batch, encoding: Encoding) -> Self {
        let is_line = batch.shape() == Shape::Lines;
        let mut encoded = Vec::with_capacity(if is_line { batch.arena().len() * 2 } else { 0 });
        let document = |(index, record): (usize, &Record)| {
            if !is_line && !batch.edits().is_some_and(|edits| edits.is_edited(index)) {
                return Document::AsRead(record.start as usize..record.end as usize);
            }
            let start = encoded.len();
            encoding.append(&batch, index, &mut encoded);
            Document::Encoded(start..encoded.len())
        };
        let documents = batch.records().iter().enumerate().map(document).collect();
        let Parts { place, arena, records, receipt, edits, .. } = batch.into_parts();
        let topic = match &*place {
            Place::File { .. } => None,
            Place::Partition { topic, .. } => {
                let mut quoted = Vec::new();
                append_string(topic, &mut quoted);
                Some(quoted)
            }
        };
        // What all lines were encoded from is not needed any more.
        let arena = if is_line { Vec::new() } else { arena };
        Self { place, arena, encoded, records, documents, next: 0, receipt, topic, edits, broken: Vec::new() }
    }

    pub fn place(&self) -> &Arc<Place> {
        &self.place
    }

    pub fn topic(&self) -> Option<&[u8]> {
        self.topic.as_deref()
    }

    pub fn is_done(&self) -> bool {
        self.next == self.documents.len()
    }

    /// The next record and its document.
    pub fn peek(&self) -> Option<(&Record, &[u8])> {
        let record = self.records.get(self.next)?;
        Some((record, self.document(self.next)))
    }

    /// The index that a plugin named for the next document.
    pub fn index(&self) -> Option<Cow<'_, str>> {
        self.edits.as_ref()?.route(self.next, Route::Index)
    }

    /// The next document is in a bulk, whose share of the receipt is taken by [`Pending::share`].
    pub fn advance(&mut self) {
        self.next += 1;
    }

    /// The share of `count` documents that went into one bulk.
    pub fn share(&mut self, count: u32) -> Receipt {
        self.receipt.split(count)
    }

    /// The next document goes into no bulk.
    pub fn advance_broken(&mut self, unfit: Unfit) {
        self.broken.push((self.next, unfit, self.receipt.split(1)));
        self.next += 1;
    }

    fn document(&self, index: usize) -> &[u8] {
        match &self.documents[index] {
            Document::AsRead(range) => &self.arena[range.clone()],
            Document::Encoded(range) => &self.encoded[range.clone()],
        }
    }

    /// What went into no bulk, byte for byte as it came, or as it was after its edits.
    pub fn take_broken(&mut self, reasons: &Reasons) -> Vec<DeadLetter> {
        let broken = std::mem::take(&mut self.broken);
        let letter = |(index, unfit, receipt): (usize, Unfit, Receipt)| {
            let record: &Record = &self.records[index];
            let (kind, detail) = match unfit {
                Unfit::Broken(defect) => ("not_a_json_object", format!("{} at byte {}", defect.what, defect.offset)),
                Unfit::Index(why) => ("index_not_allowed", why),
            };
            let (reason, tally) = reasons.of(kind, &self.place);
            DeadLetter {
                bytes: self.document(index).to_vec(),
                reason,
                detail,
                status: None,
                place: self.place.clone(),
                position: record.position,
                id: record.id,
                time: record.time,
                receipt,
                tally,
            }
        };
        broken.into_iter().map(letter).collect()
    }
}

#[cfg(test)]
mod tests {
    use sluice_core::{Edit, EditPath, Edits, Generation, Ledger, Tally, ValueKind};

    use super::*;
    use crate::scan::Defect;
    use crate::testing::{batch, documents};

    /// Sets `level` to 1 in the records at these indices.
    fn edited(mut batch: Batch, indices: &[usize]) -> Batch {
        let mut edits = Edits::new(batch.len());
        let path = edits.add_path(&Arc::new(EditPath::new(vec!["level".into()], Tally::default())));
        let at = edits.add_bytes(b"1");
        indices.iter().for_each(|index| edits.push(*index, Edit { path, kind: ValueKind::Number, at, size: 1 }));
        batch.set_edits(edits);
        batch
    }

    fn generation() -> Arc<Generation> {
        Generation::new(Arc::new(Ledger::default()))
    }

    #[test]
    fn edited_documents_are_encoded_and_others_stay_where_they_lie() {
        let generation = generation();
        for (indices, expected) in [
            (&[][..], [r#"{"n":0}"#, r#" {"level":9} "#, r#"{"n":2}"#]),
            (&[1], [r#"{"n":0}"#, r#" {"level":1} "#, r#"{"n":2}"#]),
            (&[0, 2], [r#"{"n":0,"level":1}"#, r#" {"level":9} "#, r#"{"n":2,"level":1}"#]),
        ] {
            let texts: [&[u8]; 3] = [br#"{"n":0}"#, br#" {"level":9} "#, br#"{"n":2}"#];
            let batch = edited(documents(&generation, 7, &texts), indices);
            let arena = batch.arena().as_ptr_range();
            let mut pending = Pending::new(batch, Encoding::default());
            for (index, expected) in expected.iter().enumerate() {
                let (record, document) = pending.peek().unwrap();
                assert_eq!((record.position, document), (7 + index as u64, expected.as_bytes()));
                assert_eq!(arena.contains(&document.as_ptr()), !indices.contains(&index));
                pending.advance();
            }
            assert!(pending.is_done() && pending.peek().is_none());
            pending.share(3).delivered();
        }
    }

    #[test]
    fn edited_lines_become_edited_documents() {
        let generation = generation();
        let place = Place::File { path: "f".into() };
        let batch = edited(batch(&generation, Shape::Lines, place, 0, &[b"a", b"b"]), &[1]);
        let mut pending = Pending::new(batch, Encoding::default());
        for expected in [r#"{"log":"a","stream":"stdout"}"#, r#"{"log":"b","stream":"stdout","level":1}"#] {
            assert_eq!(pending.peek().unwrap().1, expected.as_bytes());
            pending.advance();
        }
        pending.share(2).delivered();
    }

    #[test]
    fn what_is_no_document_is_buried_as_it_was_after_its_edits() {
        let generation = generation();
        let batch = edited(documents(&generation, 0, &[br#"{"level":9,"a":tru}"#, b"none", b"left"]), &[0, 1]);
        let mut pending = Pending::new(batch, Encoding::default());
        for _ in 0..3 {
            pending.advance_broken(Unfit::Broken(Defect { offset: 0, what: "a value was expected" }));
        }
        let letters = pending.take_broken(&Reasons::new(generation));
        let bytes: Vec<_> = letters.iter().map(|letter| String::from_utf8_lossy(&letter.bytes)).collect();
        assert_eq!(bytes, [r#"{"level":1,"a":tru}"#, "none", "left"]);
        letters.into_iter().for_each(|letter| letter.receipt.dead_lettered(&letter.tally));
    }
}
