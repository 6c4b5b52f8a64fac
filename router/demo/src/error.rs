//! Why the demo cannot go on.

use std::io;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("demo: the stand-in for Kafka does not start: {0}")]
    Kafka(#[from] rdkafka::error::KafkaError),
    /// `name` is the stand-in's.
    #[error("demo: the stand-in for {name} cannot listen on loopback: {source}")]
    Listen { name: &'static str, source: io::Error },
    #[error("demo: the terminal refuses: {0}; pipe the output through cat to see plain lines")]
    Terminal(#[source] io::Error),
}
