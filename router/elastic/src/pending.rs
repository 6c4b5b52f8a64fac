//! A batch on its way into bulks: its documents, and the receipt for those that are in none yet.

use std::{ops::Range, sync::Arc};

use sluice_core::{
    Batch, DeadLetter, Place, Receipt, Record, Shape,
    encode::{Encoding, append_string},
};

use crate::{reasons::Reasons, scan::Defect};

/// What is left of a batch.
#[derive(Debug)]
pub struct Pending {
    place: Arc<Place>,
    arena: Vec<u8>,
    records: Vec<Record>,
    /// Where the document of each record lies in `arena`.
    documents: Vec<Range<usize>>,
    /// The next record to go into a bulk.
    next: usize,
    receipt: Receipt,
    /// The topic's name as a JSON string; none for a file.
    topic: Option<Vec<u8>>,
    broken: Vec<(usize, Defect, Receipt)>,
}

impl Pending {
    /// Takes a batch apart; lines become documents by `encoding`.
    pub fn new(batch: Batch, encoding: Encoding) -> Self {
        let encoded = (batch.shape() == Shape::Lines).then(|| {
            let (mut arena, mut documents) = (Vec::with_capacity(batch.arena().len() * 2), Vec::new());
            for index in 0..batch.len() {
                let start = arena.len();
                encoding.append(&batch, index, &mut arena);
                documents.push(start..arena.len());
            }
            (arena, documents)
        });
        let parts = batch.into_parts();
        let (arena, documents) = encoded.unwrap_or_else(|| {
            let documents = parts.records.iter().map(|record| record.start as usize..record.end as usize).collect();
            (parts.arena, documents)
        });
        let topic = match &*parts.place {
            Place::File { .. } => None,
            Place::Partition { topic, .. } => {
                let mut quoted = Vec::new();
                append_string(topic, &mut quoted);
                Some(quoted)
            }
        };
        let (place, records, receipt) = (parts.place, parts.records, parts.receipt);
        Self { place, arena, records, documents, next: 0, receipt, topic, broken: Vec::new() }
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
        let range = self.documents.get(self.next)?;
        Some((&self.records[self.next], &self.arena[range.clone()]))
    }

    /// The next document is in a bulk, whose share of the receipt is taken by [`Pending::share`].
    pub fn advance(&mut self) {
        self.next += 1;
    }

    /// The share of `count` documents that went into one bulk.
    pub fn share(&mut self, count: u32) -> Receipt {
        self.receipt.split(count)
    }

    /// The next document is none.
    pub fn advance_broken(&mut self, defect: Defect) {
        self.broken.push((self.next, defect, self.receipt.split(1)));
        self.next += 1;
    }

    /// What was no document, byte for byte as it came.
    pub fn take_broken(&mut self, reasons: &Reasons) -> Vec<DeadLetter> {
        let broken = std::mem::take(&mut self.broken);
        let letter = |(index, defect, receipt): (usize, Defect, Receipt)| {
            let record: &Record = &self.records[index];
            let (reason, tally) = reasons.of("not_a_json_object", &self.place);
            DeadLetter {
                bytes: self.arena[self.documents[index].clone()].to_vec(),
                reason,
                detail: format!("{} at byte {}", defect.what, defect.offset),
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
