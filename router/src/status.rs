//! What a running process says of itself: for `/status`, and for `sluice status`, which asks for it.
//!
//! ```text
//! Snapshot → collect → Report (JSON over HTTP) → text
//! ```

mod collect;
mod report;
#[cfg(test)]
mod tests;
mod text;

pub use report::{Books, FileFigures, Lag, Partition, Pipeline, Plugin, Reason, Report, Sink, Source, Trouble};

pub(crate) use collect::collect;
pub use text::text;
