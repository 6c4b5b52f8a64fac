//! One run: everything started, harmed and healed by the schedule, drained, and counted.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::report::Report;
use crate::schedule::{Planned, longest_outage, plan};
use crate::stage::Stage;

/// How long a part is given to work again after its fault, where it is worked out how much the files must hold.
const BACK: Duration = Duration::from_secs(25);
/// What to do.
#[derive(Clone, Debug)]
pub struct Options {
    pub seed: u64,
    /// How long faults happen.
    pub duration: Duration,
    pub containers: usize,
    /// Lines a second of all containers together.
    pub rate: u64,
    /// The `sluice` program.
    pub program: PathBuf,
    /// The component of the level filter.
    pub filter: PathBuf,
    /// Keeps the folder with configs, logs and files also when all went well.
    pub keep: bool,
}

/// Runs it; the report says whether every line arrived. An error is one of the run itself: a server that does not start.
/// What is kept is named on standard output.
pub fn run(options: &Options) -> Result<Report> {
    let plan = plan(options.seed, options.duration);
    let kept = longest_outage(&plan, BACK) * 2 + Duration::from_secs(30);
    announce(options, &plan, kept);
    let folder = tempfile::Builder::new().prefix("sluice-chaos-").tempdir().context("cannot create a folder")?;
    let result = Stage::set(options, &folder).and_then(|stage| stage.play(options, &plan, kept));
    if options.keep || result.as_ref().map_or(true, |report| !report.faults().is_empty()) {
        println!("kept: {}", folder.keep().display());
    }
    result
}

fn announce(options: &Options, plan: &[Planned], kept: Duration) {
    println!("seed {}, {} s, {} faults:", options.seed, options.duration.as_secs(), plan.len());
    plan.iter().for_each(|fault| println!("  {fault}"));
    println!(
        "{} containers print {} lines/s; the rotated files of each hold the last {} s at least, which is twice the \
         longest time for which this schedule can keep lines on the node",
        options.containers,
        options.rate,
        kept.as_secs()
    );
}
