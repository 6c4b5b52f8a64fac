//! A batch of records and the receipt for what was read: one value.

use std::{ops::Range, sync::Arc};

use crate::{Origin, Place, Receipt, Record, Tally};

/// What the bytes of a batch's records are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// The text of a log line, UTF-8, not escaped.
    Lines,
    /// A JSON object as it came from Kafka, not validated.
    Documents,
}

/// Records of one file or one partition, in the order they were read.
///
/// The receipt covers what was read. Filtering shrinks the batch and resolves the dropped part of the receipt, so
/// that `receipt.count() == records.len()` always holds. A batch that is dropped was not delivered.
#[derive(Debug)]
pub struct Batch {
    shape: Shape,
    place: Arc<Place>,
    arena: Vec<u8>,
    records: Vec<Record>,
    origins: Vec<Arc<Origin>>,
    receipt: Receipt,
}

impl Batch {
    /// Puts together what a source read.
    ///
    /// # Panics
    /// In builds with debug assertions, if the receipt does not count the records or a record lies outside of the
    /// arena or the origins: a source with that bug would lose data.
    pub fn new(
        shape: Shape,
        place: Arc<Place>,
        arena: Vec<u8>,
        records: Vec<Record>,
        origins: Vec<Arc<Origin>>,
        receipt: Receipt,
    ) -> Self {
        debug_assert_eq!(receipt.count() as usize, records.len());
        debug_assert!(records.iter().all(|r| r.start <= r.end && r.end <= r.raw_end));
        debug_assert!(records.iter().all(|r| r.raw_end as usize <= arena.len()));
        debug_assert!(records.iter().all(|r| (r.origin as usize) < origins.len()));
        Self { shape, place, arena, records, origins, receipt }
    }

    pub fn shape(&self) -> Shape {
        self.shape
    }

    pub fn place(&self) -> &Arc<Place> {
        &self.place
    }

    pub fn len(&self) -> usize {
        self.records.len()
    }

    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The bytes that all records share. Where no record was dropped or kept its raw bytes, the texts lie in it end
    /// to end in order, and it is the column of the text as it stands.
    pub fn arena(&self) -> &[u8] {
        &self.arena
    }

    pub fn records(&self) -> &[Record] {
        &self.records
    }

    pub fn origins(&self) -> &[Arc<Origin>] {
        &self.origins
    }

    pub fn origin(&self, record: &Record) -> &Arc<Origin> {
        &self.origins[record.origin as usize]
    }

    /// A line's text or a document's JSON.
    pub fn text(&self, record: &Record) -> &[u8] {
        &self.arena[record.start as usize..record.end as usize]
    }

    /// A line's bytes as they were read, where those were not UTF-8.
    pub fn raw(&self, record: &Record) -> Option<&[u8]> {
        let raw = &self.arena[record.end as usize..record.raw_end as usize];
        (!raw.is_empty()).then_some(raw)
    }

    /// The runs of records that share an origin, in order: indices of [`Batch::records`].
    pub fn runs(&self) -> impl Iterator<Item = (&Arc<Origin>, Range<usize>)> {
        let mut start = 0;
        self.records.chunk_by(|a, b| a.origin == b.origin).map(move |run| {
            let range = start..start + run.len();
            start = range.end;
            (&self.origins[run[0].origin as usize], range)
        })
    }

    /// Removes the records at `indices` and resolves them as dropped, counted by `by`.
    ///
    /// `indices` are ascending, without repeats and in range; the caller has checked what a plugin answered.
    pub fn drop_records(&mut self, indices: &[u32], by: &Tally) {
        debug_assert!(indices.is_sorted_by(|a, b| a < b));
        let before = self.records.len();
        let mut next = indices.iter().peekable();
        let mut index = 0u32;
        self.records.retain(|_| {
            let dropped = next.next_if(|&&i| i == index).is_some();
            index += 1;
            !dropped
        });
        self.receipt.drop_some((before - self.records.len()) as u32, by);
    }

    /// Takes the whole receipt out for a sink, which then answers for each record; the batch is only bytes after that.
    pub fn take_receipt(&mut self) -> Receipt {
        self.receipt.split(self.receipt.count())
    }

    /// Takes the batch apart for a sink, which then answers for the receipt.
    pub fn into_parts(self) -> Parts {
        let Self { shape, place, arena, records, origins, receipt } = self;
        Parts { shape, place, arena, records, origins, receipt }
    }
}

/// What a [`Batch`] is made of; the fields are those of the batch.
#[derive(Debug)]
pub struct Parts {
    pub shape: Shape,
    pub place: Arc<Place>,
    pub arena: Vec<u8>,
    pub records: Vec<Record>,
    pub origins: Vec<Arc<Origin>>,
    pub receipt: Receipt,
}
