//! `kafka` as a source, as a sink and as the place for dead letters.

use std::time::Duration;

use super::allow;
use super::brokers::{Taken, brokers, options, topic};
use super::decode::Block;
use super::document::Value;
use super::interpolate::Environment;
use super::kinds::{self, Reading};
use super::plan::{Acks, DeadLetter, KafkaCompression, KafkaSink, KafkaSource, Partition, Start};

const MIB: u64 = 1 << 20;

const STARTS: [(&str, Start); 2] = [("earliest", Start::Earliest), ("latest", Start::Latest)];

const COMPRESSIONS: [(&str, KafkaCompression); 5] = [
    ("none", KafkaCompression::None),
    ("gzip", KafkaCompression::Gzip),
    ("snappy", KafkaCompression::Snappy),
    ("lz4", KafkaCompression::Lz4),
    ("zstd", KafkaCompression::Zstd),
];

const PARTITIONS: [(&str, Partition); 2] = [("container", Partition::Container), ("random", Partition::Random)];

const OFFSETS: &str = "leave it out: offsets move when records are delivered";
const FOLLOWS_ACKS: &str = "leave it out: it follows from \"acks\"";
const NO_TIMEOUT: &str = "leave it out: no record times out in the producer's queue";

const TAKEN_BY_SOURCE: [Taken; 6] = [
    ("group.id", "write \"group\""),
    ("auto.offset.reset", "write \"start\""),
    ("enable.auto.commit", OFFSETS),
    ("auto.commit.enable", OFFSETS),
    ("enable.auto.offset.store", OFFSETS),
    ("partition.assignment.strategy", "leave it out: partitions change hands one by one"),
];

const TAKEN_BY_SINK: [Taken; 10] = [
    ("acks", "write \"acks\""),
    ("request.required.acks", "write \"acks\""),
    ("compression.type", "write \"compression\""),
    ("compression.codec", "write \"compression\""),
    ("linger.ms", "write \"linger\""),
    ("queue.buffering.max.ms", "write \"linger\""),
    ("queue.buffering.max.kbytes", "write \"max_in_flight\""),
    ("enable.idempotence", FOLLOWS_ACKS),
    ("message.timeout.ms", NO_TIMEOUT),
    ("delivery.timeout.ms", NO_TIMEOUT),
];

const TAKEN_BY_DEAD_LETTER: [Taken; 5] = [
    ("acks", "leave it out: a dead letter waits for all replicas"),
    ("request.required.acks", "leave it out: a dead letter waits for all replicas"),
    ("enable.idempotence", "leave it out: dead letters are written idempotently"),
    ("message.timeout.ms", NO_TIMEOUT),
    ("delivery.timeout.ms", NO_TIMEOUT),
];

/// Reads `source.kafka`.
pub(super) fn source(block: Block, environment: Environment) -> Option<KafkaSource> {
    let brokers = brokers(&block);
    let group = block.required("group", "group: sluice", kinds::text);
    let topics = block.required_list("topics", "topics: [logs]", topic);
    let start = block.get("start", kinds::choice(&STARTS));
    let options = options(&block, &TAKEN_BY_SOURCE, environment);
    if let Some(twice) = topics.as_deref().and_then(repeated) {
        block.fail("topics", format!("{twice} is listed twice; keep one"));
    }
    block.finish();
    Some(KafkaSource {
        brokers: brokers?,
        group: group?,
        topics: topics?,
        start: start.unwrap_or(Start::Earliest),
        options,
    })
}

/// Reads `sink.kafka`.
pub(super) fn sink(block: Block, environment: Environment) -> Option<KafkaSink> {
    let brokers = brokers(&block);
    let topic = block.required("topic", "topic: logs", topic);
    let topic_key = block.get("topic_key", kinds::text);
    let exclude_topic_key = block.get("exclude_topic_key", kinds::boolean);
    let allowed_topics = block.list("allow_topics", allow::topics);
    let acks = block.get("acks", acks).unwrap_or(Acks::All);
    let compression = block.get("compression", kinds::choice(&COMPRESSIONS));
    let include_tag = block.get("include_tag", kinds::boolean);
    let include_time = block.get("include_time", kinds::boolean);
    let partition = block.get("partition", kinds::choice(&PARTITIONS));
    let linger = block.get("linger", kinds::duration(Duration::ZERO, Duration::from_secs(900)));
    let max_in_flight = block.get("max_in_flight", kinds::size(MIB, 16 * 1024 * MIB));
    let options = options(&block, &TAKEN_BY_SINK, environment);
    if topic_key.is_some() && !block.has("allow_topics") {
        block.fail(
            "topic_key",
            "lets records choose their topic; write which they may choose, as in \"allow_topics: [\"audit-*\"]\"",
        );
    }
    if exclude_topic_key == Some(true) && topic_key.is_none() {
        block.fail("exclude_topic_key", "there is no topic_key whose field it could leave out; write both, or neither");
    }
    if acks == Acks::Leader {
        block.warn(
            "acks",
            "with 1 the producer is not idempotent: a leader that is lost can take lines with it that it had \
             acknowledged, and a resend can repeat or reorder lines in the topic (the index removes repeats); \
             write \"acks: all\" unless that is meant",
        );
    }
    block.finish();
    Some(KafkaSink {
        brokers: brokers?,
        topic: topic?,
        topic_key,
        exclude_topic_key: exclude_topic_key.unwrap_or(false),
        allowed_topics: allowed_topics.unwrap_or_default(),
        acks,
        compression: compression.unwrap_or(KafkaCompression::Lz4),
        include_tag: include_tag.unwrap_or(false),
        include_time: include_time.unwrap_or(false),
        partition: partition.unwrap_or(Partition::Container),
        linger: linger.unwrap_or(Duration::from_millis(50)),
        max_in_flight: max_in_flight.unwrap_or(64 * MIB),
        options,
    })
}

/// Reads `dead_letter.kafka`.
pub(super) fn dead_letter(block: Block, environment: Environment) -> Option<DeadLetter> {
    let brokers = brokers(&block);
    let topic = block.required("topic", "topic: logs-dead", topic);
    let options = options(&block, &TAKEN_BY_DEAD_LETTER, environment);
    block.finish();
    Some(DeadLetter { brokers: brokers?, topic: topic?, options })
}

fn acks(value: &Value) -> Reading<Acks> {
    let written = match value {
        Value::Integer(number) => number.to_string(),
        Value::Text { text, .. } => text.clone(),
        other => kinds::describe(other),
    };
    match written.as_str() {
        "all" => Ok(Acks::All),
        "1" => Ok(Acks::Leader),
        "0" => Err("0 would lose lines without a sign; write all, or 1".to_owned()),
        "-1" => Err("-1 is another name for all; write all".to_owned()),
        _ => Err(format!("{written} is not among the choices; write all, or 1")),
    }
}

fn repeated(topics: &[String]) -> Option<&String> {
    topics
        .iter()
        .enumerate()
        .find(|(index, topic)| topics.iter().take(*index).any(|earlier| earlier == *topic))
        .map(|(_, topic)| topic)
}
