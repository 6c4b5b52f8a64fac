//! Documents → Elasticsearch or OpenSearch, by bulk requests.
//!
//! ```text
//! Batch → Pending → Draft (scan, @timestamp, action) → Bulk → request → answer → per document:
//!                                                        ↑                        delivered | dead letter
//!                                                        └── backoff ← again ←────┘
//! ```
//!
//! [`Elastic`] implements [`sluice_core::pipeline::Sink`]. The decisions are in `docs/adr/0005-bulk.md`.

#[doc(hidden)]
pub mod bench;
mod bulk;
mod complaints;
mod config;
mod counters;
mod delivery;
mod draft;
mod hosts;
mod moment;
mod names;
mod pending;
pub mod probe;
mod reasons;
mod response;
mod room;
mod scan;
mod sink;
mod suspicion;
#[cfg(test)]
mod testing;

pub use config::{Auth, Config, Index};
pub use counters::{Count, Counters};
pub use sink::Elastic;
