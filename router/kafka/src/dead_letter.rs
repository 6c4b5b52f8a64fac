//! The dead-letter topic: refused records with the cause in headers, so that a pipeline can read them back.

use std::{
    mem::take,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use rdkafka::{
    ClientContext, Message, Statistics,
    config::RDKafkaLogLevel,
    error::{KafkaError, RDKafkaErrorCode},
    message::DeliveryResult,
    producer::{BaseProducer, BaseRecord, ProducerContext},
};
use sluice_core::{DeadLetter, DeadLetters, Failure, Receipt, Tally};
use tokio::{sync::Notify, time::timeout};
use tracing::warn;

use crate::{
    DeadLetterConfig, client,
    config::LETTERS_BYTES,
    delivery::is_refusal,
    letter::Letter,
    polled::{AfterPoll, Polled},
};

const COMPONENT: &str = "dead letters";
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Produces dead letters, with all replicas' acknowledgement. One for all pipelines of a process.
///
/// The value is the record's bytes as they were, or as they were encoded. The headers say why and where from: `sluice-reason`,
/// `sluice-detail`, `sluice-status` (HTTP), `sluice-place` (path, or topic/partition), `sluice-position`,
/// `sluice-time`, `sluice-id`, and `sluice-truncated` (the whole length) where only the beginning is kept.
pub struct DeadLetterTopic {
    producer: Polled<Reports>,
    room: Arc<Notify>,
}

struct Reports {
    topic: String,
    room: Arc<Notify>,
    /// What the broker found too large: sent again, cut down, by the polling thread.
    again: Mutex<Vec<Cut>>,
    /// Said when not even a pointer was taken: nobody can do anything about it but a person.
    hopeless: OnceLock<String>,
}

/// Comes back with the delivery report.
struct Sent {
    letter: Letter,
    receipt: Receipt,
    tally: Tally,
}

/// A letter that was refused, and what is left of its value.
struct Cut {
    sent: Box<Sent>,
    value: Vec<u8>,
}

impl ClientContext for Reports {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        client::log(COMPONENT, level, facility, text);
    }

    fn stats(&self, _: Statistics) {}

    fn error(&self, error: KafkaError, reason: &str) {
        client::error(COMPONENT, &error, reason);
    }
}

impl ProducerContext for Reports {
    type DeliveryOpaque = Box<Sent>;

    fn delivery(&self, result: &DeliveryResult<'_>, sent: Box<Sent>) {
        match result {
            Ok(_) => sent.receipt.dead_lettered(&sent.tally),
            Err((error, message)) if is_refusal(error) => {
                self.refused(sent, message.payload().unwrap_or_default(), error);
            }
            // The receipt is given back, so that the pipeline reads the record again from where it was.
            Err((error, _)) => {
                warn!(component = COMPONENT, topic = self.topic, %error, "a dead letter was not taken; its pipeline starts again");
            }
        }
        self.room.notify_one();
    }
}

impl AfterPoll for Reports {
    fn after_poll(&self, producer: &BaseProducer<Self>) {
        let mut again = take(&mut *self.again());
        while let Some(Cut { sent, value }) = again.pop() {
            let Err((error, returned)) = producer.send(message(&self.topic, sent, &value)) else { continue };
            let sent = returned.delivery_opaque;
            if is_full(&error) {
                self.again().push(Cut { sent, value });
                self.again().append(&mut again);
            } else if is_refusal(&error) {
                self.refused(sent, &value, &error);
            } else {
                warn!(component = COMPONENT, topic = self.topic, %error, "a dead letter was not taken; its pipeline starts again");
            }
        }
        if self.again().is_empty() {
            self.room.notify_one();
        }
    }
}

impl Reports {
    fn again(&self) -> MutexGuard<'_, Vec<Cut>> {
        self.again.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a part to be sent again, or gives the receipt back where not even a pointer was taken.
    fn refused(&self, mut sent: Box<Sent>, value: &[u8], error: &KafkaError) {
        if sent.letter.cut() {
            let value = value[..sent.letter.kept].to_vec();
            self.again().push(Cut { sent, value });
        } else {
            let _ = self.hopeless.set(format!(
                "topic {} refuses even a dead letter without a value: {error}; correct the topic (max.message.bytes, \
                 cleanup.policy)",
                self.topic
            ));
        }
    }
}

impl DeadLetterTopic {
    /// Makes the producer; no broker has to be there yet.
    pub fn open(config: &DeadLetterConfig) -> Result<Self, Failure> {
        let room = Arc::new(Notify::new());
        let reports = Reports {
            topic: config.topic.clone(),
            room: room.clone(),
            again: Mutex::default(),
            hopeless: OnceLock::new(),
        };
        Ok(Self { producer: Polled::open(COMPONENT, &config.client(), reports)?, room })
    }

    async fn wait_for_room(&self) {
        let _ = timeout(LOOK_AGAIN, self.room.notified()).await;
    }
}

impl DeadLetters for DeadLetterTopic {
    async fn send(&self, letter: DeadLetter) -> Result<(), Failure> {
        let DeadLetter { bytes, reason, detail, status, place, position, id, time, receipt, tally } = letter;
        let length = bytes.len();
        let letter = Letter { reason, detail, status, place, position, id, time, length, kept: length };
        let mut sent = Box::new(Sent { letter, receipt, tally });
        // The queue would never have room for it.
        while sent.letter.kept > LETTERS_BYTES && sent.letter.cut() {}
        let reports = self.producer.context();
        loop {
            if let Some(hopeless) = reports.hopeless.get() {
                return Err(Failure::fatal(COMPONENT, hopeless.clone()));
            }
            // What was cut down goes first: else more and more could wait for its turn.
            if !reports.again().is_empty() {
                self.wait_for_room().await;
                continue;
            }
            let (error, returned) = match self.producer.send(message(&reports.topic, sent, &bytes)) {
                Ok(()) => return Ok(()),
                Err(refusal) => refusal,
            };
            sent = returned.delivery_opaque;
            if is_full(&error) {
                self.wait_for_room().await;
            } else if error.rdkafka_error_code() == Some(RDKafkaErrorCode::Fatal) {
                // This producer never recovers, and it outlives generations: only a new process helps.
                return Err(Failure::fatal(COMPONENT, format!("topic {}: {error}", reports.topic)));
            } else if !is_refusal(&error) || !sent.letter.cut() {
                return Err(Failure::transient(COMPONENT, format!("topic {}: {error}", reports.topic)));
            }
        }
    }
}

/// The part of `value` that is to be kept.
fn message<'a>(topic: &'a str, sent: Box<Sent>, value: &'a [u8]) -> BaseRecord<'a, str, [u8], Box<Sent>> {
    let (headers, kept) = (sent.letter.headers(), sent.letter.kept);
    BaseRecord::with_opaque_to(topic, sent).payload(&value[..kept]).headers(headers)
}

fn is_full(error: &KafkaError) -> bool {
    error.rdkafka_error_code() == Some(RDKafkaErrorCode::QueueFull)
}
