//! Log files → records: the source of the agent's pipelines.
//!
//! ```text
//! patterns → scan → Follower (one file) → Lines → Fragment (CRI | docker) → Join → Assembly → Batch
//!                      Watermark<Position> → Entry → Checkpoints (one JSON document a pipeline)
//! ```
//!
//! Notifications of the file system are hints; a reconciling scan decides what is followed, and a look at the
//! descriptor whether it grew. What a record is called is in `docs/adr/0004-identity.md`.

mod assembly;
mod checkpoint;
mod config;
mod container;
mod counters;
pub mod cri;
mod discovery;
pub mod docker;
mod files;
mod fingerprint;
mod follower;
mod format;
mod found;
pub mod fragment;
mod held;
mod join;
mod json_text;
mod lines;
mod poll;
mod position;
mod scan;
mod tail;
mod timestamp;
mod watch;

pub use config::Config;
pub use counters::{Counter, Counters};
pub use tail::Tail;
