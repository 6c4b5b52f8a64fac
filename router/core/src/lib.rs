//! The router with the world removed: records, batches, receipts, watermarks, the books and the pipeline.
//!
//! Nothing here opens a file or a socket, reads a wall clock or loads a plugin. The edges (`tail`, `kafka`,
//! `elastic`, `wasm`) implement the ports of [`pipeline`] and exchange the types of this crate:
//!
//! ```text
//! Source::next → Batch (records + Receipt) → Transform::apply → Sink::send
//!                          Receipt resolved → Watermark → Source::save
//! ```

pub mod alert;
pub mod backoff;
pub mod batch;
pub mod dead_letter;
pub mod edit;
pub mod encode;
pub mod failure;
pub mod generation;
pub mod json;
pub mod ledger;
pub mod members;
pub mod origin;
pub mod pipeline;
pub mod receipt;
pub mod record;
pub mod route;
pub mod shutdown;
pub mod splice;
pub mod stop;
pub mod supervisor;
pub mod watermark;

pub use alert::{Alert, Severity};
pub use backoff::Backoff;
pub use batch::{Batch, Shape};
pub use dead_letter::{DeadLetter, DeadLetters};
pub use edit::{Edit, EditPath, Edits, ValueKind};
pub use failure::{Failure, Kind};
pub use generation::Generation;
pub use ledger::{Balance, Ledger, Tally};
pub use origin::Origin;
pub use receipt::Receipt;
pub use record::{Part, Place, Record, RecordId, Stream};
pub use route::{AllowList, Route};
pub use shutdown::Shutdown;
pub use watermark::Watermark;
