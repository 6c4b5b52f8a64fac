//! What the end-to-end tests are made of: the binary as a process, topics as a consumer of another team sees them,
//! servers that several tests share, a webhook, and the notifier that Sluice replaces.

mod admin;
mod chain;
mod config_map;
mod python;
mod shared;
mod sluice;
mod topic;
mod webhook;

pub use admin::{Answer as AdminAnswer, Figures};
pub use chain::{Chain, component};
pub use config_map::ConfigMap;
pub use python::PythonNotifier;
pub use shared::{elasticsearch, kafka};
pub use sluice::Sluice;
pub use topic::{Message, committed, fill, messages};
pub use webhook::{Answer, Post, Webhook};

use std::time::Duration;

/// How long a test waits for what should take seconds, on a machine that is busy with other tests.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Waits until `condition` holds, or fails naming `what` and the last error; an index that is just being made answers
/// with errors.
pub fn eventually(what: &str, mut condition: impl FnMut() -> anyhow::Result<bool>) -> anyhow::Result<()> {
    let mut last_error = None;
    let holds = sluice_servers::wait_until(PATIENCE, || match condition() {
        Ok(holds) => Ok(holds),
        Err(error) => {
            last_error = Some(error);
            Ok(false)
        }
    });
    holds.map_err(|error| last_error.unwrap_or(error).context(format!("waited for {what}")))
}
