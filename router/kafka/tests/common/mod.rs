//! What the tests of this crate have in common: configs for a mock cluster, and batches to send.

#![allow(dead_code, clippy::unwrap_used, clippy::panic, reason = "helpers of tests; each test file uses some")]

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use rdkafka::{
    ClientConfig, Message,
    consumer::{BaseConsumer, Consumer},
    message::Headers,
    mocking::MockCluster,
    producer::DefaultProducerContext,
};
use sluice_core::{
    Batch, Generation, Ledger, Origin, Place, Record, RecordId, Shape, Stream, Watermark, encode::Encoding,
};
use sluice_kafka::{Acks, Connection, ConsumerConfig, DeadLetterConfig, DeadLetterTopic, ProducerConfig, Start};

pub type Cluster = MockCluster<'static, DefaultProducerContext>;

pub fn connection(cluster: &Cluster) -> Connection {
    let brokers = cluster.bootstrap_servers().split(',').map(str::to_owned).collect();
    Connection { brokers, options: vec![("message.max.bytes".into(), "20000".into())] }
}

pub fn producer_config(cluster: &Cluster) -> ProducerConfig {
    ProducerConfig {
        connection: connection(cluster),
        topic: "logs".into(),
        topic_key: None,
        exclude_topic_key: false,
        allowed_topics: Default::default(),
        acks: Acks::All,
        compression: "lz4".into(),
        encoding: Encoding { include_tag: true, include_time: true },
        by_container: true,
        linger: Duration::from_millis(5),
        max_in_flight: 1 << 20,
    }
}

pub fn consumer_config(cluster: &Cluster) -> ConsumerConfig {
    let mut connection = connection(cluster);
    // The mock does not let a member leave; real brokers do, see `stopped_in_order_nothing_is_sent_twice`.
    connection.options.push(("session.timeout.ms".into(), "6000".into()));
    ConsumerConfig { connection, group: "sluice".into(), topics: vec!["logs".into()], start: Start::Earliest }
}

/// One line a text, of one container.
pub fn lines(watermark: &mut Watermark<u64>, texts: &[String]) -> Batch {
    let mut arena = Vec::new();
    let records = texts.iter().enumerate().map(|(i, text)| {
        let start = arena.len() as u32;
        arena.extend_from_slice(text.as_bytes());
        let end = arena.len() as u32;
        Record {
            start,
            end,
            raw_end: end,
            origin: 0,
            time: 1_700_000_000_123_456_789 + i as u64,
            timed: true,
            stream: Stream::Stdout,
            truncated: false,
            part: Default::default(),
            position: i as u64,
            id: RecordId(i as u128 + 1),
        }
    });
    let records: Vec<Record> = records.collect();
    let origin =
        Origin::new("c1", "kubernetes.c1.log", r#"{"docker":{"container_id":"c1"},"kubernetes":{"pod_name":"p"}}"#);
    let receipt = watermark.open(texts.len() as u32, texts.len() as u64);
    let place = Arc::new(Place::File { path: "/var/log/c1.log".into() });
    Batch::new(Shape::Lines, place, arena, records, vec![Arc::new(origin)], receipt)
}

pub fn generation() -> Arc<Generation> {
    Generation::new(Arc::new(Ledger::default()))
}

pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), future).await.unwrap_or_else(|_| panic!("no {what} in 60 s"))
}

/// The topic `logs-dead`, with these options.
pub fn dead_letters(cluster: &Cluster, options: &[(&str, &str)]) -> Arc<DeadLetterTopic> {
    let options = options.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let connection = Connection { brokers: connection(cluster).brokers, options };
    Arc::new(DeadLetterTopic::open(&DeadLetterConfig { connection, topic: "logs-dead".into() }).unwrap())
}

/// A message of a topic: its value and its headers.
pub struct Lying {
    pub value: Vec<u8>,
    pub headers: BTreeMap<String, String>,
}

/// The first `count` messages of a topic.
pub fn lying_in(cluster: &Cluster, topic: &str, count: usize) -> Vec<Lying> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", cluster.bootstrap_servers())
        .set("group.id", format!("reader-of-{topic}"))
        .set("auto.offset.reset", "earliest")
        .create()
        .unwrap();
    consumer.subscribe(&[topic]).unwrap();
    let mut found = Vec::new();
    for _ in 0..600 {
        if found.len() == count {
            return found;
        }
        let Some(Ok(message)) = consumer.poll(Duration::from_millis(100)) else { continue };
        let text = |value: Option<&[u8]>| String::from_utf8_lossy(value.unwrap_or_default()).into_owned();
        let headers = message.headers().map(|headers| {
            headers.iter().map(|header| (header.key.to_owned(), text(header.value))).collect::<BTreeMap<_, _>>()
        });
        let value = message.payload().unwrap_or_default().to_vec();
        found.push(Lying { value, headers: headers.unwrap_or_default() });
    }
    panic!("{} of {count} messages in {topic} after 60 s", found.len())
}
