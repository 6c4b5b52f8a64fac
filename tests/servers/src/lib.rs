//! Real servers for tests and the demo: Apache Kafka and Elasticsearch, from Maven Central, on loopback.
//!
//! Each value owns one server with its own ports and its own data folder. Dropping the value ends the server and
//! removes the folder; a watchdog does the same when this process dies without dropping anything.

mod cache;
mod certificate;
mod download;
mod elasticsearch;
mod http;
mod java;
mod kafka;
mod port;
mod process;

pub use cache::cache_folder;
pub use elasticsearch::{Elasticsearch, ElasticsearchOptions, User};
pub use http::Response;
pub use kafka::{Kafka, KafkaOptions};
pub use process::{Launch, Process, wait_until};
