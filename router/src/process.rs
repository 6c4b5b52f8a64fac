//! One process: every pipeline of the plan on a thread of its own, until all have ended.

mod current;
mod difference;
mod fleet;
mod news;
mod notify_socket;
mod observed;
mod orders;
mod pipeline;
mod pulse;
mod signals;
mod versions;

use std::{path::Path, sync::Arc, time::Duration};

use anyhow::Result;
use sluice_wasm::crash::Crashes;

pub(crate) use current::{Current, Outcome};
pub(crate) use fleet::Fleet;
pub use observed::{Observed, ReloadStatus, View};
pub(crate) use pulse::Pulse;

use crate::{config::Plan, reload, report};

/// Runs until SIGTERM or SIGINT, or until every source has ended. An error if a pipeline failed for good.
///
/// `config` is the file that `plan` was read from: what changes in it takes effect while the process runs.
/// `report_every` is the time between two log lines with the books of each pipeline; none without it.
pub fn run(config: &Path, plan: Plan, report_every: Option<Duration>) -> Result<()> {
    let observed = Arc::<Observed>::default();
    let fleet = Fleet::new(plan.grace_period, observed.clone());
    // Before anything else: a stop that comes while plugins are compiled is a stop in order, too.
    signals::stop_on_signal(fleet.clone())?;
    notify_socket::start(fleet.clone(), observed.clone())?;
    Process::start_on(fleet, observed, config, plan, report_every)?.wait()
}

/// The running pipelines of one config file. It listens to no signal: its owner stops it.
pub struct Process {
    fleet: Arc<Fleet>,
    crashes: Arc<Crashes>,
    observed: Arc<Observed>,
}

impl Process {
    /// Assembles and starts every pipeline of `plan`; see [`run`].
    ///
    /// # Errors
    /// What can be known before anything flows: a secret or a plugin that is missing or refused, a port that is taken.
    pub fn start(config: &Path, plan: Plan, report_every: Option<Duration>) -> Result<Self> {
        let observed = Arc::<Observed>::default();
        let fleet = Fleet::new(plan.grace_period, observed.clone());
        Self::start_on(fleet, observed, config, plan, report_every)
    }

    fn start_on(
        fleet: Arc<Fleet>,
        observed: Arc<Observed>,
        config: &Path,
        plan: Plan,
        report_every: Option<Duration>,
    ) -> Result<Self> {
        let current = Current::start(plan, fleet.clone(), observed.clone())?;
        let crashes = current.crashes().clone();
        pulse::start(fleet.clone(), observed.clone())?;
        if let Some(every) = report_every {
            report::start(observed.clone(), every);
        }
        reload::start(config, current, fleet.clone(), observed.clone())?;
        Ok(Self { fleet, crashes, observed })
    }

    /// What the process shows of itself, as long as anyone holds it.
    pub fn observed(&self) -> &Arc<Observed> {
        &self.observed
    }

    /// Stops in order: no more is read, what was read runs dry, and after `grace` all has ended. Returns at once.
    pub fn stop(&self, grace: Duration) {
        self.fleet.stop(grace);
    }

    /// Waits until all pipelines have ended, at the end of a stop's grace at the latest, and closes their books. An error if one failed for good.
    pub fn wait(&self) -> Result<()> {
        let result = self.fleet.wait(&self.crashes);
        for pipeline in self.observed.pipelines().iter() {
            report::close(pipeline);
        }
        result
    }
}
