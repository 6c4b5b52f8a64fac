//! Real brokers that hold copies of each other's partitions: one may go, and nothing that was acknowledged goes with it.

#![allow(clippy::unwrap_used, reason = "clippy knows tests by `cfg(test)`, which helpers of this file do not have")]

use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use sluice_servers::{Cluster, ClusterOptions, wait_until};

const PATIENCE: Duration = Duration::from_secs(60);

/// With every in-sync replica's acknowledgement.
fn produce(bootstrap: &str, payload: &str) {
    let producer: BaseProducer =
        ClientConfig::new().set("bootstrap.servers", bootstrap).set("acks", "all").create().unwrap();
    producer.send(BaseRecord::<(), str>::to("t").payload(payload)).unwrap();
    producer.flush(PATIENCE).unwrap();
}

fn consume(bootstrap: &str, count: usize) -> Vec<String> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("group.id", format!("reader-of-{count}"))
        .set("auto.offset.reset", "earliest")
        .create()
        .unwrap();
    consumer.subscribe(&["t"]).unwrap();
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

/// Leader, copies and copies in sync of the topic's only partition.
fn partition(bootstrap: &str) -> (i32, usize, usize) {
    let client: BaseConsumer = ClientConfig::new().set("bootstrap.servers", bootstrap).create().unwrap();
    let metadata = client.fetch_metadata(Some("t"), PATIENCE).unwrap();
    let partition = &metadata.topics()[0].partitions()[0];
    (partition.leader(), partition.replicas().len(), partition.isr().len())
}

#[test]
fn a_partition_outlives_its_leader() {
    let mut cluster = Cluster::start(ClusterOptions { partitions: 1, ..ClusterOptions::default() }).unwrap();
    let bootstrap = cluster.bootstrap();
    produce(&bootstrap, "one");
    let (leader, copies, in_sync) = partition(&bootstrap);
    assert_eq!((copies, in_sync), (3, 3));

    let first = Cluster::of_id(leader);
    cluster.kill(first).unwrap();
    assert!(!cluster.is_up(first) && cluster.pid(first).is_err());
    let began = Instant::now();
    wait_until(PATIENCE, || Ok(![leader, -1].contains(&partition(&bootstrap).0))).unwrap();
    println!("another leader after {:?}", began.elapsed());
    produce(&bootstrap, "two");
    cluster.start_again(&[first]).unwrap();
    wait_until(PATIENCE, || Ok(partition(&bootstrap).2 == 3)).unwrap();

    // One that answers nothing is as good as dead, and comes back.
    let second = Cluster::of_id(partition(&bootstrap).0);
    cluster.pause(second).unwrap();
    let began = Instant::now();
    wait_until(PATIENCE, || Ok(![Cluster::id(second), -1].contains(&partition(&bootstrap).0))).unwrap();
    println!("another leader after {:?}", began.elapsed());
    produce(&bootstrap, "three");
    cluster.resume(second).unwrap();
    wait_until(PATIENCE, || Ok(partition(&bootstrap).2 == 3)).unwrap();

    // All at once: no majority is left, so they come back together.
    for broker in 0..cluster.size() {
        cluster.kill(broker).unwrap();
    }
    cluster.start_again(&[0, 1, 2]).unwrap();
    assert_eq!(consume(&bootstrap, 3), ["one", "three", "two"]);
}
