//! Write plugins for Sluice in Rust.
//!
//! A plugin sees batches of records as columns, one for each field it reads. This crate hides the columns: a filter is
//! a type with two functions, and it can be tested natively with [`testing`].
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
//! In a crate of type `cdylib`, `sluice_plugin::filter!(DropHealthChecks);` makes it a component.
mod batch;
#[doc(hidden)]
pub mod bindings;
mod config;
mod filter;
#[doc(hidden)]
pub mod guest;
mod json;
pub mod log;
mod record;
#[cfg(not(target_family = "wasm"))]
pub mod testing;

pub use config::{Config, Ordering};
pub use filter::Filter;
pub use record::{Field, Record, Value};
