//! Topics → batches of documents.

use std::{
    sync::{Arc, mpsc as blocking},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use rdkafka::{
    config::FromClientConfigAndContext,
    consumer::{BaseConsumer, Consumer},
};
use sluice_core::{Batch, Failure, Generation, pipeline::Source};
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

use crate::{
    ConsumerConfig, ConsumerStatus,
    assignment::Collected,
    config::refused,
    context::Context,
    poll::{COMPONENT, Command, LEAVE, Poller},
};

/// Batches that wait for the pipeline, each at most 1,000 records or a little over 1 MiB.
const WAITING_BATCHES: usize = 4;

/// A member of a consumer group. Offsets are committed when everything before them is resolved.
pub struct KafkaSource {
    batches: mpsc::Receiver<Collected>,
    context: Arc<Context>,
    commands: blocking::Sender<Command>,
    thread: Option<JoinHandle<()>>,
}

impl KafkaSource {
    /// Joins the group; no broker has to be there yet.
    pub fn open(
        config: &ConsumerConfig,
        generation: Arc<Generation>,
        status: Arc<ConsumerStatus>,
    ) -> Result<Self, Failure> {
        let context = Context::new(generation.clone(), status);
        let consumer: BaseConsumer<Context> = BaseConsumer::from_config_and_context(&config.client(), context)
            .map_err(|error| refused(COMPONENT, &error))?;
        let topics: Vec<&str> = config.topics.iter().map(String::as_str).collect();
        consumer.subscribe(&topics).map_err(|error| {
            Failure::fatal(COMPONENT, format!("cannot subscribe to {}: {error}", config.topics.join(", ")))
        })?;
        let context = consumer.context().clone();
        let (batch_sender, batches) = mpsc::channel(WAITING_BATCHES);
        let (commands, command_receiver) = blocking::channel();
        let start = |error: std::io::Error| Failure::transient(COMPONENT, format!("cannot start its thread: {error}"));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().map_err(start)?;
        let poller = Poller { consumer, commands: command_receiver, batches: batch_sender, generation, runtime };
        let thread = thread::Builder::new().name("kafka-poll".into()).spawn(move || poller.run()).map_err(start)?;
        Ok(Self { batches, context, commands, thread: Some(thread) })
    }
}

fn gone() -> Failure {
    Failure::transient(COMPONENT, "its polling thread has ended")
}

impl Source for KafkaSource {
    async fn next(&mut self) -> Result<Option<Batch>, Failure> {
        loop {
            let collected = self.batches.recv().await.ok_or_else(gone)?;
            if let Some(batch) = self.context.assignment().open(collected) {
                return Ok(Some(batch));
            }
        }
    }

    async fn save(&mut self) -> Result<(), Failure> {
        self.commands.send(Command::Save).map_err(|_| gone())
    }

    /// Commits and leaves the group, so that others get the partitions at once. Bounded, also where the coordinator is
    /// away: the thread is then left to itself.
    async fn close(&mut self) -> Result<(), Failure> {
        self.batches.close();
        let (done, answer) = oneshot::channel();
        self.commands.send(Command::Close(done)).map_err(|_| gone())?;
        let left = timeout(LEAVE + LEAVE, answer).await.unwrap_or(Ok(Err(gone()))).unwrap_or_else(|_| Err(gone()));
        if left.is_err() {
            // It has had its time, and nobody needs to wait for it once more.
            self.thread = None;
        }
        left
    }
}

impl Drop for KafkaSource {
    /// The thread sees that the pipeline is gone and leaves the group; a new generation should not meet it there.
    fn drop(&mut self) {
        self.batches.close();
        let (nobody, _) = blocking::channel();
        self.commands = nobody;
        let Some(thread) = self.thread.take() else { return };
        let began = Instant::now();
        while !thread.is_finished() && began.elapsed() < LEAVE {
            thread::sleep(Duration::from_millis(5));
        }
        if thread.is_finished() && thread.join().is_err() {
            tracing::error!(component = COMPONENT, "its polling thread panicked");
        }
    }
}
