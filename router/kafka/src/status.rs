//! Figures that a client shows of itself; they outlive generations.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering},
};

/// Figures of a producer.
#[derive(Debug, Default)]
pub struct ProducerStatus {
    queued_bytes: AtomicU64,
    /// Bytes of messages that the topic takes in one request, as far as that was found out; 0 if it was not.
    request_limit: AtomicUsize,
}

impl ProducerStatus {
    pub(crate) fn update(&self, statistics: &rdkafka::Statistics) {
        self.queued_bytes.store(statistics.msg_size, Ordering::Relaxed);
    }

    pub(crate) fn request_limit(&self) -> Option<usize> {
        Some(self.request_limit.load(Ordering::Relaxed)).filter(|limit| *limit > 0)
    }

    pub(crate) fn set_request_limit(&self, limit: usize) {
        self.request_limit.store(limit, Ordering::Relaxed);
    }

    /// Bytes of messages in the producer's queue and on the wire, at the last look (once a second).
    pub fn queued_bytes(&self) -> u64 {
        self.queued_bytes.load(Ordering::Relaxed)
    }
}

/// The states of a partition that is not fetched from.
const NOT_OURS: [&str; 3] = ["none", "stopping", "stopped"];

/// Figures of a consumer.
#[derive(Debug, Default)]
pub struct ConsumerStatus {
    lag: AtomicI64,
    partitions: Mutex<Vec<PartitionStatus>>,
}

/// One partition that a consumer has. What the broker has not told yet is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionStatus {
    pub topic: String,
    pub partition: i32,
    /// Where a restart goes on.
    pub committed: Option<u64>,
    /// The offset that the next message will have.
    pub end: Option<u64>,
    /// Messages that are not committed.
    pub lag: Option<u64>,
}

impl PartitionStatus {
    /// `None` for one that the consumer does not have: librdkafka tells of all of a topic.
    fn of(topic: &str, partition: &rdkafka::statistics::Partition) -> Option<Self> {
        if partition.fetch_state != "active" {
            return None;
        }
        let known = |offset: i64| u64::try_from(offset).ok();
        let (committed, end) = (known(partition.committed_offset), known(partition.ls_offset));
        let lag = known(partition.consumer_lag);
        Some(Self { topic: topic.to_owned(), partition: partition.partition, committed, end, lag })
    }
}

impl ConsumerStatus {
    pub(crate) fn update(&self, statistics: &rdkafka::Statistics) {
        let partitions = statistics.topics.values().flat_map(|topic| topic.partitions.values());
        // librdkafka goes on listing partitions that were taken away, with the lag that they had.
        let own = partitions.filter(|partition| !NOT_OURS.contains(&partition.fetch_state.as_str()));
        let lag = own.filter(|partition| partition.consumer_lag >= 0).map(|partition| partition.consumer_lag).sum();
        self.lag.store(lag, Ordering::Relaxed);
        let topics = statistics.topics.iter();
        let now = topics.flat_map(|(name, topic)| {
            topic.partitions.values().filter_map(|partition| PartitionStatus::of(name, partition))
        });
        let mut now: Vec<_> = now.collect();
        now.sort_by(|a, b| (&a.topic, a.partition).cmp(&(&b.topic, b.partition)));
        *self.partitions.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }

    /// The partitions that the consumer has, at the last look (once a second), by topic and number.
    pub fn partitions(&self) -> Vec<PartitionStatus> {
        self.partitions.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Messages in the assigned partitions that are not committed yet, at the last look (once a second).
    pub fn lag(&self) -> u64 {
        self.lag.load(Ordering::Relaxed).max(0) as u64
    }
}

#[cfg(test)]
mod tests {
    use rdkafka::{
        Statistics,
        statistics::{Partition, Topic},
    };

    use super::*;

    #[test]
    fn only_partitions_that_are_assigned_have_a_lag() {
        let states =
            [("active", 7), ("offset-query", -1), ("stopped", 3_672), ("none", 5), ("stopping", 5), ("active", 2)];
        let mut topic = Topic::default();
        for (number, (fetch_state, consumer_lag)) in (0..).zip(states) {
            let partition = Partition { fetch_state: fetch_state.into(), consumer_lag, ..Partition::default() };
            topic.partitions.insert(number, partition);
        }
        let mut statistics = Statistics::default();
        statistics.topics.insert("logs".into(), topic);
        let status = ConsumerStatus::default();
        status.update(&statistics);
        assert_eq!(status.lag(), 9);
    }
}
