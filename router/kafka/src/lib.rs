//! Kafka at both ends: records → topic, topic → documents, and the dead-letter topic.

mod assignment;
mod client;
mod config;
mod consumer;
mod context;
mod dead_letter;
mod delivery;
mod expiry;
mod headers;
mod letter;
mod poll;
mod polled;
pub mod probe;
mod producer;
mod refusals;
mod status;
mod topic;

pub use config::{Acks, Connection, ConsumerConfig, DeadLetterConfig, ProducerConfig, Start};
pub use consumer::KafkaSource;
pub use dead_letter::DeadLetterTopic;
pub use producer::KafkaSink;
pub use status::{ConsumerStatus, PartitionStatus, ProducerStatus};
