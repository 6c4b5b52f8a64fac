//! Plugins: WebAssembly components that see batches as columns.
//!
//! ```text
//! bytes → Component (digest, kind, imports) → Plugin (name, options, manifest) → Chain (instances of one worker)
//! Batch → Columns (the fields that the chain reads) → each plugin's answer, checked → receipt
//! ```
mod bindings;
pub mod chain;
mod column;
mod columns;
pub mod component;
pub mod counters;
pub mod engine;
pub mod fault;
mod filter;
pub mod limits;
mod log;
mod lookup;
pub mod manifest;
pub mod plugin;

pub use chain::Chain;
pub use component::Component;
pub use engine::Engine;
pub use limits::Limits;
pub use plugin::Plugin;
