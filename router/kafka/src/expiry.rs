//! Messages that were gone before they could be read.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use rdkafka::{
    Message, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    message::BorrowedMessage,
};
use sluice_core::Tally;
use tracing::warn;

use crate::poll::{COMPONENT, Context};

const NETWORK: Duration = Duration::from_secs(5);
/// How long an answer about a partition's lowest offset is good for: gaps that are no loss are common in some topics.
const GOOD_FOR: Duration = Duration::from_secs(10);

/// Finds out whether offsets that were skipped had expired, or never held a message (transactions, compaction).
pub(crate) struct Expiry {
    expired: Tally,
    /// The lowest offset a partition had when last asked, and when that was.
    lowest: HashMap<(String, i32), (u64, Instant)>,
}

impl Expiry {
    pub fn new(expired: Tally) -> Self {
        Self { expired, lowest: HashMap::new() }
    }

    /// Books what lies between the offset that was expected and that of `message`, as far as it has expired. Without
    /// an expectation the group's committed offset is one.
    pub fn book(&mut self, consumer: &BaseConsumer<Context>, message: &BorrowedMessage<'_>, expected: Option<u64>) {
        let (topic, partition, offset) = (message.topic(), message.partition(), message.offset().max(0) as u64);
        let Some(expected) = expected.or_else(|| committed(consumer, topic, partition)) else { return };
        let key = (topic.to_owned(), partition);
        let was_there = |(lowest, asked): &(u64, Instant)| *lowest <= expected && asked.elapsed() < GOOD_FOR;
        if offset <= expected || self.lowest.get(&key).is_some_and(was_there) {
            return;
        }
        let Ok((lowest, _)) = consumer.fetch_watermarks(topic, partition, NETWORK) else { return };
        let lowest = lowest.max(0) as u64;
        self.lowest.insert(key, (lowest, Instant::now()));
        let gone = lowest.min(offset).saturating_sub(expected);
        if gone > 0 {
            self.expired.add(gone.min(u64::from(u32::MAX)) as u32);
            warn!(
                component = COMPONENT,
                topic,
                partition,
                from = expected,
                to = lowest,
                records = gone,
                "offsets expired before they were read; raise the topic's retention or add consumers"
            );
        }
    }
}

fn committed(consumer: &BaseConsumer<Context>, topic: &str, partition: i32) -> Option<u64> {
    let mut list = TopicPartitionList::new();
    list.add_partition(topic, partition);
    let offsets = consumer.committed_offsets(list, NETWORK).ok()?;
    let offset = offsets.find_partition(topic, partition)?.offset().to_raw()?;
    u64::try_from(offset).ok()
}
