//! Alerts → a Slack webhook.
//!
//! ```text
//! Batch → records without an alert: dropped
//!       → alerts → Groups: a repeat → dropped, counted; its number is told when the window closes ─┐
//!                          the first of a group → Post (message, share of the receipt)             │
//!                                                  │ queue, bounded ←──────────────────────────────┘
//!                                                  → request → 2xx: delivered | again | dead letter
//! ```
//!
//! [`Slack`] implements [`sluice_core::pipeline::Sink`]. Who knows the webhook's URL can post: it is in no error, no log
//! line and no `Debug` text of this crate.

mod complaints;
mod config;
mod counters;
mod delivery;
mod exit;
mod groups;
mod message;
mod share;
mod sink;
#[cfg(test)]
mod testing;
mod url;
mod verdict;
mod webhook;

pub use config::Config;
pub use counters::{Counters, Snapshot};
pub use sink::Slack;
pub use url::{BadUrl, Url};

/// Who speaks in failures and log lines.
const COMPONENT: &str = "slack sink";
