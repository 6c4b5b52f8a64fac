//! Real servers for tests and the demo: Apache Kafka and Elasticsearch, from Maven Central, on loopback; and a proxy that
//! stands in front of the index and fails as it is told.
//!
//! Each value owns one server, or one cluster, with its own ports and its own data folder. Dropping the value ends the server and
//! removes the folder; a watchdog does the same when this process dies without dropping anything.

mod broker;
mod cache;
mod certificate;
mod cluster;
mod download;
mod elasticsearch;
mod http;
mod java;
mod kafka;
mod port;
mod process;
mod proxy;

pub use cache::cache_folder;
pub use cluster::{Cluster, ClusterOptions};
pub use elasticsearch::{Elasticsearch, ElasticsearchOptions, User};
pub use http::Response;
pub use kafka::{Kafka, KafkaOptions};
pub use process::{Launch, Process, wait_until};
pub use proxy::{Fault, FaultProxy, Rule, Tally, When};
