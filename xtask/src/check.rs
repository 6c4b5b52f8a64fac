//! `./dev check`: what can be judged without running anything.

use anyhow::Result;

use crate::project::Project;
use crate::step::{step, timed};
use crate::{format, layers, references, tidy};

pub(crate) fn run(project: &Project) -> Result<()> {
    timed("layers", || layers::check(project))?;
    timed("tidiness", || tidy::check(&project.root))?;
    timed("tests that documents name", || references::check(&project.root))?;
    format::check(project)?;
    let clippy = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
    step("lints of the router", project.cargo(&clippy))?;
    for guests in project.guests() {
        let heading = format!("lints of {}", guests.display());
        step(&heading, project.guest_cargo(&guests, &clippy))?;
    }
    Ok(())
}
