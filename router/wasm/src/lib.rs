//! Plugins: WebAssembly components that see batches as columns.
//!
//! ```text
//! bytes → Component (digest, kind, imports) → Plugin (name, options, manifest) → Lineup (of one pipeline, swapped live)
//!       → Chain (instances of one worker)
//! Batch → Columns (the fields that the chain reads) → each plugin's answer, checked → Verdict → drops, edits, alerts
//! ```
mod answer;
#[doc(hidden)]
pub mod bench;
mod bindings;
mod breaker;
pub mod cache;
pub mod chain;
mod column;
mod columns;
pub mod component;
pub mod counters;
pub mod crash;
mod digest;
mod effort;
pub mod engine;
pub mod examples;
pub mod fault;
mod first_text;
pub mod grants;
mod imports;
mod instance;
pub mod limits;
pub mod lineup;
mod link;
mod log;
mod lookup;
pub mod manifest;
mod native;
pub mod packed;
pub mod plugin;
pub mod private;
mod search;
mod sections;
pub mod trial;
mod verdict;
mod wasi;

pub use cache::Cache;
pub use chain::Chain;
pub use component::Component;
pub use engine::Engine;
pub use grants::Grants;
pub use limits::Limits;
pub use lineup::{Lineup, Plugins};
pub use plugin::{OnFault, Plugin};
