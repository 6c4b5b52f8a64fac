//! What `sluice demo` needs beside the router: stand-ins for Kafka, the index and Slack, and what people look at.
//!
//! The stand-ins listen on loopback, on ports that the system chooses, and keep what they get in memory, within bounds.
//! The view is drawn from a [`Snapshot`], a value of plain numbers and texts.

mod endpoint;
mod error;
mod figures;
pub mod index;
mod kafka;
pub mod plain;
pub mod snapshot;
pub mod terminal;
mod view;
mod webhook;

pub use error::Error;
pub use index::{Document, Index};
pub use kafka::Kafka;
pub use snapshot::Snapshot;
pub use webhook::{Post, Webhook};
