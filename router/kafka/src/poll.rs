//! The thread that polls a consumer: it never stops polling, so that the group keeps its partitions also while the
//! sink has no room.

use std::{
    sync::{Arc, mpsc::TryRecvError},
    time::{Duration, Instant},
};

use rdkafka::{
    TopicPartitionList,
    consumer::{BaseConsumer, CommitMode, Consumer},
    error::{KafkaError, RDKafkaErrorCode},
    message::BorrowedMessage,
};
use sluice_core::{Failure, Generation};
use tokio::{
    runtime::Runtime,
    sync::{mpsc, oneshot},
};
use tracing::{debug, warn};

use crate::{
    assignment::{Collected, Order},
    client,
    context::Context,
    expiry::Expiry,
};

pub(crate) const COMPONENT: &str = "kafka source";
/// How long a poll waits for a message, and so how long a command may wait for its turn.
const POLL: Duration = Duration::from_millis(50);
/// How long to wait for room before looking for orders.
const LOOK: Duration = Duration::from_millis(250);
/// How long the sink may be without room before the partitions are paused: what was fetched ahead is then fetched
/// again, so it is not done for a busy moment; and it must be far below `max.poll.interval.ms` (5 minutes).
const PATIENCE: Duration = Duration::from_secs(5);
/// What was collected of quiet partitions is handed on this often also while others are busy.
const HAND_ON: Duration = Duration::from_millis(250);
/// How long leaving the group may take.
pub(crate) const LEAVE: Duration = Duration::from_secs(3);

/// Orders to the thread. Closing is answered when the group is left; a save is not: nobody should wait for it.
pub(crate) enum Command {
    Save,
    Close(Done),
}

pub(crate) type Done = oneshot::Sender<Result<(), Failure>>;

/// The pipeline wants no more batches; who to tell when the consumer has left, if anybody waits.
struct Closing(Option<Done>);

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
        let mut expiry = Expiry::new(self.generation.ledger().expired_by("offset_out_of_range"));
        let Closing(waiting) = loop {
            self.look_at_quiet_partitions(&mut expiry);
            if let Err(closing) = self.serve().and_then(|()| self.collect(&mut expiry)) {
                break closing;
            }
        };
        self.commit();
        self.generation.goes_on_at(self.consumer.context().assignment().rest());
        let left = self.leave();
        if let Some(done) = waiting {
            let _ = done.send(left);
        }
    }

    /// As often as there are statistics.
    fn look_at_quiet_partitions(&self, expiry: &mut Expiry) {
        let context = self.consumer.context();
        if let Some(quiet) = context.take_quiet() {
            expiry.look(&self.consumer, &quiet, context.rebalances());
        }
    }

    /// Carries out the orders that have come.
    fn serve(&self) -> Result<(), Closing> {
        loop {
            match self.commands.try_recv() {
                Ok(Command::Save) => self.commit(),
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
                Ok(Command::Save) => self.commit(),
                Ok(Command::Close(done)) => return Closing(Some(done)),
                Err(_) => return Closing(None),
            }
        }
    }

    /// Leaves the group, after the commits that are under way. Dropping the consumer alone would leave it to the
    /// session timeout to tell the others.
    fn leave(&self) -> Result<(), Failure> {
        let failed = |why: String| {
            Failure::transient(
                COMPONENT,
                format!("did not leave its group: {why}; the others get its partitions when the session times out"),
            )
        };
        self.consumer.context().leave();
        self.consumer.close_queue().map_err(|error| failed(error.to_string()))?;
        let polls = (LEAVE.as_millis() / POLL.as_millis()) as u32;
        for _ in 0..polls {
            if self.consumer.closed() {
                return Ok(());
            }
            // Messages that still come are not booked, and are read again by the next owner.
            drop(self.consumer.poll(POLL));
        }
        Err(failed("the coordinator does not answer".into()))
    }

    /// Collects messages until a batch is full or none is left to read, and hands the batches on.
    fn collect(&self, expiry: &mut Expiry) -> Result<(), Closing> {
        let began = Instant::now();
        let mut wait = POLL;
        for count in 1u32.. {
            let full = match self.consumer.poll(wait) {
                Some(Ok(message)) => self.take(&message, expiry),
                Some(Err(error)) => {
                    self.failed(&error);
                    false
                }
                None => return self.hand_on(false, expiry),
            };
            // The clock is not asked for each message: that would be a twentieth of this thread's work.
            if count % 64 == 0 && began.elapsed() > HAND_ON {
                return self.hand_on(false, expiry);
            }
            if full {
                self.hand_on(true, expiry)?;
                self.serve()?;
            }
            wait = Duration::ZERO;
        }
        Ok(())
    }

    /// True when a partition's batch is full.
    fn take(&self, message: &BorrowedMessage<'_>, expiry: &mut Expiry) -> bool {
        let added = self.consumer.context().assignment().add(message);
        match added.order {
            Order::Next => {}
            Order::First => expiry.book(&self.consumer, message, None),
            Order::Gap { expected } => expiry.book(&self.consumer, message, Some(expected)),
        }
        added.is_full
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

    fn hand_on(&self, only_full: bool, expiry: &mut Expiry) -> Result<(), Closing> {
        let batches = self.consumer.context().assignment().take_collected(only_full);
        batches.into_iter().try_for_each(|batch| self.hand_on_one(batch, expiry))
    }

    fn hand_on_one(&self, batch: Collected, expiry: &mut Expiry) -> Result<(), Closing> {
        let began = Instant::now();
        let mut paused = None;
        let permit = loop {
            let room = self.runtime.block_on(async { tokio::time::timeout(LOOK, self.batches.reserve()).await });
            match room {
                Ok(Ok(permit)) => break permit,
                Ok(Err(_)) => return Err(self.closing()),
                Err(_) => {}
            }
            self.serve()?;
            if began.elapsed() > PATIENCE {
                paused = Some(self.pause());
                self.attend(expiry);
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

    /// With all partitions paused: heartbeats, rebalances, errors, statistics. A message that was on its way is taken.
    fn attend(&self, expiry: &mut Expiry) {
        match self.consumer.poll(POLL) {
            Some(Ok(message)) => {
                self.take(&message, expiry);
            }
            Some(Err(error)) => self.failed(&error),
            None => {}
        }
    }

    fn pause(&self) -> TopicPartitionList {
        let partitions = self.consumer.assignment().unwrap_or_default();
        if let Err(error) = self.consumer.pause(&partitions) {
            debug!(component = COMPONENT, %error, "partitions were not paused");
        }
        partitions
    }

    fn commit(&self) {
        let offsets = self.consumer.context().assignment().uncommitted(None);
        if offsets.count() > 0
            && let Err(error) = self.consumer.commit(&offsets, CommitMode::Async)
        {
            warn!(component = COMPONENT, %error, "positions were not committed; tried again at the next save");
            self.consumer.context().assignment().not_committed(&offsets);
        }
    }
}

fn is_connection(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(RDKafkaErrorCode::BrokerTransportFailure | RDKafkaErrorCode::AllBrokersDown | RDKafkaErrorCode::Resolve)
    )
}
