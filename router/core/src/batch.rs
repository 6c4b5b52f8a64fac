//! A batch of records and the receipt for what was read: one value.

use std::{ops::Range, sync::Arc};

use crate::{Alert, Generation, Origin, Place, Receipt, Record, Tally, Watermark, edit::Edits};

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
    edits: Option<Box<Edits>>,
    alerts: Vec<Alert>,
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
        Self { shape, place, arena, records, origins, receipt, edits: None, alerts: Vec::new() }
    }

    /// Alerts about no record in particular, on their way to the sink.
    pub fn of_alerts(generation: &Arc<Generation>, alerts: Vec<Alert>) -> Self {
        let receipt = Watermark::new(generation.clone(), ()).open(0, ());
        let place = Arc::new(Place::File { path: String::new() });
        Self { alerts, ..Self::new(Shape::Lines, place, Vec::new(), Vec::new(), Vec::new(), receipt) }
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

    /// What plugins changed; a sink writes it by [`crate::encode::Encoding::append`].
    pub fn edits(&self) -> Option<&Edits> {
        self.edits.as_deref()
    }

    /// `edits` are those of all records, in place of any before.
    pub fn set_edits(&mut self, edits: Edits) {
        debug_assert_eq!(edits.records(), self.records.len());
        self.edits = (!edits.is_empty()).then(|| Box::new(edits));
    }

    /// Takes the edits out, to be added to and set again; none for a batch that nobody has edited.
    pub fn take_edits(&mut self) -> Edits {
        self.edits.take().map_or_else(|| Edits::new(self.records.len()), |edits| *edits)
    }

    /// What notifiers said of the records. They come last in a chain: no record is dropped after that.
    pub fn alerts(&self) -> &[Alert] {
        &self.alerts
    }

    pub fn raise(&mut self, alerts: Vec<Alert>) {
        debug_assert!(alerts.iter().all(|alert| alert.item.is_none_or(|item| (item as usize) < self.records.len())));
        self.alerts.extend(alerts);
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
        let dropped = self.forget(indices);
        self.receipt.drop_some(dropped, by);
    }

    /// Removes the record at `index`, and hands out its share of the receipt.
    pub fn take_record(&mut self, index: u32) -> Receipt {
        let taken = self.forget(&[index]);
        self.receipt.split(taken)
    }

    fn forget(&mut self, indices: &[u32]) -> u32 {
        debug_assert!(indices.is_sorted_by(|a, b| a < b));
        debug_assert!(self.alerts.is_empty(), "notifiers come last");
        let before = self.records.len();
        let keep = || {
            let (mut next, mut index) = (indices.iter().peekable(), 0u32);
            move || {
                index += 1;
                next.next_if(|i| **i == index - 1).is_none()
            }
        };
        let mut keeps = keep();
        self.records.retain(|_| keeps());
        if let Some(edits) = &mut self.edits {
            edits.retain(keep());
        }
        (before - self.records.len()) as u32
    }

    /// Takes the whole receipt out for a sink, which then answers for each record; the batch is only bytes after that.
    pub fn take_receipt(&mut self) -> Receipt {
        self.receipt.split(self.receipt.count())
    }

    /// Takes the batch apart for a sink, which then answers for the receipt.
    pub fn into_parts(self) -> Parts {
        let Self { shape, place, arena, records, origins, receipt, edits, alerts } = self;
        Parts { shape, place, arena, records, origins, receipt, edits, alerts }
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
    pub edits: Option<Box<Edits>>,
    pub alerts: Vec<Alert>,
}
