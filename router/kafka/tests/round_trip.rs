//! Sink, source and dead letters against librdkafka's own mock cluster. Real brokers are in `tests/end-to-end`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod common;

use std::{sync::Arc, time::Duration};

use common::{consumer_config, dead_letters, generation, lines, lying_in, producer_config, within};
use rdkafka::{
    ClientConfig,
    mocking::MockCluster,
    producer::{BaseProducer, BaseRecord, Producer},
};
use sluice_core::{
    Batch, RecordId, Shape, Watermark,
    pipeline::{Sink, Source},
};
use sluice_kafka::{Acks, ConsumerConfig, KafkaSink, KafkaSource, ProducerConfig};

async fn read(source: &mut KafkaSource, count: usize) -> Vec<Batch> {
    let mut batches: Vec<Batch> = Vec::new();
    while batches.iter().map(Batch::len).sum::<usize>() < count {
        batches.push(within("batch", source.next()).await.unwrap().unwrap());
    }
    batches
}

#[tokio::test]
async fn records_arrive_with_their_identity_and_settle_at_both_ends() {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic("logs", 4, 1).unwrap();

    let sending = generation();
    let mut watermark = Watermark::new(sending.clone(), 0);
    let mut sink = KafkaSink::open(producer_config(&cluster), sending.clone(), Arc::default(), None).unwrap();
    let texts: Vec<String> = (0..2_500).map(|i| format!("line {i}")).collect();
    sink.send(lines(&mut watermark, &texts)).await.unwrap();
    within("acknowledgement", sending.settled()).await;
    assert_eq!(watermark.position(), 2_500);
    assert_eq!(sending.ledger().balance().delivered, 2_500);

    let reading = generation();
    let mut source = KafkaSource::open(&consumer_config(&cluster), reading.clone(), Arc::default()).unwrap();
    let mut next = 0;
    let mut batches = read(&mut source, 2_500).await;
    for batch in &batches {
        assert_eq!(batch.shape(), Shape::Documents);
        // One container, one partition, one known origin, in order.
        assert_eq!(batch.runs().count(), 1);
        assert_eq!(batch.origins()[0].object, r#"{"docker":{"container_id":"c1"},"kubernetes":{"pod_name":"p"}}"#);
        for record in batch.records() {
            let expected = format!(
                r#"{{"log":"line {next}","stream":"stdout","docker":{{"container_id":"c1"}},"kubernetes":{{"pod_name":"p"}},"time":1700000000,"tag":"kubernetes.c1.log"}}"#
            );
            assert_eq!(String::from_utf8_lossy(batch.text(record)), expected);
            assert_eq!((record.id, record.timed), (RecordId(next + 1), true));
            assert_eq!(record.time, 1_700_000_000_123_456_789 + next as u64);
            next += 1;
        }
    }

    // All but the last batch are delivered; the group's next member starts with that one.
    let last = batches.pop().unwrap();
    for batch in batches {
        batch.into_parts().receipt.delivered();
    }
    let first_left = last.records()[0].position;
    source.close().await.unwrap();
    drop(last);
    let mut source = KafkaSource::open(&consumer_config(&cluster), generation(), Arc::default()).unwrap();
    let again = read(&mut source, 1).await;
    assert_eq!(again[0].records()[0].position, first_left);
    again.into_iter().for_each(|batch| batch.into_parts().receipt.delivered());
    source.close().await.unwrap();
}

#[tokio::test]
async fn every_compression_and_both_partitionings_arrive() {
    let cluster = MockCluster::new(1).unwrap();
    for (number, codec) in ["none", "gzip", "snappy", "lz4", "zstd"].into_iter().enumerate() {
        let by_container = number % 2 == 0;
        let acks = if by_container { Acks::Leader } else { Acks::All };
        let topic = format!("logs-{codec}");
        cluster.create_topic(&topic, 4, 1).unwrap();
        let sending = generation();
        let mut watermark = Watermark::new(sending.clone(), 0);
        let compression = codec.to_owned();
        let mut config =
            ProducerConfig { topic: topic.clone(), compression, by_container, acks, ..producer_config(&cluster) };
        // Else librdkafka chooses a partition for all messages of 10 ms.
        config.connection.options.push(("sticky.partitioning.linger.ms".into(), "0".into()));
        let mut sink = KafkaSink::open(config, sending.clone(), Arc::default(), None).unwrap();
        let texts: Vec<String> = (0..200).map(|i| format!("line {i}")).collect();
        sink.send(lines(&mut watermark, &texts)).await.unwrap();
        within("acknowledgement", sending.settled()).await;

        let config = ConsumerConfig { topics: vec![topic], group: codec.to_owned(), ..consumer_config(&cluster) };
        let mut source = KafkaSource::open(&config, generation(), Arc::default()).unwrap();
        let batches = read(&mut source, 200).await;
        let places: std::collections::BTreeSet<String> =
            batches.iter().map(|batch| batch.place().to_string()).collect();
        assert_eq!(places.len() == 1, by_container, "{codec}: {places:?}");
        assert_eq!(batches.iter().map(Batch::len).sum::<usize>(), 200);
    }
}

#[tokio::test]
async fn messages_without_our_headers_are_known_by_where_they_lie() {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic("logs", 1, 1).unwrap();
    let producer: BaseProducer =
        ClientConfig::new().set("bootstrap.servers", cluster.bootstrap_servers()).create().unwrap();
    for value in [r#"{"log":"a"}"#, "not json", ""] {
        let record = BaseRecord::<(), str, ()>::to("logs").payload(value).timestamp(1_600_000_000_000);
        producer.send(record).map_err(|(error, _)| error).unwrap();
    }
    producer.flush(Duration::from_secs(30)).unwrap();

    let mut source = KafkaSource::open(&consumer_config(&cluster), generation(), Arc::default()).unwrap();
    let batches = read(&mut source, 3).await;
    let batch = &batches[0];
    let texts: Vec<&[u8]> = batch.records().iter().map(|record| batch.text(record)).collect();
    assert_eq!(texts, [&br#"{"log":"a"}"#[..], b"not json", b""]);
    for (offset, record) in (0..).zip(batch.records()) {
        let id = RecordId::of_message("logs", 0, offset, 1_600_000_000_000, texts[offset as usize]);
        assert_eq!((record.id, record.position), (id, offset));
        assert_eq!((record.time, record.timed), (1_600_000_000_000_000_000, false));
        assert!(!batch.origin(record).is_known());
    }
}

#[tokio::test]
async fn a_message_that_is_too_large_goes_to_the_dead_letter_topic_and_the_rest_goes_on() {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic("logs", 1, 1).unwrap();
    cluster.create_topic("logs-dead", 1, 1).unwrap();
    let dead = dead_letters(&cluster, &[]);
    let sending = generation();
    let mut watermark = Watermark::new(sending.clone(), 0);
    let mut sink = KafkaSink::open(producer_config(&cluster), sending.clone(), Arc::default(), Some(dead)).unwrap();
    let texts = ["first".to_owned(), "x".repeat(30_000), "last".to_owned()];
    sink.send(lines(&mut watermark, &texts)).await.unwrap();
    within("acknowledgement", sending.settled()).await;
    assert_eq!(watermark.position(), 3);
    let balance = sending.ledger().balance();
    assert_eq!((balance.delivered, balance.dead_lettered["refused_by_kafka"]), (2, 1));

    let letters = lying_in(&cluster, "logs-dead", 1);
    let header = |name: &str| letters[0].headers[name].as_str();
    assert_eq!(header("sluice-reason"), "refused_by_kafka");
    assert_eq!(header("sluice-place"), "/var/log/c1.log");
    assert_eq!(header("sluice-position"), "1");
    assert!(letters[0].value.starts_with(br#"{"log":"xxx"#));
}

#[tokio::test]
async fn without_a_dead_letter_topic_a_refused_message_stops_the_pipeline_and_says_what_to_do() {
    let cluster = MockCluster::new(1).unwrap();
    let sending = generation();
    let mut watermark = Watermark::new(sending.clone(), 0);
    let mut sink = KafkaSink::open(producer_config(&cluster), sending.clone(), Arc::default(), None).unwrap();
    sink.send(lines(&mut watermark, &["x".repeat(30_000)])).await.unwrap();
    let failure = within("failure", sending.failure()).await;
    let text = failure.to_string();
    assert!(text.starts_with("kafka sink: topic logs refuses a record of 30"), "{text}");
    assert!(text.contains("/var/log/c1.log at 0") && text.contains("max.message.bytes"), "{text}");
    assert_eq!(watermark.position(), 0);
}

#[tokio::test]
async fn a_consumer_waits_for_room_without_losing_its_partitions() {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic("logs", 2, 1).unwrap();
    let producer: BaseProducer =
        ClientConfig::new().set("bootstrap.servers", cluster.bootstrap_servers()).create().unwrap();
    for number in 0..12_000 {
        let (value, key) = (format!(r#"{{"n":{number}}}"#), number.to_string());
        producer.send(BaseRecord::to("logs").payload(&value).key(&key)).map_err(|(error, _)| error).unwrap();
    }
    producer.flush(Duration::from_secs(30)).unwrap();

    let reading = generation();
    let mut source = KafkaSource::open(&consumer_config(&cluster), reading.clone(), Arc::default()).unwrap();
    // Batches wait in the channel until it is full, and the thread answers orders all the same.
    let first = read(&mut source, 1).await;
    for _ in 0..20 {
        source.save().await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let rest = read(&mut source, 12_000 - first[0].len()).await;
    let mut numbers: Vec<u64> = Vec::new();
    for batch in first.iter().chain(&rest) {
        for record in batch.records() {
            let text = String::from_utf8_lossy(batch.text(record)).into_owned();
            numbers.push(text.trim_matches(|c: char| !c.is_ascii_digit()).parse().unwrap());
        }
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (0..12_000).collect::<Vec<_>>());
}
