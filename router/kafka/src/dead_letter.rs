//! The dead-letter topic: refused records with the cause in headers, so that a pipeline can read them back.

use std::{sync::Arc, time::Duration};

use rdkafka::{
    ClientContext, Message, Statistics,
    config::{FromClientConfigAndContext, RDKafkaLogLevel},
    error::{KafkaError, RDKafkaErrorCode},
    message::{DeliveryResult, Header, OwnedHeaders},
    producer::{BaseRecord, ProducerContext, ThreadedProducer},
};
use sluice_core::{DeadLetter, DeadLetters, Failure, Receipt, Tally};
use tokio::{sync::Notify, time::timeout};
use tracing::warn;

use crate::{DeadLetterConfig, client, config::refused, delivery::is_refusal, headers};

const COMPONENT: &str = "dead letters";
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// What is kept of a record that the dead-letter topic itself finds too large; the headers point to the whole.
const LONGEST_EXCERPT: usize = 64 * 1024;
/// What is kept of an index's explanation.
const LONGEST_DETAIL: usize = 4 * 1024;

/// Produces dead letters, with all replicas' acknowledgement. One for all pipelines of a process.
///
/// The value is the record's bytes as they were, or as they were encoded. The headers say why and where from: `sluice-reason`,
/// `sluice-detail`, `sluice-status` (HTTP), `sluice-place` (path, or topic/partition), `sluice-position`,
/// `sluice-time`, `sluice-id`, and `sluice-truncated` (the whole length) where only the beginning is kept.
pub struct DeadLetterTopic {
    topic: String,
    producer: ThreadedProducer<Reports>,
    room: Arc<Notify>,
}

struct Reports {
    room: Arc<Notify>,
}

/// Comes back with the delivery report.
struct Sent {
    receipt: Receipt,
    tally: Tally,
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
            // The receipt is given back, so that the pipeline reads the record again from where it was.
            Err((error, message)) => {
                warn!(component = COMPONENT, topic = message.topic(), %error, "a dead letter was not taken; its pipeline starts again");
            }
        }
        self.room.notify_one();
    }
}

impl DeadLetterTopic {
    /// Makes the producer; no broker has to be there yet.
    pub fn open(config: &DeadLetterConfig) -> Result<Self, Failure> {
        let room = Arc::new(Notify::new());
        let producer = ThreadedProducer::from_config_and_context(&config.client(), Reports { room: room.clone() })
            .map_err(|error| refused(COMPONENT, &error))?;
        Ok(Self { topic: config.topic.clone(), producer, room })
    }
}

impl DeadLetters for DeadLetterTopic {
    async fn send(&self, letter: DeadLetter) -> Result<(), Failure> {
        let mut value = letter.bytes.as_slice();
        let mut headers = cause(&letter);
        let mut sent = Box::new(Sent { receipt: letter.receipt, tally: letter.tally });
        loop {
            let message = BaseRecord::<(), [u8], _>::with_opaque_to(&self.topic, sent).payload(value).headers(headers);
            let (error, returned) = match self.producer.send(message) {
                Ok(()) => return Ok(()),
                Err(refusal) => refusal,
            };
            sent = returned.delivery_opaque;
            headers = returned.headers.unwrap_or_default();
            if error.rdkafka_error_code() == Some(RDKafkaErrorCode::QueueFull) {
                let _ = timeout(LOOK_AGAIN, self.room.notified()).await;
            } else if error.rdkafka_error_code() == Some(RDKafkaErrorCode::Fatal) {
                // This producer never recovers, and it outlives generations: only a new process helps.
                return Err(Failure::fatal(COMPONENT, format!("topic {}: {error}", self.topic)));
            } else if is_refusal(&error) && value.len() > LONGEST_EXCERPT {
                let length = value.len().to_string();
                headers = headers.insert(Header { key: "sluice-truncated", value: Some(&length) });
                value = &value[..LONGEST_EXCERPT];
            } else {
                return Err(Failure::transient(COMPONENT, format!("topic {}: {error}", self.topic)));
            }
        }
    }
}

fn cause(letter: &DeadLetter) -> OwnedHeaders {
    let mut detail = letter.detail.as_str();
    if detail.len() > LONGEST_DETAIL {
        detail = &detail[..detail.floor_char_boundary(LONGEST_DETAIL)];
    }
    let mut headers = headers::write(letter.time, letter.id, 0)
        .insert(Header { key: "sluice-reason", value: Some(&letter.reason) })
        .insert(Header { key: "sluice-detail", value: Some(detail) })
        .insert(Header { key: "sluice-place", value: Some(&letter.place.to_string()) })
        .insert(Header { key: "sluice-position", value: Some(&letter.position.to_string()) });
    if let Some(status) = letter.status {
        headers = headers.insert(Header { key: "sluice-status", value: Some(&status.to_string()) });
    }
    headers
}
