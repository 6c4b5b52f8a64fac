//! What the benchmark `bulk` measures, and nobody else should use.

use std::sync::Arc;

use sluice_core::Batch;

use crate::{
    Index,
    draft::{Draft, Writer},
    names::Names,
    pending::Pending,
    response::{self, Answer},
    room::Room,
};

/// Scans and writes documents as a sink does, without sending them.
#[derive(Debug)]
pub struct Filler {
    writer: Writer,
    room: Arc<Room>,
    draft: Draft,
}

impl Filler {
    /// `None` if the index's date format is wrong.
    pub fn new(index: Index, tag_key: Option<String>) -> Option<Self> {
        let names = Names::new(index, Default::default()).ok()?;
        let room = Room::new(usize::MAX, Arc::default());
        Some(Self { writer: Writer::new(names, tag_key), draft: Draft::new(&room), room })
    }

    /// The bytes of the body that the batch makes.
    pub fn fill(&mut self, batch: Batch) -> usize {
        let mut pending = Pending::new(batch, Default::default());
        self.draft.fill(&mut self.writer, &mut pending, usize::MAX);
        self.draft.take(&self.room).map_or(0, |bulk| bulk.body().len())
    }
}

/// The count of outcomes in an answer; 0 for one that is not of `count` documents.
pub fn read(status: u16, body: &[u8], count: usize) -> usize {
    match response::read(status, body, count) {
        Answer::Items(outcomes) => outcomes.len(),
        Answer::TooLarge | Answer::Refused(_) | Answer::Again(_) => 0,
    }
}
