//! What a consumer hears: statistics, errors, and partitions that come and go.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use rdkafka::{
    ClientContext, Statistics, TopicPartitionList,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, Rebalance},
    error::{KafkaError, KafkaResult, RDKafkaErrorCode},
};
use sluice_core::Generation;
use tracing::{debug, info, warn};

use crate::{
    ConsumerStatus,
    assignment::Assignment,
    client,
    expiry::{Quiet, quiet},
    poll::COMPONENT,
};

/// How long a partition that is taken away is kept for what of it is under way: what settles by then is committed, and
/// the next owner does not read it again. The other members wait for it, and nothing is polled meanwhile.
const SETTLE: Duration = Duration::from_secs(5);
/// How often it is looked whether that is so.
const SETTLED: Duration = Duration::from_millis(10);

/// Hears what happens to the consumer; rebalances come on the polling thread, inside a poll.
pub(crate) struct Context {
    assignment: Mutex<Assignment>,
    status: Arc<ConsumerStatus>,
    /// Partitions that may have lost messages with nothing to show it, since the last statistics.
    quiet: Mutex<Option<Vec<Quiet>>>,
    rebalances: AtomicU64,
    /// The group is being left, and what could settle has settled.
    leaving: AtomicBool,
}

impl Context {
    pub fn new(generation: Arc<Generation>, status: Arc<ConsumerStatus>) -> Self {
        Self {
            assignment: Mutex::new(Assignment::new(generation)),
            status,
            quiet: Mutex::default(),
            rebalances: AtomicU64::new(0),
            leaving: AtomicBool::new(false),
        }
    }

    pub fn assignment(&self) -> MutexGuard<'_, Assignment> {
        self.assignment.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Context {
    /// From now on partitions are given up at once: what could settle has settled.
    pub fn leave(&self) {
        self.leaving.store(true, Ordering::Relaxed);
    }

    /// The partitions to look at since the last statistics, once.
    pub fn take_quiet(&self) -> Option<Vec<Quiet>> {
        self.quiet.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// How often partitions have come or gone.
    pub fn rebalances(&self) -> u64 {
        self.rebalances.load(Ordering::Relaxed)
    }

    /// Waits, with a limit, until what the pipeline got of these partitions has left.
    fn settle(&self, partitions: &TopicPartitionList) {
        let began = Instant::now();
        self.assignment().give_up(partitions);
        while !self.assignment().is_settled(partitions) {
            if began.elapsed() > SETTLE {
                info!(
                    component = COMPONENT,
                    "partitions leave with records under way; their next owner reads them again"
                );
                return;
            }
            thread::sleep(SETTLED);
        }
    }
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        client::log(COMPONENT, level, facility, text);
    }

    fn stats(&self, statistics: Statistics) {
        self.status.update(&statistics);
        *self.quiet.lock().unwrap_or_else(PoisonError::into_inner) = Some(quiet(&statistics));
    }

    fn error(&self, error: KafkaError, reason: &str) {
        client::error(COMPONENT, &error, reason);
    }
}

impl ConsumerContext for Context {
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        self.rebalances.fetch_add(1, Ordering::Relaxed);
        match rebalance {
            Rebalance::Assign(partitions) => info!(component = COMPONENT, partitions = %list(partitions), "assigned"),
            Rebalance::Revoke(partitions) => {
                info!(component = COMPONENT, partitions = %list(partitions), "taken away");
                // librdkafka remembers a pause beyond the assignment: a partition that comes back would stand still.
                if let Err(error) = consumer.resume(partitions) {
                    debug!(component = COMPONENT, %error, "partitions were not resumed");
                }
                // A partition that is lost has another owner already, who reads again what is under way.
                if !consumer.assignment_lost() && !self.leaving.load(Ordering::Relaxed) {
                    self.settle(partitions);
                }
                let mut assignment = self.assignment();
                let settled = assignment.uncommitted(Some(partitions));
                assignment.forget(partitions);
                drop(assignment);
                // Not waited for here, which may last as long as the coordinator is away; librdkafka itself gives the
                // partitions up only after it. A commit that fails means that the next owner reads some records again.
                if settled.count() > 0
                    && !consumer.assignment_lost()
                    && let Err(error) = consumer.commit(&settled, CommitMode::Async)
                {
                    warn!(component = COMPONENT, %error, "the last positions of the partitions were not committed");
                }
            }
            Rebalance::Error(error) => warn!(component = COMPONENT, %error, "rebalance failed"),
        }
    }

    fn commit_callback(&self, result: KafkaResult<()>, offsets: &TopicPartitionList) {
        if let Err(error) = result
            && error.rdkafka_error_code() != Some(RDKafkaErrorCode::NoOffset)
        {
            warn!(component = COMPONENT, %error, "positions were not committed; tried again at the next save");
            self.assignment().not_committed(offsets);
        }
    }
}

fn list(partitions: &TopicPartitionList) -> String {
    let names: Vec<String> =
        partitions.elements().iter().map(|element| format!("{}/{}", element.topic(), element.partition())).collect();
    names.join(" ")
}
