//! The thread that polls a consumer: it never stops polling, so that the group keeps its partitions also while the
//! sink has no room.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc::TryRecvError},
    time::Duration,
};

use rdkafka::{
    ClientContext, Message, Statistics, TopicPartitionList,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, Rebalance},
    error::{KafkaError, KafkaResult, RDKafkaErrorCode},
    message::BorrowedMessage,
};
use sluice_core::{Failure, Generation, Tally};
use tokio::{
    runtime::Runtime,
    sync::{mpsc, oneshot},
};
use tracing::{debug, info, warn};

use crate::{
    ConsumerStatus,
    assignment::{Added, Assignment, Collected},
    client,
};

pub(crate) const COMPONENT: &str = "kafka source";
/// How long a poll waits for a message, and so how long a command may wait for its turn.
const POLL: Duration = Duration::from_millis(50);
/// How long the sink may be without room before the partitions are paused.
const PATIENCE: Duration = Duration::from_millis(250);
const NETWORK: Duration = Duration::from_secs(5);

/// Orders to the thread; each is answered when it is done.
pub(crate) enum Command {
    Save(Done),
    Close(Done),
}

pub(crate) type Done = oneshot::Sender<Result<(), Failure>>;

/// The pipeline wants no more batches; who to tell when the consumer has left, if anybody waits.
struct Closing(Option<Done>);

/// Hears what happens to the consumer; rebalances come on the polling thread, inside a poll.
pub(crate) struct Context {
    assignment: Mutex<Assignment>,
    status: Arc<ConsumerStatus>,
}

impl Context {
    pub fn new(generation: Arc<Generation>, status: Arc<ConsumerStatus>) -> Self {
        Self { assignment: Mutex::new(Assignment::new(generation)), status }
    }

    pub fn assignment(&self) -> MutexGuard<'_, Assignment> {
        self.assignment.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        client::log(COMPONENT, level, facility, text);
    }

    fn stats(&self, statistics: Statistics) {
        self.status.update(&statistics);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        client::error(COMPONENT, &error, reason);
    }
}

impl ConsumerContext for Context {
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        match rebalance {
            Rebalance::Assign(partitions) => info!(component = COMPONENT, partitions = %list(partitions), "assigned"),
            Rebalance::Revoke(partitions) => {
                info!(component = COMPONENT, partitions = %list(partitions), "taken away");
                let mut assignment = self.assignment();
                let settled = assignment.uncommitted(Some(partitions));
                assignment.forget(partitions);
                self.status.assigned(assignment.len());
                drop(assignment);
                // A commit that fails here only means that the next owner reads some records again.
                if settled.count() > 0
                    && !consumer.assignment_lost()
                    && let Err(error) = consumer.commit(&settled, CommitMode::Sync)
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

/// The consumer, and the way to the pipeline.
pub(crate) struct Poller {
    pub consumer: BaseConsumer<Context>,
    pub commands: std::sync::mpsc::Receiver<Command>,
    pub batches: mpsc::Sender<Collected>,
    pub generation: Arc<Generation>,
    /// Only to wait with a limit for room in `batches`.
    pub runtime: Runtime,
}

impl Poller {
    /// Polls until it is told to close, or the pipeline is gone; then commits what is settled and leaves the group.
    pub fn run(self) {
        let expired = self.generation.ledger().expired_by("offset_out_of_range");
        let mut expiry = Expiry { expired, lowest: HashMap::new() };
        let Closing(waiting) = loop {
            if let Err(closing) = self.serve().and_then(|()| self.collect(&mut expiry)) {
                break closing;
            }
        };
        let committed = self.commit(CommitMode::Sync);
        self.leave();
        if let Some(done) = waiting {
            let _ = done.send(committed);
        }
    }

    /// Carries out the orders that have come.
    fn serve(&self) -> Result<(), Closing> {
        loop {
            match self.commands.try_recv() {
                Ok(Command::Save(done)) => {
                    let _ = done.send(self.commit(CommitMode::Async));
                }
                Ok(Command::Close(done)) => return Err(Closing(Some(done))),
                Err(TryRecvError::Disconnected) => return Err(Closing(None)),
                Err(TryRecvError::Empty) => return Ok(()),
            }
        }
    }

    /// The pipeline takes no more batches, so its order to close comes, or it is dropped.
    fn closing(&self) -> Closing {
        loop {
            match self.commands.recv() {
                Ok(Command::Save(done)) => {
                    let _ = done.send(self.commit(CommitMode::Async));
                }
                Ok(Command::Close(done)) => return Closing(Some(done)),
                Err(_) => return Closing(None),
            }
        }
    }

    /// Leaves the group. Dropping the consumer alone would leave it to the session timeout to tell the others.
    fn leave(self) {
        if let Err(error) = self.consumer.close_queue() {
            warn!(component = COMPONENT, %error, "left the group without telling it; its partitions wait for the session timeout");
            return;
        }
        let polls = (NETWORK.as_millis() / POLL.as_millis()) as u32;
        for _ in 0..polls {
            if self.consumer.closed() {
                return;
            }
            // Messages that still come are not booked, and are read again by the next owner.
            drop(self.consumer.poll(POLL));
        }
    }

    /// Collects messages until a batch is full or none is left to read, and hands the batches on.
    fn collect(&self, expiry: &mut Expiry) -> Result<(), Closing> {
        let mut wait = POLL;
        loop {
            let full = match self.consumer.poll(wait) {
                Some(Ok(message)) => self.take(&message, expiry) == Added::Full,
                Some(Err(error)) => {
                    self.failed(&error);
                    false
                }
                None => return self.hand_on(false),
            };
            if full {
                return self.hand_on(true);
            }
            wait = Duration::ZERO;
        }
    }

    fn take(&self, message: &BorrowedMessage<'_>, expiry: &mut Expiry) -> Added {
        let expected = self.consumer.context().assignment().expected(message.topic(), message.partition());
        if expected != Some(message.offset().max(0) as u64) {
            expiry.book(&self.consumer, message, expected);
        }
        let mut assignment = self.consumer.context().assignment();
        let added = assignment.add(message);
        if expected.is_none() {
            self.consumer.context().status.assigned(assignment.len());
        }
        added
    }

    fn failed(&self, error: &KafkaError) {
        match error {
            KafkaError::PartitionEOF(_) => {}
            KafkaError::MessageConsumptionFatal(_) => {
                self.generation.fail(Failure::transient(COMPONENT, error.to_string()));
            }
            error if is_connection(error) => client::error(COMPONENT, error, "while polling"),
            error => warn!(component = COMPONENT, %error, "librdkafka tries again by itself"),
        }
    }

    fn hand_on(&self, only_full: bool) -> Result<(), Closing> {
        let batches = self.consumer.context().assignment().take_collected(only_full);
        batches.into_iter().try_for_each(|batch| self.hand_on_one(batch))
    }

    fn hand_on_one(&self, batch: Collected) -> Result<(), Closing> {
        let mut paused = None;
        let permit = loop {
            let room = self.runtime.block_on(async { tokio::time::timeout(PATIENCE, self.batches.reserve()).await });
            match room {
                Ok(Ok(permit)) => break permit,
                Ok(Err(_)) => return Err(self.closing()),
                Err(_) => {}
            }
            // Orders cannot wait for room: the pipeline may be waiting for the answer.
            self.serve()?;
            paused = Some(self.pause());
            // With all partitions paused this only serves the group: heartbeats, rebalances, statistics.
            if let Some(Ok(message)) = self.consumer.poll(Duration::ZERO) {
                self.consumer.context().assignment().add(&message);
            }
        };
        permit.send(batch);
        if let Some(partitions) = paused
            && let Err(error) = self.consumer.resume(&partitions)
        {
            warn!(component = COMPONENT, %error, "partitions were not resumed");
        }
        Ok(())
    }

    fn pause(&self) -> TopicPartitionList {
        let partitions = self.consumer.assignment().unwrap_or_default();
        if let Err(error) = self.consumer.pause(&partitions) {
            debug!(component = COMPONENT, %error, "partitions were not paused");
        }
        partitions
    }

    fn commit(&self, mode: CommitMode) -> Result<(), Failure> {
        let offsets = self.consumer.context().assignment().uncommitted(None);
        if offsets.count() == 0 {
            return Ok(());
        }
        self.consumer.commit(&offsets, mode).map_err(|error| {
            self.consumer.context().assignment().not_committed(&offsets);
            Failure::transient(COMPONENT, format!("positions were not committed: {error}"))
        })
    }
}

fn is_connection(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(RDKafkaErrorCode::BrokerTransportFailure | RDKafkaErrorCode::AllBrokersDown | RDKafkaErrorCode::Resolve)
    )
}

/// Finds out whether offsets that were skipped had expired, or never held a message (transactions, compaction).
struct Expiry {
    expired: Tally,
    /// The lowest offset a partition had when last asked.
    lowest: HashMap<(String, i32), u64>,
}

impl Expiry {
    fn book(&mut self, consumer: &BaseConsumer<Context>, message: &BorrowedMessage<'_>, expected: Option<u64>) {
        let (topic, partition, offset) = (message.topic(), message.partition(), message.offset().max(0) as u64);
        let key = (topic.to_owned(), partition);
        let Some(expected) = expected.or_else(|| committed(consumer, topic, partition)) else { return };
        // Skipped within what was there before: not expired.
        if offset <= expected || self.lowest.get(&key).is_some_and(|lowest| *lowest >= offset) {
            return;
        }
        let Ok((lowest, _)) = consumer.fetch_watermarks(topic, partition, NETWORK) else { return };
        let lowest = lowest.max(0) as u64;
        self.lowest.insert(key, lowest);
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
