//! The chain on real servers: files → Kafka → index, through WebAssembly.
//!
//! - `golden`: what one line becomes, byte for byte on Kafka and field for field in the index
//! - `direct`: files to the index without Kafka in the middle
//! - `brokers`: leaders that die or stand still, a topic that is missing, messages that a topic does not take
//! - `retention`: messages that are deleted before they are read
//! - `rebalance`: indexers that join, leave, die and stand still
//! - `kills`: agent and indexer killed in mid-stream; stopped in order
//! - `outages`: the broker and the index go away and come back
//! - `refusals`: what the index or the topic will not take; answers that are none
//! - `index_faults`: a proxy between indexer and index fails in every way
//! - `readback`: dead letters are read back
//! - `fluentd`: a topic that Fluentd filled
//! - `secured`: TLS with a private authority, and a password
//! - `notifier`: alerts to a webhook, that it takes, asks to wait for, or refuses while the notifier is killed
//! - `python`: the replaced system's notifier beside ours
//! - `enrichment`: redaction and promotion on the agent and on the indexer
//! - `faults`: a plugin that fails on a record
//! - `swap`: plugins and their configs change while records flow
//! - `shutdown`: SIGTERM under load, with Kafka there, holding still and down
//! - `watched`: `/metrics`, `/healthz`, `/readyz` and `/status`
//! - `command`: what `sluice check` says, alone and with `--online`

mod brokers;
mod command;
mod direct;
mod enrichment;
mod faults;
mod fluentd;
mod golden;
mod index_faults;
mod kills;
mod lines;
mod notifier;
mod outages;
mod python;
mod readback;
mod rebalance;
mod refusals;
mod retention;
mod secured;
mod shutdown;
mod swap;
mod watched;
