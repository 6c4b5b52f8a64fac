//! The books of each pipeline as log lines, for people and for the demo.

use std::{sync::Arc, thread, time::Duration};

use sluice_core::{Balance, Ledger};
use tracing::info;

use crate::assemble::{Assembly, SinkCounters, SourceCounters};

/// What is told of one pipeline.
#[derive(Clone)]
pub struct Books {
    pipeline: String,
    ledger: Arc<Ledger>,
    source: SourceCounters,
    sink: SinkCounters,
}

impl Books {
    pub fn of(assembly: &Assembly) -> Self {
        Self {
            pipeline: assembly.name.clone(),
            ledger: assembly.ledger.clone(),
            source: assembly.source_counters.clone(),
            sink: assembly.sink_counters.clone(),
        }
    }

    /// The last word, when the pipeline has ended.
    pub fn close(&self) {
        let balance = self.ledger.balance();
        info!(
            pipeline = self.pipeline,
            balanced = balance.is_balanced(),
            read = balance.kept(),
            delivered = balance.delivered,
            dropped = sum(&balance.dropped),
            dead_lettered = sum(&balance.dead_lettered),
            expired = sum(&balance.expired),
            expired_bytes = sum(&balance.expired_bytes),
            left = balance.in_flight(),
            "books closed: {balance}"
        );
    }

    /// One line; `since` is the balance of the line before, `seconds` ago.
    fn tell(&self, since: &Balance, seconds: f64) -> Balance {
        let balance = self.ledger.balance();
        let rate = |now: u64, before: u64| (now.saturating_sub(before) as f64 / seconds).round() as u64;
        let (lag_bytes, lag_records) = match &self.source {
            SourceCounters::Files(counters) => (Some(counters.lag_bytes.get()), None),
            SourceCounters::Kafka(status) => (None, Some(status.lag())),
        };
        let in_flight_bytes = match &self.sink {
            SinkCounters::Kafka(status) => status.queued_bytes(),
            SinkCounters::Elasticsearch(counters) => counters.in_flight_bytes.get(),
        };
        info!(
            pipeline = self.pipeline,
            read = balance.kept(),
            delivered = balance.delivered,
            dropped = sum(&balance.dropped),
            dead_lettered = sum(&balance.dead_lettered),
            expired = sum(&balance.expired),
            expired_bytes = sum(&balance.expired_bytes),
            in_flight = balance.in_flight(),
            in_flight_bytes,
            lag_bytes,
            lag_records,
            read_per_s = rate(balance.read, since.read),
            delivered_per_s = rate(balance.delivered, since.delivered),
            "books"
        );
        balance
    }
}

fn sum(counts: &std::collections::BTreeMap<String, u64>) -> u64 {
    counts.values().sum()
}

/// Tells the books of every pipeline each `every`, from a thread of its own, as long as the process lives.
pub fn start(books: Vec<Books>, every: Duration) {
    let tell = move || {
        let mut before: Vec<Balance> = books.iter().map(|_| Balance::default()).collect();
        loop {
            thread::sleep(every);
            for (pipeline, before) in books.iter().zip(&mut before) {
                *before = pipeline.tell(before, every.as_secs_f64());
            }
        }
    };
    if let Err(error) = thread::Builder::new().name("report".into()).spawn(tell) {
        tracing::warn!(%error, "cannot start the thread that tells the books");
    }
}
