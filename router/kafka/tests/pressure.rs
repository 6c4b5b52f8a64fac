//! A cluster that answers slower than records come, against librdkafka's own mock cluster.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod common;

use std::{pin::pin, time::Duration};

use common::{generation, lines, lying_in, producer_config, within};
use rdkafka::mocking::MockCluster;
use sluice_core::{Watermark, pipeline::Sink};
use sluice_kafka::{KafkaSink, ProducerConfig};

const QUEUE: usize = 64 << 10;
const TEXT: usize = 2_000;
const BATCHES: usize = 30;
const RECORDS: usize = 10;
const SLOW: Duration = Duration::from_millis(100);
/// Within the client's time limits: the mock takes a resend for another message, which real brokers do not.
const SILENT: Duration = Duration::from_secs(3);

/// The producer's queue is filled many times over: the sink has no room then, so nothing is taken beyond the queue and
/// one batch, also while there is no answer for seconds. Nothing is refused, doubled or out of order for it.
#[tokio::test]
async fn a_full_queue_is_waited_for() {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic("logs", 1, 1).unwrap();
    cluster.broker_round_trip_time(1, SLOW).unwrap();
    let generation = generation();
    let mut watermark = Watermark::new(generation.clone(), 0);
    let config = ProducerConfig { max_in_flight: QUEUE, ..producer_config(&cluster) };
    let mut sink = KafkaSink::open(config, generation.clone(), Default::default(), None).unwrap();
    let text = |number: usize| format!("{number:04}{}", "x".repeat(TEXT));
    let (mut waits, mut silent_until) = (0, usize::MAX);
    for first in (0..BATCHES * RECORDS).step_by(RECORDS) {
        let texts: Vec<String> = (first..first + RECORDS).map(text).collect();
        if first == BATCHES * RECORDS / 2 {
            cluster.broker_round_trip_time(1, SILENT).unwrap();
            silent_until = waits + 10;
        }
        let mut sending = pin!(sink.send(lines(&mut watermark, &texts)));
        while tokio::time::timeout(Duration::from_millis(50), &mut sending).await.is_err() {
            waits += 1;
            assert!(generation.in_flight() as usize <= QUEUE / TEXT + RECORDS, "{} in flight", generation.in_flight());
            assert!(waits < 2_000, "no room for record {first} after 100 s");
            if waits == silent_until {
                cluster.broker_round_trip_time(1, SLOW).unwrap();
            }
        }
    }
    assert!(waits > 20, "the queue was hardly ever full");
    within("acknowledgement", generation.settled()).await;
    cluster.broker_round_trip_time(1, Duration::ZERO).unwrap();
    let count = BATCHES * RECORDS;
    assert_eq!((generation.first_failure(), generation.ledger().balance().delivered), (None, count as u64));
    for (number, message) in lying_in(&cluster, "logs", count).iter().enumerate() {
        let begin = format!(r#"{{"log":"{number:04}"#);
        assert!(message.value.starts_with(begin.as_bytes()), "message {number}");
    }
}
