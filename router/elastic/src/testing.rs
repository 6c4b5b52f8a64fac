//! What tests of several modules share: a config, batches, and dead letters that can be looked at.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use sluice_core::{
    Batch, DeadLetter, DeadLetters, Failure, Generation, Origin, Place, Record, RecordId, Shape, Stream, Watermark,
};

use crate::{Config, Index};

pub const MOMENT: u64 = 1_700_000_000_123_456_789;

pub fn config() -> Config {
    Config {
        hosts: vec!["http://localhost:9200".into()],
        index: Index::Name("logs".into()),
        allowed_indices: Default::default(),
        include_tag_key: false,
        tag_key: "tag".into(),
        auth: None,
        ca: None,
        gzip: false,
        interval: Duration::from_secs(5),
        bytes: 1 << 20,
        concurrency: 2,
        max_in_flight: 4 << 20,
        request_timeout: Duration::from_secs(5),
        retry_initial: Duration::from_secs(1),
        retry_max: Duration::from_secs(30),
        encoding: Default::default(),
        counters: Arc::default(),
    }
}

/// A batch of documents from partition 0 of topic `logs`, with ids and offsets from `first` on.
pub fn documents(generation: &Arc<Generation>, first: u64, documents: &[&[u8]]) -> Batch {
    let place = Place::Partition { topic: "logs".into(), partition: 0 };
    batch(generation, Shape::Documents, place, first, documents)
}

pub fn batch(generation: &Arc<Generation>, shape: Shape, place: Place, first: u64, texts: &[&[u8]]) -> Batch {
    let mut watermark = Watermark::new(generation.clone(), 0u64);
    let receipt = watermark.open(texts.len() as u32, 1);
    let mut start = 0;
    let record = |(index, text): (usize, &&[u8])| {
        let end = start + text.len() as u32;
        let id = first + index as u64;
        let record = Record {
            start,
            end,
            raw_end: end,
            origin: 0,
            time: MOMENT,
            timed: true,
            stream: Stream::Stdout,
            truncated: false,
            part: Default::default(),
            position: id,
            id: RecordId(u128::from(id)),
        };
        start = end;
        record
    };
    let records = texts.iter().enumerate().map(record).collect();
    Batch::new(shape, Arc::new(place), texts.concat(), records, vec![Arc::new(Origin::unknown())], receipt)
}

/// One dead letter as it was sent, without its receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buried {
    pub bytes: Vec<u8>,
    pub reason: String,
    pub detail: String,
    pub status: Option<u16>,
    pub position: u64,
}

/// Takes dead letters at once.
#[derive(Debug, Default)]
pub struct Graveyard(pub Mutex<Vec<Buried>>);

impl Graveyard {
    pub fn buried(&self) -> Vec<Buried> {
        self.0.lock().unwrap().clone()
    }
}

impl DeadLetters for Graveyard {
    async fn send(&self, letter: DeadLetter) -> Result<(), Failure> {
        let DeadLetter { bytes, reason, detail, status, position, receipt, tally, .. } = letter;
        self.0.lock().unwrap().push(Buried { bytes, reason, detail, status, position });
        receipt.dead_lettered(&tally);
        Ok(())
    }
}
