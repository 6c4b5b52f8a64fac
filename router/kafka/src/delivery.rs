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
use tokio::sync::Notify;

use crate::{
    ProducerStatus, client,
    polled::AfterPoll,
    refusals::{Reason, Refusals},
};

pub(crate) const COMPONENT: &str = "kafka sink";
/// The limit of a request at which each message has one of its own.
const ALONE: usize = 1;
/// Below this each message has a request of its own.
const SMALLEST_REQUEST: usize = 4 << 10;

/// Travels with a message through librdkafka and comes back with its report.
#[derive(Debug)]
pub(crate) struct Sent {
    pub receipt: Receipt,
    pub place: Arc<Place>,
    pub record: Record,
}

/// Hears the delivery reports, on the producer's polling thread.
pub(crate) struct Reports {
    pub generation: Arc<Generation>,
    pub status: Arc<ProducerStatus>,
    /// Told after each report: there may be room in the queue again.
    pub room: Arc<Notify>,
    pub refusals: Refusals,
    /// Bytes of messages that this producer puts into one request, at most; a larger message travels alone.
    pub request_limit: usize,
}

impl AfterPoll for Reports {}

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
            Err((error, message)) if is_refusal(error) || is_refusal_of_another(error) => {
                let size = message.payload_len() + message.key_len();
                if size > self.request_limit || self.request_limit <= ALONE {
                    let value = message.payload().unwrap_or_default().to_vec();
                    let topic = message.topic().to_owned();
                    self.refusals.add(*sent, value, Reason::Refused { topic }, error.to_string());
                } else {
                    self.send_smaller_requests(message.topic(), error);
                }
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

impl Reports {
    /// A request is refused whole, and librdkafka does not say which of its messages was at fault. All are read again,
    /// in their order, and travel in requests so small that in the end the faulty one is alone.
    fn send_smaller_requests(&self, topic: &str, error: &KafkaError) {
        let limit = smaller(self.request_limit);
        self.status.set_request_limit(limit);
        self.generation.fail(Failure::transient(
            COMPONENT,
            format!(
                "topic {topic} refuses a request of up to {} bytes: {error}; from now on requests have {limit} bytes at \
                 most, or one message (raise max.message.bytes of the topic above batch.size of this client)",
                self.request_limit
            ),
        ));
    }
}

/// The limit for requests that were too large at `limit`: few steps, since each starts the pipeline again.
fn smaller(limit: usize) -> usize {
    Some(limit / 4).filter(|limit| *limit >= SMALLEST_REQUEST).unwrap_or(ALONE)
}

/// Whether the message itself, or one that was in a request with it, is at fault, so that sending it again can never
/// help., so that sending it again can never help.
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

/// Whether another message of the same request was found at fault.
fn is_refusal_of_another(error: &KafkaError) -> bool {
    error.rdkafka_error_code() == Some(RDKafkaErrorCode::InvalidDifferentRecord)
}

fn is_purge(error: &KafkaError) -> bool {
    matches!(error.rdkafka_error_code(), Some(RDKafkaErrorCode::PurgeQueue | RDKafkaErrorCode::PurgeInflight))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_steps_lead_to_requests_of_one_message() {
        let steps: Vec<usize> = std::iter::successors(Some(1_000_000), |limit| Some(smaller(*limit))).take(6).collect();
        assert_eq!(steps, [1_000_000, 250_000, 62_500, 15_625, ALONE, ALONE]);
    }
}
