//! Log files → records: the source of the agent's pipelines.
//!
//! ```text
//! patterns → scan → Follower (one file) → Lines → Fragment (CRI | docker) → Join → Assembly → Batch
//!                      Watermark<Position> → Entry → Checkpoints (one JSON document a pipeline)
//! ```
//!
//! Notifications of the file system are hints; a reconciling scan decides what is followed, and a look at the
//! descriptor whether it grew. What a record is called is in `docs/adr/0004-identity.md`.

mod absence;
mod assembly;
mod attach;
mod beginning;
mod checkpoint;
mod config;
mod container;
mod content;
mod counters;
pub mod cri;
mod descriptors;
mod discovery;
pub mod docker;
mod files;
mod fingerprint;
mod follower;
mod format;
mod found;
pub mod fragment;
#[doc(hidden)]
pub mod fuzzing;
mod held;
mod index;
mod join;
mod json_text;
mod line_time;
mod lines;
mod lost;
mod memory;
pub mod multiline;
mod packed;
mod poll;
mod position;
mod rates;
mod rotation;
mod scan;
mod shares;
mod succession;
mod tail;
mod texts;
mod timestamp;
mod turns;
mod watch;

pub use config::{Config, LongLines, ReadFrom};
pub use counters::{Counter, Counters};
pub use format::Format;
pub use line_time::{LineTime, LineTimeError};
pub use lost::Lost;
pub use tail::Tail;
