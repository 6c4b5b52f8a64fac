//! What becomes of a message after librdkafka took it.

use std::sync::Arc;

use rdkafka::{
    ClientContext, Message, Statistics,
    config::RDKafkaLogLevel,
    error::{KafkaError, RDKafkaErrorCode},
    message::DeliveryResult,
    producer::ProducerContext,
};
use sluice_core::{Failure, Generation, Place, Receipt, Record};
use tokio::sync::{Notify, mpsc};

use crate::{ProducerStatus, client};

pub(crate) const COMPONENT: &str = "kafka sink";

/// Travels with a message through librdkafka and comes back with its report.
#[derive(Debug)]
pub(crate) struct Sent {
    pub receipt: Receipt,
    pub place: Arc<Place>,
    pub record: Record,
}

/// A message that the cluster will never take, with its value and what was said of it.
#[derive(Debug)]
pub(crate) struct Refused {
    pub sent: Sent,
    pub value: Vec<u8>,
    pub detail: String,
}

/// Hears the delivery reports, on librdkafka's polling thread.
pub(crate) struct Reports {
    pub generation: Arc<Generation>,
    pub status: Arc<ProducerStatus>,
    /// Told after each report: there may be room in the queue again.
    pub room: Arc<Notify>,
    /// Not bounded by itself: it holds messages that the bounded queue of the producer held before.
    pub refused: mpsc::UnboundedSender<Refused>,
}

impl ClientContext for Reports {
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

impl ProducerContext for Reports {
    type DeliveryOpaque = Box<Sent>;

    fn delivery(&self, result: &DeliveryResult<'_>, sent: Box<Sent>) {
        match result {
            Ok(_) => sent.receipt.delivered(),
            Err((error, message)) if is_refusal(error) => {
                let value = message.payload().unwrap_or_default().to_vec();
                let refused = Refused { sent: *sent, value, detail: error.to_string() };
                // If the sink is gone, the generation is over, and the receipt is given back with the letter.
                let _ = self.refused.send(refused);
            }
            // The producer is being dropped: the generation is over already, and the receipt is given back.
            Err((error, _)) if is_purge(error) => {}
            Err((error, message)) => {
                self.generation.fail(Failure::transient(
                    COMPONENT,
                    format!(
                        "topic {}: {error}; check the topic, the brokers and the rights of this client",
                        message.topic()
                    ),
                ));
            }
        }
        self.room.notify_one();
    }
}

/// Whether the message itself is at fault, so that sending it again can never help.
pub(crate) fn is_refusal(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(
            RDKafkaErrorCode::MessageSizeTooLarge
                | RDKafkaErrorCode::InvalidMessageSize
                | RDKafkaErrorCode::InvalidRecord
                | RDKafkaErrorCode::InvalidMessage
        )
    )
}

fn is_purge(error: &KafkaError) -> bool {
    matches!(error.rdkafka_error_code(), Some(RDKafkaErrorCode::PurgeQueue | RDKafkaErrorCode::PurgeInflight))
}
