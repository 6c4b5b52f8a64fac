//! Why the demo cannot go on.

use std::io;

/// Each text holds its cause.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("demo: the stand-in for Kafka does not start: {0}")]
    Kafka(rdkafka::error::KafkaError),
    /// `name` is the stand-in's.
    #[error("demo: the stand-in for {name} cannot listen on loopback: {error}")]
    Listen { name: &'static str, error: io::Error },
    #[error("demo: the terminal refuses: {0}; pipe the output through cat to see plain lines")]
    Terminal(io::Error),
}
