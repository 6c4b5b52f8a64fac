//! What brokers refuse, and brokers that are not there, against librdkafka's own mock cluster.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod common;

use std::{sync::Arc, time::Duration};

use common::{Cluster, connection, dead_letters, generation, lines, lying_in, producer_config, within};
use rdkafka::{
    mocking::MockCluster,
    types::{RDKafkaApiKey, RDKafkaRespErr},
};
use sluice_core::{Generation, Watermark, pipeline::Sink};
use sluice_kafka::{DeadLetterTopic, KafkaSink, ProducerConfig, ProducerStatus};

const TOO_LARGE: RDKafkaRespErr = RDKafkaRespErr::RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE;

fn cluster() -> Cluster {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic("logs", 1, 1).unwrap();
    cluster.create_topic("logs-dead", 1, 1).unwrap();
    cluster
}

fn refuse(cluster: &Cluster, requests: usize) {
    cluster.request_errors(RDKafkaApiKey::Produce, &vec![TOO_LARGE; requests]);
}

/// A sink whose client itself refuses messages of more than 20,000 bytes.
fn sink(cluster: &Cluster, generation: &Arc<Generation>, dead_letters: Option<Arc<DeadLetterTopic>>) -> KafkaSink {
    KafkaSink::open(producer_config(cluster), generation.clone(), Arc::default(), dead_letters).unwrap()
}

/// A letter that its own topic finds too large is cut down until it fits, in the end to headers without a value: its
/// pipeline never starts again for it.
#[tokio::test]
async fn a_dead_letter_that_is_too_large_is_cut_down_until_it_fits() {
    for (refusals, kept) in [(0, 100_133), (1, 64 << 10), (2, 4 << 10), (3, 0), (4, 0)] {
        let cluster = cluster();
        refuse(&cluster, refusals);
        let generation = generation();
        let mut watermark = Watermark::new(generation.clone(), 0);
        let dead = dead_letters(&cluster, &[]);
        let mut sink = sink(&cluster, &generation, Some(dead));
        sink.send(lines(&mut watermark, &["x".repeat(100_000)])).await.unwrap();
        within("acknowledgement", generation.settled()).await;
        assert_eq!((watermark.position(), generation.first_failure()), (1, None), "{refusals} refusals");
        assert_eq!(generation.ledger().balance().dead_lettered["refused_by_kafka"], 1);

        let letter = lying_in(&cluster, "logs-dead", 1).remove(0);
        assert_eq!(letter.value.len(), kept, "{refusals} refusals");
        assert_eq!(letter.headers["sluice-place"], "/var/log/c1.log");
        assert_eq!(letter.headers["sluice-position"], "0");
        let whole = letter.headers.get("sluice-truncated").map(String::as_str);
        assert_eq!(whole, (refusals > 0).then_some("100133"));
        assert_eq!(letter.headers["sluice-detail"].is_empty(), refusals == 4);
    }
}

/// Trying again would never end, so somebody has to be told.
#[tokio::test]
async fn a_topic_that_takes_not_even_a_pointer_stops_the_process() {
    let cluster = cluster();
    refuse(&cluster, 5);
    let dead = dead_letters(&cluster, &[]);
    for fatal in [false, true] {
        let generation = generation();
        let mut watermark = Watermark::new(generation.clone(), 0);
        let mut sink = sink(&cluster, &generation, Some(dead.clone()));
        sink.send(lines(&mut watermark, &["x".repeat(100_000)])).await.unwrap();
        let failure = within("failure", generation.failure()).await;
        assert_eq!(watermark.position(), 0);
        assert_eq!(failure.kind == sluice_core::Kind::Fatal, fatal, "{failure}");
        assert_eq!(failure.text.contains("refuses even a dead letter without a value"), fatal, "{failure}");
    }
}

/// Messages travel together, and the broker refuses all for one: none may go to the dead letters for another.
#[tokio::test]
async fn a_request_that_is_too_large_is_split_before_a_message_is_blamed() {
    let cluster = cluster();
    let (dead, status) = (dead_letters(&cluster, &[]), Arc::<ProducerStatus>::default());
    let texts: Vec<String> = (0..100).map(|number| format!("{number} {}", "x".repeat(300))).collect();
    let mut failures = Vec::new();
    loop {
        if failures.len() < 2 {
            refuse(&cluster, 1);
        }
        let generation = generation();
        let mut watermark = Watermark::new(generation.clone(), 0);
        let config = ProducerConfig { linger: Duration::from_millis(200), ..producer_config(&cluster) };
        let mut sink = KafkaSink::open(config, generation.clone(), status.clone(), Some(dead.clone())).unwrap();
        sink.send(lines(&mut watermark, &texts)).await.unwrap();
        tokio::select! {
            failure = generation.failure() => failures.push(failure.text),
            () = generation.settled() => {
                let balance = generation.ledger().balance();
                assert_eq!((balance.delivered, &balance.dead_lettered["refused_by_kafka"]), (100, &0));
                break;
            }
        }
    }
    assert_eq!(failures.len(), 2, "{failures:?}");
    assert!(failures[0].contains("refuses a request of up to 20000 bytes"), "{failures:?}");
    assert!(failures[1].contains("refuses a request of up to 5000 bytes"), "{failures:?}");
}

/// The letters' cluster is away: what waits for it is bounded, and the sink takes no more.
#[tokio::test]
async fn refused_messages_that_wait_for_their_topic_hold_the_source() {
    let (cluster, away) = (cluster(), cluster());
    let dead = dead_letters(&away, &[("message.max.bytes", "4000000")]);
    away.broker_down(1).unwrap();
    let generation = generation();
    let mut watermark = Watermark::new(generation.clone(), 0);
    let mut sink = sink(&cluster, &generation, Some(dead));
    // The letters' producer holds 16 MiB, what waits for it 4 MiB and a message.
    let large = ["x".repeat(2 << 20)];
    let mut taken = 0;
    while tokio::time::timeout(Duration::from_secs(2), sink.send(lines(&mut watermark, &large))).await.is_ok() {
        taken += 1;
        assert!(taken < 15, "{taken} messages of 2 MiB wait");
        // The task that brings letters away runs on this thread.
        tokio::task::yield_now().await;
    }
    assert!((7..=11).contains(&taken), "{taken}");
    away.broker_up(1).unwrap();
    // The one that was dropped half way was given back, as at any end of a generation; the others arrive.
    let buried = async {
        while generation.ledger().balance().dead_lettered["refused_by_kafka"] < taken {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    within("letters", buried).await;
}

/// A message that the queue never has room for does not hold it for ever.
#[tokio::test]
async fn a_message_larger_than_the_queue_is_refused() {
    let cluster = cluster();
    let generation = generation();
    let mut watermark = Watermark::new(generation.clone(), 0);
    let mut connection = connection(&cluster);
    connection.options = vec![("message.max.bytes".into(), "10000000".into())];
    let config = ProducerConfig { connection, max_in_flight: 1 << 20, ..producer_config(&cluster) };
    let dead = dead_letters(&cluster, &[]);
    let mut sink = KafkaSink::open(config, generation.clone(), Arc::default(), Some(dead)).unwrap();
    let texts = ["first".to_owned(), "x".repeat(2 << 20), "last".to_owned()];
    within("room", sink.send(lines(&mut watermark, &texts))).await.unwrap();
    within("acknowledgement", generation.settled()).await;
    let balance = generation.ledger().balance();
    assert_eq!((balance.delivered, balance.dead_lettered["refused_by_kafka"]), (2, 1));
    let letter = lying_in(&cluster, "logs-dead", 1).remove(0);
    assert_eq!(letter.headers["sluice-detail"], "topic logs: it is larger than max_in_flight");
}

/// A cluster that is away for longer than any of librdkafka's time limits loses nothing and is told of nothing.
#[tokio::test]
async fn nothing_times_out_in_the_queue() {
    let cluster = cluster();
    let generation = generation();
    let mut watermark = Watermark::new(generation.clone(), 0);
    let mut connection = connection(&cluster);
    for (name, value) in [("socket.timeout.ms", "1000"), ("request.timeout.ms", "1000"), ("retry.backoff.ms", "50")] {
        connection.options.push((name.into(), value.into()));
    }
    let config = ProducerConfig { connection, ..producer_config(&cluster) };
    let mut sink = KafkaSink::open(config, generation.clone(), Arc::default(), None).unwrap();
    sink.send(lines(&mut watermark, &["before".into()])).await.unwrap();
    within("acknowledgement", generation.settled()).await;
    // Requests that get no answer in time, then no connection at all.
    cluster.broker_round_trip_time(1, Duration::from_secs(3)).unwrap();
    sink.send(lines(&mut watermark, &["unanswered".into()])).await.unwrap();
    tokio::time::sleep(Duration::from_secs(4)).await;
    cluster.broker_down(1).unwrap();
    sink.send(lines(&mut watermark, &["away".into()])).await.unwrap();
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!((generation.first_failure(), generation.in_flight()), (None, 2));
    cluster.broker_round_trip_time(1, Duration::ZERO).unwrap();
    cluster.broker_up(1).unwrap();
    within("acknowledgement", generation.settled()).await;
    assert_eq!((generation.first_failure(), generation.ledger().balance().delivered), (None, 3));
}
