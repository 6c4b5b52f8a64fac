//! Messages of a topic that an indexer reads: from a producer of another team, through the Kafka source and the index
//! sink, to a server that takes every document. Kafka's own timestamp is 2020-09-13T12:26:40Z.

use std::{sync::Arc, time::Duration};

use rdkafka::{
    ClientConfig,
    message::{Header, OwnedHeaders},
    mocking::MockCluster,
    producer::{BaseProducer, BaseRecord, Producer},
};
use sluice_core::pipeline::{Sink, Source};
use sluice_elastic::{Config, Elastic, Index};
use sluice_kafka::{Connection, ConsumerConfig, KafkaSource, Start};
use sluice_mistakes::{Mistake, differences, mistake};

use crate::{
    books::{Letters, generation, settled},
    server::Server,
};

/// A message's value and one header.
pub struct Message(&'static [u8], Option<(&'static str, &'static str)>);

const fn value(value: &'static str) -> Message {
    Message(value.as_bytes(), None)
}

const fn header(name: &'static str, text: &'static str) -> Message {
    Message(br#"{"log":"a"}"#, Some((name, text)))
}

pub const TABLE: &[Mistake<Message>] = &[
    mistake("no JSON", value("plain text"), "dead letter, reason not_a_json_object: an object was expected at byte 0"),
    mistake("an empty message", value(""), "dead letter, reason not_a_json_object: an object was expected at byte 0"),
    mistake(
        "an array",
        value("[{\"log\":\"a\"}]"),
        "dead letter, reason not_a_json_object: an object was expected at byte 0",
    ),
    mistake("a number", value("42"), "dead letter, reason not_a_json_object: an object was expected at byte 0"),
    mistake(
        "a document that ends in the middle",
        value("{\"log\":\"a"),
        "dead letter, reason not_a_json_object: a string does not end at byte 9",
    ),
    mistake(
        "two documents in one message",
        value("{\"log\":\"a\"}{\"log\":\"b\"}"),
        "dead letter, reason not_a_json_object: something follows the object at byte 11",
    ),
    mistake(
        "bytes that are not UTF-8",
        Message(b"{\"log\":\"caf\xe9\"}", None),
        "dead letter, reason not_a_json_object: invalid utf-8 at byte 11",
    ),
    mistake(
        "a control character in a string",
        value("{\"log\":\"a\nb\"}"),
        "dead letter, reason not_a_json_object: a control character in a string at byte 9",
    ),
    mistake(
        "a number with a leading zero",
        value("{\"n\":007}"),
        "dead letter, reason not_a_json_object: a number with a leading zero at byte 8",
    ),
    mistake(
        "300 arrays in one another",
        Message(&DEEP, None),
        "indexed: {\"@timestamp\":\"2020-09-13T12:26:40.000000000+00:00\",\"a\":[[[[… (657 bytes)",
    ),
    mistake(
        "a document over several lines",
        value("{\n  \"log\": \"a\"\n}"),
        "indexed: {\"@timestamp\":\"2020-09-13T12:26:40.000000000+00:00\",   \"log\": \"a\" }",
    ),
    mistake(
        "no time at all",
        value("{\"log\":\"a\"}"),
        "indexed: {\"@timestamp\":\"2020-09-13T12:26:40.000000000+00:00\",\"log\":\"a\"}",
    ),
    mistake(
        "a time that is none",
        value("{\"log\":\"a\",\"time\":\"yesterday\"}"),
        "indexed: {\"@timestamp\":\"2020-09-13T12:26:40.000000000+00:00\",\"log\":\"a\",\"time\":\"yesterday\"}",
    ),
    mistake(
        "a time in milliseconds where seconds are meant",
        value("{\"log\":\"a\",\"time\":1700000000000}"),
        "indexed: {\"@timestamp\":\"2020-09-13T12:26:40.000000000+00:00\",\"log\":\"a\",\"time\":1700000000000}",
    ),
    mistake(
        "`@timestamp` twice",
        value("{\"@timestamp\":\"2001-01-01T00:00:00Z\",\"@timestamp\":\"2002-02-02T00:00:00Z\"}"),
        "dead letter, reason not_a_json_object: a repeated key at byte 37",
    ),
    mistake("an `@timestamp` that is none", value("{\"@timestamp\":\"soon\"}"), "indexed: {\"@timestamp\":\"soon\"}"),
    mistake(
        "the header `sluice-time` is no number",
        header("sluice-time", "now"),
        "indexed: {\"@timestamp\":\"2020-09-13T12:26:40.000000000+00:00\",\"log\":\"a\"}",
    ),
    mistake(
        "the header `sluice-id` is too short",
        header("sluice-id", "12"),
        "indexed: {\"@timestamp\":\"2020-09-13T12:26:40.000000000+00:00\",\"log\":\"a\"}",
    ),
];

const DEEP: [u8; 606] = {
    let mut text = [b'['; 606];
    let head = *b"{\"a\":";
    let mut at = 0;
    while at < 606 {
        if at < 5 {
            text[at] = head[at];
        } else if at >= 305 {
            text[at] = b']';
        }
        at += 1;
    }
    text[605] = b'}';
    text
};

fn produce(cluster: &MockCluster<'_, impl rdkafka::ClientContext>) {
    let producer: BaseProducer =
        ClientConfig::new().set("bootstrap.servers", cluster.bootstrap_servers()).create().unwrap();
    for Mistake { given: Message(value, header), .. } in TABLE {
        let mut record = BaseRecord::<(), [u8], ()>::to("logs").payload(value).timestamp(1_600_000_000_000);
        if let Some((key, value)) = header {
            record = record.headers(OwnedHeaders::new().insert(Header { key, value: Some(*value) }));
        }
        producer.send(record).map_err(|(error, _)| error).unwrap();
    }
    producer.flush(Duration::from_secs(60)).unwrap();
}

pub fn index(server: &Server) -> Config {
    Config {
        hosts: vec![server.url.clone()],
        index: Index::Name("logs".into()),
        allowed_indices: Default::default(),
        include_tag_key: false,
        tag_key: "tag".into(),
        auth: None,
        ca: None,
        gzip: false,
        interval: Duration::from_millis(50),
        bytes: 1 << 20,
        concurrency: 1,
        max_in_flight: 4 << 20,
        request_timeout: Duration::from_secs(2),
        retry_initial: Duration::from_millis(5),
        retry_max: Duration::from_millis(40),
        encoding: Default::default(),
        counters: Arc::default(),
    }
}

#[tokio::test]
async fn records() {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic("logs", 1, 1).unwrap();
    produce(&cluster);
    let server = Server::start(&[]);
    let (generation, letters) = (generation(), Arc::new(Letters::default()));
    let brokers = cluster.bootstrap_servers().split(',').map(str::to_owned).collect();
    let config = ConsumerConfig {
        connection: Connection { brokers, options: Vec::new() },
        group: "g".into(),
        topics: vec!["logs".into()],
        start: Start::Earliest,
    };
    let mut source = KafkaSource::open(&config, generation.clone(), Arc::default()).unwrap();
    let mut sink = Elastic::open(index(&server), generation.clone(), letters.clone()).unwrap();
    let mut taken = 0;
    while taken < TABLE.len() {
        let batch = tokio::time::timeout(Duration::from_secs(60), source.next()).await.expect("no batch");
        let batch = batch.unwrap().unwrap();
        taken += batch.len();
        sink.send(batch).await.unwrap();
    }
    sink.flush().await.unwrap();
    settled(&generation).await;

    // What is in no dead letter was indexed, in order: one partition, one bulk at a time.
    let bodies = server.bodies().concat();
    let mut lines = std::str::from_utf8(&bodies).unwrap().lines().skip(1).step_by(2);
    let mut letters = letters.said();
    let found: Vec<String> = (0..TABLE.len() as u64)
        .map(|position| match letters.iter().position(|(at, _)| *at == position) {
            Some(at) => letters.remove(at).1,
            None => {
                let line = lines.next().unwrap();
                match line.get(..60).filter(|_| line.len() > 200) {
                    Some(beginning) => format!("indexed: {beginning}… ({} bytes)", line.len()),
                    None => format!("indexed: {line}"),
                }
            }
        })
        .collect();
    assert_eq!((lines.next(), letters.len()), (None, 0));
    assert_eq!(differences(TABLE, &found), "");
}
