//! The books of each pipeline as log lines, for people.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    thread,
    time::Duration,
};

use sluice_core::Balance;
use tracing::info;

use crate::{
    assemble::{SinkCounters, SourceCounters},
    process::{Observed, View},
};

/// Tells the books of every pipeline each `every`, from a thread of its own, as long as the process lives.
pub fn start(observed: Arc<Observed>, every: Duration) {
    let tell_all = move || {
        let mut before = HashMap::<String, Balance>::new();
        loop {
            thread::sleep(every);
            let pipelines = observed.pipelines();
            let tell = |view: &View| {
                let since = before.remove(&view.name).unwrap_or_default();
                (view.name.clone(), tell(view, &since, every.as_secs_f64()))
            };
            before = pipelines.iter().map(tell).collect();
        }
    };
    if let Err(error) = thread::Builder::new().name("report".into()).spawn(tell_all) {
        tracing::warn!(%error, "cannot start the thread that tells the books");
    }
}

/// The last word, when the pipeline has ended.
pub fn close(view: &View) {
    let balance = view.ledger.balance();
    info!(
        pipeline = view.name,
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
fn tell(view: &View, since: &Balance, seconds: f64) -> Balance {
    let balance = view.ledger.balance();
    let rate = |now: u64, before: u64| (now.saturating_sub(before) as f64 / seconds).round() as u64;
    let (lag_bytes, lag_records) = match &view.source {
        SourceCounters::Files(counters) => (Some(counters.lag_bytes.get()), None),
        SourceCounters::Kafka(status) => (None, Some(status.lag())),
    };
    let in_flight_bytes = match &view.sink {
        SinkCounters::Kafka(status) => Some(status.queued_bytes()),
        SinkCounters::Elasticsearch(counters) => Some(counters.in_flight_bytes.get()),
        SinkCounters::Slack(_) => None,
    };
    info!(
        pipeline = view.name,
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

fn sum(counts: &BTreeMap<String, u64>) -> u64 {
    counts.values().sum()
}
