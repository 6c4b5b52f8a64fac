//! `./dev chaos`: builds, and becomes `sluice-chaos`, which has the options.

use std::os::unix::process::CommandExt as _;
use std::process::Command;

use anyhow::{Result, anyhow};

use crate::components;
use crate::project::Project;
use crate::step::{step, timed};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// See `./dev chaos --help`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// Hands over terminal, signals and exit code; returns only if that fails.
pub(crate) fn run(project: &Project, options: &Options) -> Result<()> {
    timed("components", || components::run(project))?;
    step("sluice", project.cargo(&["build", "-p", "sluice", "-p", "sluice-chaos"]))?;
    let binaries = project.cache.join("target/debug");
    let error = Command::new(binaries.join("sluice-chaos"))
        .arg("--program")
        .arg(binaries.join("sluice"))
        .arg("--components")
        .arg(project.components())
        .args(&options.arguments)
        .exec();
    Err(anyhow!(error).context("cannot start sluice-chaos"))
}
