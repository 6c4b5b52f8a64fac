//! Write plugins for Sluice in Rust.
//!
//! A plugin sees batches of records as columns, one for each field it reads. This crate hides the columns: a plugin is
//! a type with two functions, and it can be tested natively with [`testing`]. What the type implements is what the plugin
//! may do: a [`Filter`] drops records, an [`Enricher`] sets and removes fields, a [`Notifier`] raises alerts.
//!
//! ```
//! use sluice_plugin::{Config, Field, Filter, Record};
//!
//! struct DropHealthChecks {
//!     path: Field,
//! }
//!
//! impl Filter for DropHealthChecks {
//!     fn configure(config: &mut Config) -> Result<Self, String> {
//!         Ok(Self { path: config.read("log.request.path") })
//!     }
//!
//!     fn keep(&self, record: &Record) -> bool {
//!         record.text(self.path) != Some("/healthz")
//!     }
//! }
//! ```
//!
//! In a crate of type `cdylib`, `sluice_plugin::filter!(DropHealthChecks);` makes it a component; `enricher!` and
//! `notifier!` do so for the other kinds.
//!
//! In a component the crate brings an allocator of its own, small and made for a few blocks a call. A plugin that has
//! another one switches it off with `default-features = false`.
#[cfg(test)]
mod allocations;
mod batch;
#[doc(hidden)]
pub mod bindings;
mod config;
mod enricher;
mod filter;
#[doc(hidden)]
pub mod guest;
#[cfg(any(all(target_family = "wasm", feature = "heap"), test))]
mod heap;
mod json;
pub mod log;
mod notifier;
mod path;
mod record;
mod syntax;
#[cfg(not(target_family = "wasm"))]
pub mod testing;

pub use batch::{Batch, Window};
pub use config::{Config, Ordering};
pub use enricher::{Edits, Enricher, Target};
pub use filter::Filter;
pub use notifier::{Alert, Notifier, Severity};
pub use path::Path;
pub use record::{Field, Record, Value};
pub use syntax::is_json;
