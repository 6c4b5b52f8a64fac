//! A real broker: data outlives a kill, a paused broker comes back, and nothing outlives this process.

#![allow(clippy::unwrap_used, reason = "clippy knows tests by `cfg(test)`, which helpers of this file do not have")]

mod orphan;

use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use sluice_servers::{Kafka, KafkaOptions};

const PATIENCE: Duration = Duration::from_secs(60);

fn produce(bootstrap: &str, topic: &str, payload: &str) {
    let producer: BaseProducer = ClientConfig::new().set("bootstrap.servers", bootstrap).create().unwrap();
    producer.send(BaseRecord::<(), str>::to(topic).payload(payload)).unwrap();
    producer.flush(PATIENCE).unwrap();
}

fn consume(bootstrap: &str, topic: &str, count: usize) -> Vec<String> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("group.id", format!("reader-of-{count}"))
        .set("auto.offset.reset", "earliest")
        .create()
        .unwrap();
    consumer.subscribe(&[topic]).unwrap();
    let deadline = Instant::now() + PATIENCE;
    let mut payloads = Vec::new();
    while payloads.len() < count {
        assert!(Instant::now() < deadline, "only {payloads:?} of {count}");
        if let Some(Ok(message)) = consumer.poll(Duration::from_millis(100)) {
            payloads.push(String::from_utf8(message.payload().unwrap().to_vec()).unwrap());
        }
    }
    payloads.sort();
    payloads
}

#[test]
fn a_killed_broker_comes_back_with_its_data() {
    let mut kafka = Kafka::start(KafkaOptions { partitions: 3, ..KafkaOptions::default() }).unwrap();
    let bootstrap = kafka.bootstrap();
    produce(&bootstrap, "t", "one");
    assert_eq!(consume(&bootstrap, "t", 1), ["one"]);

    let first = kafka.pid().unwrap();
    kafka.kill().unwrap();
    assert!(kafka.pid().is_err());
    kafka.restart().unwrap();
    assert_ne!(kafka.pid().unwrap(), first);
    assert_eq!(kafka.bootstrap(), bootstrap);
    produce(&bootstrap, "t", "two");
    assert_eq!(consume(&bootstrap, "t", 2), ["one", "two"]);

    kafka.pause().unwrap();
    let client: BaseConsumer = ClientConfig::new().set("bootstrap.servers", &bootstrap).create().unwrap();
    assert!(client.fetch_metadata(Some("t"), Duration::from_secs(2)).is_err());
    kafka.resume().unwrap();
    let metadata = client.fetch_metadata(Some("t"), PATIENCE).unwrap();
    assert_eq!(metadata.topics()[0].partitions().len(), 3);

    kafka.stop().unwrap();
    kafka.restart().unwrap();
    produce(&bootstrap, "t", "zero");
    assert_eq!(consume(&bootstrap, "t", 3), ["one", "two", "zero"]);
}

#[test]
#[ignore = "the child of `a_killed_parent_leaves_no_broker`"]
fn child_with_a_broker() {
    let kafka = Kafka::start(KafkaOptions::default()).unwrap();
    orphan::report_and_wait(kafka.pid().unwrap());
}

#[test]
fn a_killed_parent_leaves_no_broker() {
    orphan::check("child_with_a_broker", "sluice-kafka-");
}
