//! Messages that were gone before they could be read.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use rdkafka::{
    Message, Statistics, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    message::BorrowedMessage,
};
use sluice_core::Tally;
use tracing::warn;

use crate::{context::Context, poll::COMPONENT};

const NETWORK: Duration = Duration::from_secs(5);
/// How long an answer about a partition's lowest offset is good for: gaps that are no loss are common in some topics.
const GOOD_FOR: Duration = Duration::from_secs(10);

/// After a question that nobody answered the next waits this long: meanwhile nothing is polled.
const ASK_AGAIN: Duration = Duration::from_secs(30);

type Key = (String, i32);

/// Finds out whether offsets that were skipped had expired, or never held a message (transactions, compaction).
pub(crate) struct Expiry {
    expired: Tally,
    /// The lowest offset a partition had when last asked, and when that was.
    lowest: HashMap<Key, (u64, Instant)>,
    /// What the group has committed of partitions that nothing was read of since they were assigned.
    committed: HashMap<Key, Option<u64>>,
    /// The assignment that `committed` is of.
    rebalances: u64,
    ask_after: Instant,
    /// Partitions that seemed to have lost everything at the last look, and from which offset on.
    suspects: HashMap<Key, u64>,
}

/// A partition that librdkafka fetches from, and of which it holds nothing that was not taken.
#[derive(Clone, Debug)]
pub(crate) struct Quiet {
    key: Key,
    /// The lowest offset that the broker has.
    lowest: u64,
}

/// The partitions that wait for a message although older offsets are gone.
pub(crate) fn quiet(statistics: &Statistics) -> Vec<Quiet> {
    let partitions = statistics.topics.iter().flat_map(|(topic, figures)| {
        figures.partitions.iter().map(move |(number, partition)| (topic, *number, partition))
    });
    let quiet = partitions.filter(|(_, number, partition)| {
        let waits = partition.fetch_state == "active" && partition.fetchq_cnt == 0;
        *number >= 0 && waits && partition.lo_offset > 0 && partition.next_offset >= partition.lo_offset
    });
    quiet
        .map(|(topic, number, partition)| Quiet { key: (topic.clone(), number), lowest: partition.lo_offset as u64 })
        .collect()
}

impl Expiry {
    pub fn new(expired: Tally) -> Self {
        Self {
            expired,
            lowest: HashMap::new(),
            committed: HashMap::new(),
            rebalances: 0,
            ask_after: Instant::now(),
            suspects: HashMap::new(),
        }
    }

    /// Books what has expired of partitions that have no message left to show it, and moves on to what they have.
    /// `rebalances` says whether it is still the same assignment.
    pub fn look(&mut self, consumer: &BaseConsumer<Context>, quiet: &[Quiet], rebalances: u64) {
        if self.rebalances != rebalances {
            self.rebalances = rebalances;
            self.committed.clear();
        }
        self.ask(consumer, quiet);
        let mut suspects = HashMap::new();
        for Quiet { key, lowest } in quiet {
            let committed = self.committed.get(key).copied().flatten();
            let mut assignment = consumer.context().assignment();
            let Some(from) = assignment.expired_from(&key.0, key.1, committed, *lowest) else { continue };
            // Seen twice: what was just fetched may not be in the queue yet.
            if self.suspects.get(key) == Some(&from) {
                assignment.skip_to(&key.0, key.1, *lowest);
                drop(assignment);
                self.count(&key.0, key.1, from, *lowest, lowest - from);
            } else {
                suspects.insert(key.clone(), from);
            }
        }
        self.suspects = suspects;
    }

    /// Asks for the committed offsets that nothing else tells, once for each assignment.
    fn ask(&mut self, consumer: &BaseConsumer<Context>, quiet: &[Quiet]) {
        let mut unknown = TopicPartitionList::new();
        for Quiet { key, .. } in quiet {
            if !self.committed.contains_key(key) && !consumer.context().assignment().has_read(&key.0, key.1) {
                unknown.add_partition(&key.0, key.1);
            }
        }
        if unknown.count() == 0 || Instant::now() < self.ask_after {
            return;
        }
        match consumer.committed_offsets(unknown, NETWORK) {
            Ok(offsets) => {
                for element in offsets.elements() {
                    let offset = element.offset().to_raw().and_then(|offset| u64::try_from(offset).ok());
                    self.committed.insert((element.topic().to_owned(), element.partition()), offset);
                }
            }
            Err(_) => self.ask_after = Instant::now() + ASK_AGAIN,
        }
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
            self.count(topic, partition, expected, lowest, gone);
        }
    }

    fn count(&self, topic: &str, partition: i32, from: u64, to: u64, records: u64) {
        self.expired.add(records.min(u64::from(u32::MAX)) as u32);
        warn!(
            component = COMPONENT,
            topic,
            partition,
            from,
            to,
            records,
            "offsets expired before they were read; raise the topic's retention or add consumers"
        );
    }
}

fn committed(consumer: &BaseConsumer<Context>, topic: &str, partition: i32) -> Option<u64> {
    let mut list = TopicPartitionList::new();
    list.add_partition(topic, partition);
    let offsets = consumer.committed_offsets(list, NETWORK).ok()?;
    let offset = offsets.find_partition(topic, partition)?.offset().to_raw()?;
    u64::try_from(offset).ok()
}
