//! Batches, dead letters and books.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use sluice_core::{
    Batch, DeadLetter, DeadLetters, Failure, Generation, Ledger, Origin, Place, Record, RecordId, Shape, Stream,
    Watermark,
};

/// 2023-11-14T22:13:20Z in nanoseconds.
pub const TIME: u64 = 1_700_000_000_000_000_000;

/// Takes dead letters at once, and remembers what was said of each, by its position.
#[derive(Debug, Default)]
pub struct Letters(Mutex<Vec<(u64, String)>>);

impl Letters {
    pub fn said(&self) -> Vec<(u64, String)> {
        let mut said = self.0.lock().unwrap().clone();
        said.sort();
        said
    }
}

impl DeadLetters for Letters {
    async fn send(&self, letter: DeadLetter) -> Result<(), Failure> {
        let DeadLetter { reason, detail, status, position, receipt, tally, .. } = letter;
        let status = status.map(|status| format!(" ({status})")).unwrap_or_default();
        self.0.lock().unwrap().push((position, format!("dead letter, reason {reason}{status}: {detail}")));
        receipt.dead_lettered(&tally);
        Ok(())
    }
}

pub fn generation() -> Arc<Generation> {
    Generation::new(Arc::new(Ledger::default()))
}

/// JSON documents from partition 0 of the topic `logs`, with positions from 0 on.
pub fn documents(generation: &Arc<Generation>, texts: &[&str]) -> Batch {
    let receipt = Watermark::new(generation.clone(), 0u64).open(texts.len() as u32, 1);
    let mut start = 0;
    let record = |(index, text): (usize, &&str)| {
        let end = start + text.len() as u32;
        let record = Record {
            start,
            end,
            raw_end: end,
            origin: 0,
            time: TIME,
            timed: true,
            stream: Stream::Stdout,
            truncated: false,
            part: Default::default(),
            position: index as u64,
            id: RecordId(index as u128),
        };
        start = end;
        record
    };
    let records = texts.iter().enumerate().map(record).collect();
    let place = Arc::new(Place::Partition { topic: "logs".into(), partition: 0 });
    let arena = texts.concat().into_bytes();
    Batch::new(Shape::Documents, place, arena, records, vec![Arc::new(Origin::unknown())], receipt)
}

/// Waits until every record has left.
pub async fn settled(generation: &Generation) {
    tokio::time::timeout(Duration::from_secs(60), generation.settled()).await.expect("records have not left");
    let balance = generation.ledger().balance();
    assert!(balance.is_balanced(), "{balance}");
}
