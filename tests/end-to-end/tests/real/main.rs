//! The chain on real servers: files → Kafka → index, through WebAssembly.
//!
//! - `golden`: what one line becomes, byte for byte on Kafka and field for field in the index
//! - `direct`: files to the index without Kafka in the middle
//! - `kills`: agent and indexer killed in mid-stream; stopped in order
//! - `outages`: the broker and the index go away and come back
//! - `refusals`: what the index or the topic will not take; answers that are none
//! - `fluentd`: a topic that Fluentd filled
//! - `secured`: TLS with a private authority, and a password
//! - `command`: what `sluice check` says

mod command;
mod direct;
mod fluentd;
mod golden;
mod kills;
mod lines;
mod outages;
mod refusals;
mod secured;
