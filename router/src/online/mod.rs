//! `sluice check --online`: holds a plan against the world. It loads what the plan names and asks servers who they are;
//! nothing is written, no group is joined, no webhook is called.

mod elastic;
mod finding;
mod kafka;
mod plugins;
mod secrets;

use std::time::Duration;

use anyhow::{Context, Result};

use crate::config::Plan;

pub use finding::{Finding, Level};

/// How long each server may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Looks at everything that `plan` names and hands every finding to `tell`, good ones too, as soon as it is its turn.
/// Servers are asked at the same time, so that it takes little longer than the slowest of them.
///
/// # Errors
/// Only if this machine cannot look at all.
pub fn look(plan: &Plan, mut tell: impl FnMut(Finding)) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.context("cannot start threads")?;
    let clusters = kafka::ask(plan, &runtime);
    let indexes = elastic::ask(plan, &runtime);
    secrets::look(plan).into_iter().for_each(&mut tell);
    plugins::look(plan)?.into_iter().for_each(&mut tell);
    for answer in clusters.into_iter().chain(indexes) {
        runtime.block_on(answer).context("asking a server failed")?.into_iter().for_each(&mut tell);
    }
    // A server that holds a thread is not waited for.
    runtime.shutdown_background();
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests;
