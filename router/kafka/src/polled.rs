//! A producer with a thread that hears its delivery reports.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use rdkafka::{
    ClientConfig,
    config::FromClientConfigAndContext,
    error::KafkaError,
    producer::{BaseProducer, BaseRecord, Producer, ProducerContext},
};
use sluice_core::Failure;

use crate::config::refused;

/// How long a poll waits for a report while messages are under way, and so how long dropping the producer may wait.
const POLL: Duration = Duration::from_millis(100);
/// How often an idle producer is looked at for what its client has to say: log lines, errors, statistics.
const LOOK: Duration = Duration::from_millis(250);

/// What a context may do between two polls, beside hearing reports.
pub(crate) trait AfterPoll: ProducerContext + Sized {
    fn after_poll(&self, _: &BaseProducer<Self>) {}
}

type Message<'a, C> = BaseRecord<'a, str, [u8], <C as ProducerContext>::DeliveryOpaque>;

/// Polls while messages are under way and sleeps while none are: librdkafka's bindings spend the last millisecond of
/// every poll spinning, which is noticed on a node with nothing to do.
pub(crate) struct Polled<C: AfterPoll + 'static> {
    producer: Arc<BaseProducer<C>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl<C: AfterPoll + 'static> Polled<C> {
    /// Makes the producer; no broker has to be there yet.
    pub fn open(component: &str, client: &ClientConfig, context: C) -> Result<Self, Failure> {
        let producer = BaseProducer::from_config_and_context(client, context);
        let producer = Arc::new(producer.map_err(|error| refused(component, &error))?);
        let stop = Arc::new(AtomicBool::new(false));
        let (polled, stopped) = (producer.clone(), stop.clone());
        let thread = thread::Builder::new().name("kafka-reports".into()).spawn(move || poll(&polled, &stopped));
        let failed =
            |error: io::Error| Failure::transient(component, format!("cannot start its polling thread: {error}"));
        Ok(Self { producer, stop, thread: Some(thread.map_err(failed)?) })
    }

    /// As [`BaseProducer::send`]; the report comes on the polling thread.
    #[allow(clippy::result_large_err, reason = "the record is given back to be sent again")]
    pub fn send<'a>(&self, message: Message<'a, C>) -> Result<(), (KafkaError, Message<'a, C>)> {
        let sent = self.producer.send(message);
        self.wake();
        sent
    }

    /// Whether no message and no report is under way.
    pub fn is_idle(&self) -> bool {
        self.producer.in_flight_count() == 0
    }

    pub fn context(&self) -> &C {
        self.producer.context()
    }

    fn wake(&self) {
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }
}

impl<C: AfterPoll + 'static> Drop for Polled<C> {
    /// What is under way is given up, and reported as such before this returns.
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        self.wake();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!(component = "kafka", "the polling thread of a producer panicked");
        }
    }
}

fn poll<C: AfterPoll>(producer: &BaseProducer<C>, stop: &AtomicBool) {
    while !stop.load(Ordering::Acquire) {
        // Counts messages and events that nobody has heard yet.
        if producer.in_flight_count() == 0 {
            thread::park_timeout(LOOK);
        } else {
            producer.poll(POLL);
        }
        producer.context().after_poll(producer);
    }
}
