//! Plugins: WebAssembly components that see batches as columns.
//!
//! ```text
//! bytes → Component (digest, kind, imports) → Plugin (name, options, manifest) → Lineup (of one pipeline, swapped live)
//!       → Chain (instances of one worker)
//! Batch → Columns (the fields that the chain reads) → each plugin's answer, checked → Verdict → drops, edits, alerts
//! ```
mod answer;
mod bindings;
mod breaker;
pub mod chain;
mod column;
mod columns;
pub mod component;
pub mod counters;
pub mod engine;
pub mod examples;
pub mod fault;
mod first_text;
mod instance;
pub mod limits;
pub mod lineup;
mod link;
mod log;
mod lookup;
pub mod manifest;
pub mod plugin;
mod search;
pub mod trial;
mod verdict;

pub use chain::Chain;
pub use component::Component;
pub use engine::Engine;
pub use limits::Limits;
pub use lineup::{Lineup, Plugins};
pub use plugin::{OnFault, Plugin};
