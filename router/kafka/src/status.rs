//! Figures that a client shows of itself; they outlive generations.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// Figures of a producer.
#[derive(Debug, Default)]
pub struct ProducerStatus {
    queued_messages: AtomicU64,
    queued_bytes: AtomicU64,
    sent_bytes: AtomicU64,
}

impl ProducerStatus {
    pub(crate) fn update(&self, statistics: &rdkafka::Statistics) {
        self.queued_messages.store(statistics.msg_cnt, Ordering::Relaxed);
        self.queued_bytes.store(statistics.msg_size, Ordering::Relaxed);
        self.sent_bytes.store(statistics.tx_bytes.max(0) as u64, Ordering::Relaxed);
    }

    /// Messages in the producer's queue and on the wire, at the last look (once a second).
    pub fn queued_messages(&self) -> u64 {
        self.queued_messages.load(Ordering::Relaxed)
    }

    /// Their bytes.
    pub fn queued_bytes(&self) -> u64 {
        self.queued_bytes.load(Ordering::Relaxed)
    }

    /// Bytes sent to brokers, compressed, since this client started.
    pub fn sent_bytes(&self) -> u64 {
        self.sent_bytes.load(Ordering::Relaxed)
    }
}

/// Figures of a consumer.
#[derive(Debug, Default)]
pub struct ConsumerStatus {
    lag: AtomicI64,
    partitions: AtomicU64,
}

impl ConsumerStatus {
    pub(crate) fn update(&self, statistics: &rdkafka::Statistics) {
        let partitions = statistics.topics.values().flat_map(|topic| topic.partitions.values());
        let lag =
            partitions.filter(|partition| partition.consumer_lag >= 0).map(|partition| partition.consumer_lag).sum();
        self.lag.store(lag, Ordering::Relaxed);
    }

    pub(crate) fn assigned(&self, partitions: usize) {
        self.partitions.store(partitions as u64, Ordering::Relaxed);
    }

    /// Messages in the assigned partitions that are not committed yet, at the last look (once a second).
    pub fn lag(&self) -> u64 {
        self.lag.load(Ordering::Relaxed).max(0) as u64
    }

    /// Partitions that this consumer has read from since they were assigned.
    pub fn partitions(&self) -> u64 {
        self.partitions.load(Ordering::Relaxed)
    }
}
