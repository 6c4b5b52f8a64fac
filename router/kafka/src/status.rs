//! Figures that a client shows of itself; they outlive generations.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// Figures of a producer.
#[derive(Debug, Default)]
pub struct ProducerStatus {
    queued_bytes: AtomicU64,
}

impl ProducerStatus {
    pub(crate) fn update(&self, statistics: &rdkafka::Statistics) {
        self.queued_bytes.store(statistics.msg_size, Ordering::Relaxed);
    }

    /// Bytes of messages in the producer's queue and on the wire, at the last look (once a second).
    pub fn queued_bytes(&self) -> u64 {
        self.queued_bytes.load(Ordering::Relaxed)
    }
}

/// Figures of a consumer.
#[derive(Debug, Default)]
pub struct ConsumerStatus {
    lag: AtomicI64,
}

impl ConsumerStatus {
    pub(crate) fn update(&self, statistics: &rdkafka::Statistics) {
        let partitions = statistics.topics.values().flat_map(|topic| topic.partitions.values());
        let lag =
            partitions.filter(|partition| partition.consumer_lag >= 0).map(|partition| partition.consumer_lag).sum();
        self.lag.store(lag, Ordering::Relaxed);
    }

    /// Messages in the assigned partitions that are not committed yet, at the last look (once a second).
    pub fn lag(&self) -> u64 {
        self.lag.load(Ordering::Relaxed).max(0) as u64
    }
}
