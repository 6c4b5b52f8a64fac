//! Topics, read from their beginning to where they end now.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Headers, Message as _};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use serde_json::Value;
use sluice_node::Tally;

use crate::config::{DEAD_LETTERS, TOPIC};
use crate::index::tell;

/// Without a message for so long a topic that is not at its end counts as broken.
const PATIENCE: Duration = Duration::from_secs(60);

/// Counts every message of the topic; returns how many there are.
pub fn count(brokers: &str, tally: &mut Tally) -> Result<u64> {
    read(brokers, TOPIC, |message| {
        // What is no JSON counts as a line that nobody printed.
        let record: Value = serde_json::from_slice(message.payload().unwrap_or_default()).unwrap_or_default();
        tell(&record, message.partition(), tally);
    })
}

/// How many dead letters there are, by their reasons.
pub fn dead_letters(brokers: &str) -> Result<BTreeMap<String, u64>> {
    let mut letters = BTreeMap::new();
    read(brokers, DEAD_LETTERS, |message| {
        let reason = message.headers().and_then(|headers| headers.iter().find(|header| header.key == "sluice-reason"));
        let reason = reason.and_then(|header| header.value).map(String::from_utf8_lossy);
        *letters.entry(reason.map_or_else(|| "no reason".to_owned(), |reason| reason.into_owned())).or_default() += 1;
    })?;
    Ok(letters)
}

/// Hands over each message, those of a partition in their order. A topic that is not there has none.
fn read(brokers: &str, topic: &str, mut hand: impl FnMut(&rdkafka::message::BorrowedMessage<'_>)) -> Result<u64> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", "chaos-audit")
        .set("enable.auto.commit", "false")
        .set("allow.auto.create.topics", "false")
        .create()?;
    let metadata = consumer.fetch_metadata(Some(topic), PATIENCE).context("no metadata of the topics")?;
    let partitions = metadata.topics().iter().flat_map(|topic| topic.partitions()).map(|partition| partition.id());
    let (mut open, mut wanted) = (BTreeMap::new(), TopicPartitionList::new());
    for partition in partitions {
        let (low, high) = consumer.fetch_watermarks(topic, partition, PATIENCE)?;
        if low < high {
            open.insert(partition, high);
            wanted.add_partition_offset(topic, partition, Offset::Offset(low))?;
        }
    }
    consumer.assign(&wanted)?;
    let (mut count, mut heard) = (0, Instant::now());
    while !open.is_empty() {
        if heard.elapsed() > PATIENCE {
            bail!("topic {topic} gives no more messages, {} partitions before their end", open.len());
        }
        // Errors are those of a broker that comes back; patience ends.
        let Some(Ok(message)) = consumer.poll(Duration::from_millis(200)) else { continue };
        heard = Instant::now();
        if open.get(&message.partition()).is_some_and(|high| message.offset() < *high) {
            count += 1;
            hand(&message);
        }
        if open.get(&message.partition()).is_some_and(|high| message.offset() + 1 >= *high) {
            open.remove(&message.partition());
        }
    }
    Ok(count)
}
