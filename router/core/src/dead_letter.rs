//! Records that no sink will ever take, kept with the reason.

use std::sync::Arc;

use crate::{Failure, Place, Receipt, RecordId, Tally};

/// One record on its way to the dead-letter topic.
#[derive(Debug)]
pub struct DeadLetter {
    /// The bytes as they were read (a Kafka message's value), or as encoded for the sink that refused them.
    pub bytes: Vec<u8>,
    /// Why it was refused: few words, the same for many records; names the tally in the ledger.
    pub reason: String,
    /// What the refusing side said of this record (an index's error type and text); may be long.
    pub detail: String,
    /// The HTTP status of the refusal, where there was one.
    pub status: Option<u16>,
    pub place: Arc<Place>,
    /// The byte offset in a file, or the offset in a partition.
    pub position: u64,
    pub id: RecordId,
    pub time: u64,
    pub receipt: Receipt,
    /// The tally of `reason`, counted when the topic has the record.
    pub tally: Tally,
}

/// Takes dead letters. Resolves the receipt as dead-lettered when the topic has acknowledged.
pub trait DeadLetters {
    /// Waits for room; an error means that the letter was not taken, and its receipt is given back.
    fn send(&self, letter: DeadLetter) -> impl Future<Output = Result<(), Failure>> + Send;
}
