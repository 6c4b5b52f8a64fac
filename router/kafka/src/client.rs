//! What producers and consumers have in common: librdkafka's log and its errors.

use rdkafka::{config::RDKafkaLogLevel, error::KafkaError};
use tracing::{debug, info, warn};

/// Hands a line of librdkafka's log on; it holds names of brokers and topics, never a message.
pub(crate) fn log(component: &str, level: RDKafkaLogLevel, facility: &str, text: &str) {
    match level {
        RDKafkaLogLevel::Emerg
        | RDKafkaLogLevel::Alert
        | RDKafkaLogLevel::Critical
        | RDKafkaLogLevel::Error
        | RDKafkaLogLevel::Warning => warn!(component, facility, "{text}"),
        RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => info!(component, facility, "{text}"),
        RDKafkaLogLevel::Debug => debug!(component, facility, "{text}"),
    }
}

/// Errors of the client as a whole: brokers that are away. librdkafka tries again by itself, and its log, which we
/// hand on, has told of them already.
pub(crate) fn error(component: &str, error: &KafkaError, reason: &str) {
    debug!(component, %error, "{reason}");
}
