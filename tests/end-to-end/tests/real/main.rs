//! The chain on real servers: files → Kafka → index, through WebAssembly.
//!
//! - `golden`: what one line becomes, byte for byte on Kafka and field for field in the index
//! - `direct`: files to the index without Kafka in the middle
//! - `kills`: agent and indexer killed in mid-stream; stopped in order
//! - `outages`: the broker and the index go away and come back
//! - `refusals`: what the index or the topic will not take; answers that are none
//! - `fluentd`: a topic that Fluentd filled
//! - `secured`: TLS with a private authority, and a password
//! - `notifier`: alerts to a webhook, that it takes, asks to wait for, or refuses while the notifier is killed
//! - `python`: the replaced system's notifier beside ours
//! - `enrichment`: redaction and promotion on the agent and on the indexer
//! - `faults`: a plugin that fails on a record
//! - `swap`: plugins and their configs change while records flow
//! - `watched`: `/metrics`, `/healthz` and `/readyz`
//! - `command`: what `sluice check` says, alone and with `--online`

mod command;
mod direct;
mod enrichment;
mod faults;
mod fluentd;
mod golden;
mod kills;
mod lines;
mod notifier;
mod outages;
mod python;
mod refusals;
mod secured;
mod swap;
mod watched;
