//! `./dev bench`: what a record costs, stage by stage and through whole processes.

mod agent;
mod floors;
mod index;
mod indexer;
mod load;
mod meter;
mod stages;

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use sluice_servers::{Kafka, KafkaOptions};
use tempfile::TempDir;

use self::load::Load;
use self::meter::Figures;
use crate::components;
use crate::demo::interrupt::Interrupt;
use crate::project::Project;
use crate::step::{step, timed};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Which part; all of them if not given
    #[arg(value_enum)]
    part: Option<Part>,
    /// Bytes of log files for agent and indexer, in MiB
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
}

/// What the runs of whole processes share.
struct Bench {
    // Dropped in this order: the broker before the folder.
    kafka: Kafka,
    interrupt: Interrupt,
    /// The `sluice` program.
    program: PathBuf,
    counting_index: PathBuf,
    level_filter: PathBuf,
    folder: TempDir,
}

pub(crate) fn run(project: &Project, options: &Options) -> Result<()> {
    let wanted = |part| options.part.is_none_or(|chosen| chosen == part);
    timed("components", || components::run(project))?;
    if wanted(Part::Stages) {
        stages::run(project)?;
    }
    if wanted(Part::Agent) || wanted(Part::Indexer) {
        step("sluice", project.cargo(&["build", "-p", "sluice", "-p", "sluice-bench"]))?;
        whole(project, options, wanted(Part::Indexer))?;
    }
    floors::print();
    Ok(())
}

/// The agent, without and with a plugin; then the indexer on what the agent wrote.
fn whole(project: &Project, options: &Options, with_indexer: bool) -> Result<()> {
    let binaries = project.cache.join("target/debug");
    let bench = Bench {
        interrupt: Interrupt::listen()?,
        kafka: timed("Apache Kafka", || Kafka::start(KafkaOptions::default()))?,
        program: binaries.join("sluice"),
        counting_index: binaries.join("counting-index"),
        level_filter: project.components().join("level-filter.wasm"),
        folder: tempfile::Builder::new().prefix("sluice-bench-").tempdir().context("cannot create a folder")?,
    };
    let heading = format!("{} MiB of log files", options.size);
    let load = timed(&heading, || Load::write(bench.folder.path(), options.size << 20))?;
    let mut figures = Vec::new();
    for with_plugin in [false, true] {
        let name = if with_plugin { "agent, lz4, level-filter" } else { "agent, lz4" };
        figures.push(timed(name, || agent::run(&bench, &load, name, with_plugin))?);
    }
    if with_indexer {
        for with_plugin in [false, true] {
            let name = if with_plugin { "indexer, level-filter" } else { "indexer" };
            figures.push(timed(name, || indexer::run(&bench, &load, name, with_plugin))?);
        }
    }
    Figures::print(&figures);
    if options.keep {
        println!("\nkept: {}", bench.folder.keep().display());
    }
    Ok(())
}

impl Bench {
    /// The `plugins:` line of a pipeline, or none.
    fn plugins(&self, with_plugin: bool) -> String {
        let line = || {
            let component = self.level_filter.display();
            format!("    plugins: [{{ name: drop-debug, component: \"{component}\", config: {{ at_least: info }} }}]\n")
        };
        if with_plugin { line() } else { String::new() }
    }

    fn write_config(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.folder.path().join(format!("{}.yaml", name.replace([' ', ','], "-")));
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
