//! `./dev bench`: what a record costs, stage by stage and through whole processes.

mod agent;
mod floors;
mod idle;
mod index;
mod indexer;
mod load;
mod meter;
mod notifier;
mod plugins;
mod stages;

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use sluice_servers::{Kafka, KafkaOptions};
use tempfile::TempDir;

use self::load::Load;
use self::meter::{Figures, verdict};
use self::plugins::Chain;
use crate::components;
use crate::demo::interrupt::Interrupt;
use crate::project::Project;
use crate::step::{step, timed};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Which part; all of them if not given
    #[arg(value_enum)]
    part: Option<Part>,
    /// Bytes of log files for agent, indexer and notifier, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 256, value_parser = clap::value_parser!(u64).range(16..=16_384))]
    size: u64,
    /// Keeps the config files, the log files and the logs of the processes
    #[arg(long)]
    keep: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Nanoseconds a record of each stage, by criterion
    Stages,
    /// Log files → Kafka: CPU seconds a GiB, peak memory
    Agent,
    /// Kafka → an index that only counts: CPU seconds a GiB, peak memory
    Indexer,
    /// Kafka without exceptions → exception-notifier → a webhook: CPU time a record, beside a notifier that does nothing
    Notifier,
    /// An agent with three plugins and an indexer that have nothing to do: CPU time, memory
    Idle,
}

/// CPU time of the agent with three plugins, where that without any is 1.
const THREE_PLUGINS: f64 = 1.25;
/// Of so many runs the one with the least CPU time counts, where two are compared.
const ROUNDS: usize = 4;

/// What the runs of whole processes share.
struct Bench {
    // Dropped in this order: the broker before the folder.
    kafka: Kafka,
    interrupt: Interrupt,
    /// The `sluice` program.
    program: PathBuf,
    counting_index: PathBuf,
    components: PathBuf,
    folder: TempDir,
}

pub(crate) fn run(project: &Project, options: &Options) -> Result<()> {
    let wanted = |part| options.part.is_none_or(|chosen| chosen == part);
    timed("components", || components::run(project))?;
    if wanted(Part::Stages) {
        stages::run(project)?;
    }
    if options.part != Some(Part::Stages) {
        step("sluice", project.cargo(&["build", "-p", "sluice", "-p", "sluice-bench"]))?;
        whole(project, options, &wanted)?;
    }
    floors::print();
    Ok(())
}

/// What the parts that run whole processes measure.
fn whole(project: &Project, options: &Options, wanted: &dyn Fn(Part) -> bool) -> Result<()> {
    let binaries = project.cache.join("target/debug");
    let bench = Bench {
        interrupt: Interrupt::listen()?,
        kafka: timed("Apache Kafka", || Kafka::start(KafkaOptions::default()))?,
        program: binaries.join("sluice"),
        counting_index: binaries.join("counting-index"),
        components: project.components(),
        folder: tempfile::Builder::new().prefix("sluice-bench-").tempdir().context("cannot create a folder")?,
    };
    if options.part != Some(Part::Idle) {
        loaded(&bench, options, wanted)?;
    }
    if wanted(Part::Idle) {
        timed("idle", || idle::run(&bench))?;
    }
    if options.keep {
        println!("\nkept: {}", bench.folder.keep().display());
    }
    Ok(())
}

/// The agent without and with plugins; then indexer and notifier on what the agent wrote.
fn loaded(bench: &Bench, options: &Options, wanted: &dyn Fn(Part) -> bool) -> Result<()> {
    let heading = format!("{} MiB of log files", options.size);
    let load = timed(&heading, || Load::write(bench.folder.path(), options.size << 20))?;
    let agent = |name, chain, round| timed(name, || agent::run(bench, &load, name, chain, round));
    let mut none = agent("agent, lz4", Chain::None, 1)?;
    let (mut figures, mut ratio) = (Vec::new(), None);
    if wanted(Part::Agent) {
        figures.push(agent("agent, lz4, level-filter", Chain::LevelFilter, 1)?);
        let mut three = agent("agent, lz4, three plugins", Chain::Three, 1)?;
        for round in 2..=ROUNDS {
            none = none.better(agent("agent, lz4", Chain::None, round)?);
            three = three.better(agent("agent, lz4, three plugins", Chain::Three, round)?);
        }
        ratio = Some(three.ratio(&none));
        figures.push(three);
    }
    figures.insert(0, none);
    if wanted(Part::Indexer) {
        for (name, chain) in [("indexer", Chain::None), ("indexer, level-filter", Chain::LevelFilter)] {
            figures.push(timed(name, || indexer::run(bench, &load, name, chain))?);
        }
    }
    let mut added = None;
    if wanted(Part::Notifier) {
        let notifier = |name, chain| timed(name, || notifier::run(bench, &load, name, chain));
        let idle = notifier("notifier that does nothing", Chain::Idle)?;
        let exceptions = notifier("exception-notifier", Chain::ExceptionNotifier)?;
        added = Some(exceptions.cpu_per_record() - idle.cpu_per_record());
        figures.extend([idle, exceptions]);
    }
    Figures::print(&figures);
    if let Some(added) = added {
        let verdict = verdict(added, notifier::TARGET, "us a record");
        println!("\nwhat exception-notifier adds to reading Kafka: {added:.2} us a record{verdict}");
    }
    if let Some(ratio) = ratio {
        println!("\nagent, CPU time with three plugins to none: {ratio:.2}{}", verdict(ratio, THREE_PLUGINS, "times"));
    }
    Ok(())
}

impl Bench {
    fn write_config(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.folder.path().join(format!("{name}.yaml"));
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }
}

/// Fails where a run lost or invented records: its figures would mean nothing.
fn same(what: &str, got: u64, expect: u64) -> Result<()> {
    if got != expect {
        bail!("{what}: {got} instead of {expect}");
    }
    Ok(())
}
