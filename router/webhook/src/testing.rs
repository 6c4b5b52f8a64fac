//! What tests of several modules share: a config, batches with alerts, and dead letters that can be looked at.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use sluice_core::{
    Alert, Batch, DeadLetter, DeadLetters, Failure, Generation, Kind, Ledger, Origin, Place, Record, RecordId,
    Severity, Shape, Stream, Watermark,
};

use crate::{Config, Url};

/// Now, for every test.
pub const NOW: u64 = 1_700_000_000_123_456_789;

pub fn config() -> Config {
    Config {
        url: Url::parse("http://127.0.0.1:9/services/secret").unwrap(),
        window: Duration::from_secs(300),
        max_age: None,
        queue: 100,
        give_up_after: None,
        request_timeout: Duration::from_secs(5),
        retry_initial: Duration::from_secs(1),
        retry_max: Duration::from_secs(30),
        ca: None,
        counters: Arc::default(),
        now: || NOW,
    }
}

pub fn generation() -> Arc<Generation> {
    Generation::new(Arc::new(Ledger::default()))
}

/// An alert of plugin `p` with the fingerprint as its text.
pub fn alert(item: Option<u32>, fingerprint: &str) -> Alert {
    Alert {
        item,
        plugin: "p".into(),
        fingerprint: fingerprint.into(),
        severity: Severity::Error,
        title: String::new(),
        text: fingerprint.into(),
        details: Vec::new(),
        color: "#00FF00".into(),
    }
}

/// A batch of documents from partition 0 of topic `logs`, each so many seconds old, with offsets from `first` on.
pub fn aged(generation: &Arc<Generation>, first: u64, documents: &[(&[u8], u64)]) -> Batch {
    let mut watermark = Watermark::new(generation.clone(), 0u64);
    let receipt = watermark.open(documents.len() as u32, 1);
    let mut start = 0;
    let record = |(index, (text, age)): (usize, &(&[u8], u64))| {
        let end = start + text.len() as u32;
        let id = first + index as u64;
        let record = Record {
            start,
            end,
            raw_end: end,
            origin: 0,
            time: NOW - age * 1_000_000_000,
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
    let records = documents.iter().enumerate().map(record).collect();
    let arena = documents.iter().flat_map(|(text, _)| text.iter().copied()).collect();
    let place = Arc::new(Place::Partition { topic: "logs".into(), partition: 0 });
    Batch::new(Shape::Documents, place, arena, records, vec![Arc::new(Origin::unknown())], receipt)
}

pub fn documents(generation: &Arc<Generation>, first: u64, documents: &[&[u8]]) -> Batch {
    let documents: Vec<_> = documents.iter().map(|text| (*text, 0)).collect();
    aged(generation, first, &documents)
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

/// Takes dead letters at once, or none at all.
#[derive(Debug, Default)]
pub struct Graveyard {
    pub buried: Mutex<Vec<Buried>>,
    pub is_closed: bool,
}

impl Graveyard {
    pub fn buried(&self) -> Vec<Buried> {
        self.buried.lock().unwrap().clone()
    }
}

impl DeadLetters for Graveyard {
    async fn send(&self, letter: DeadLetter) -> Result<(), Failure> {
        if self.is_closed {
            return Err(Failure { kind: Kind::Transient, component: "dead letters".into(), text: "closed".into() });
        }
        let DeadLetter { bytes, reason, detail, status, position, receipt, tally, .. } = letter;
        self.buried.lock().unwrap().push(Buried { bytes, reason, detail, status, position });
        receipt.dead_lettered(&tally);
        Ok(())
    }
}
