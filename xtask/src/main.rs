//! What `./dev` does once everything that it needs is installed.

mod bench;
mod chaos;
mod check;
mod components;
mod demo;
mod duration;
mod format;
mod fuzz;
mod layers;
mod manifests;
mod project;
mod references;
mod step;
mod test;
mod tidy;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::project::Project;

#[derive(Parser)]
#[command(name = "./dev", about = "Builds, tests and shows Sluice.")]
struct Arguments {
    #[command(subcommand)]
    command: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Everything that must hold: layers, format, lints, plugins, unit tests, real servers.
    Test,
    /// The part of `test` that needs no server: layers, tidiness, format, lints.
    Check,
    /// Formats the Rust code of every workspace.
    Fmt,
    /// Builds the plugins into WebAssembly components.
    Components,
    /// Writes what comes from the chart: its schema, the kustomize base, the list of its values.
    Manifests,
    /// The whole chain, to look at: in one process, or with --real on real servers.
    Demo(demo::Options),
    /// Everything fails by a seeded schedule while every line is counted, on real servers.
    #[command(disable_help_flag = true)]
    Chaos(chaos::Options),
    /// Bytes that nobody would think of, into whatever reads bytes that others chose.
    Fuzz(fuzz::Options),
    /// What a record costs, beside what others need.
    Bench(bench::Options),
}

fn main() -> ExitCode {
    match run(&Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: &Task) -> Result<()> {
    let project = Project::find()?;
    match task {
        Task::Test => test::run(&project),
        Task::Check => check::run(&project),
        Task::Fmt => format::write(&project),
        Task::Components => components::run(&project),
        Task::Manifests => manifests::run(),
        Task::Demo(options) => demo::run(&project, options),
        Task::Chaos(options) => chaos::run(&project, options),
        Task::Fuzz(options) => fuzz::fuzz(&project, options),
        Task::Bench(options) => bench::run(&project, options),
    }
}
