//! Topics as another team's consumer or producer sees them.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use rdkafka::{
    ClientConfig, Message as _, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    message::Headers,
    producer::{BaseProducer, BaseRecord, Producer},
};

use crate::PATIENCE;

/// A message as it lies in Kafka.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub partition: i32,
    pub offset: i64,
    pub key: Option<String>,
    pub value: Vec<u8>,
    pub headers: BTreeMap<String, String>,
}

/// All messages of a topic, by partition and offset, once there are at least `count`, and no more come for a moment.
pub fn messages(bootstrap: &str, topic: &str, count: usize) -> Result<Vec<Message>> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("group.id", format!("reader-of-{topic}-{}", std::process::id()))
        .set("auto.offset.reset", "earliest")
        .set("enable.auto.commit", "false")
        .create()?;
    consumer.subscribe(&[topic])?;
    let deadline = Instant::now() + PATIENCE;
    let mut messages = Vec::new();
    let mut quiet_since = Instant::now();
    while messages.len() < count || quiet_since.elapsed() < Duration::from_millis(500) {
        // A topic that nobody has written to yet is an error until it exists.
        if let Some(Ok(message)) = consumer.poll(Duration::from_millis(100)) {
            messages.push(Message {
                partition: message.partition(),
                offset: message.offset(),
                key: message.key().map(|key| String::from_utf8_lossy(key).into_owned()),
                value: message.payload().unwrap_or_default().to_vec(),
                headers: message.headers().map(headers).unwrap_or_default(),
            });
            quiet_since = Instant::now();
        }
        if Instant::now() > deadline {
            bail!("topic {topic} has {} of {count} messages after {} s", messages.len(), PATIENCE.as_secs());
        }
    }
    messages.sort_by_key(|message| (message.partition, message.offset));
    Ok(messages)
}

fn headers(headers: &rdkafka::message::BorrowedHeaders) -> BTreeMap<String, String> {
    let text = |value: Option<&[u8]>| String::from_utf8_lossy(value.unwrap_or_default()).into_owned();
    headers.iter().map(|header| (header.key.to_owned(), text(header.value))).collect()
}

/// Writes values to a topic as Fluentd does: no key, no headers. `timestamp` is Kafka's, in ms.
pub fn fill(bootstrap: &str, topic: &str, timestamp: i64, values: &[&str]) -> Result<()> {
    let producer: BaseProducer = ClientConfig::new().set("bootstrap.servers", bootstrap).create()?;
    for value in values {
        let record = BaseRecord::<(), str, ()>::to(topic).payload(value).timestamp(timestamp);
        if let Err((error, _)) = producer.send(record) {
            bail!("cannot write to {topic}: {error}");
        }
    }
    Ok(producer.flush(PATIENCE)?)
}

/// The offset that a group has committed in each partition of a topic; nothing for a partition without one.
pub fn committed(bootstrap: &str, group: &str, topic: &str) -> Result<BTreeMap<i32, i64>> {
    let consumer: BaseConsumer =
        ClientConfig::new().set("bootstrap.servers", bootstrap).set("group.id", group).create()?;
    let metadata = consumer.fetch_metadata(Some(topic), Duration::from_secs(10))?;
    let mut asked = TopicPartitionList::new();
    for partition in metadata.topics().iter().flat_map(|topic| topic.partitions()) {
        asked.add_partition(topic, partition.id());
    }
    let committed = consumer.committed_offsets(asked, Duration::from_secs(10))?;
    let known = committed.elements().into_iter().filter_map(|element| match element.offset() {
        Offset::Offset(offset) => Some((element.partition(), offset)),
        _ => None,
    });
    Ok(known.collect())
}
