//! `./dev fmt`, and the check that it was run.

use anyhow::Result;

use crate::project::Project;
use crate::step::{run, step};

pub(crate) fn write(project: &Project) -> Result<()> {
    run(project.cargo(&["fmt", "--all"]))?;
    project.guests().try_for_each(|guests| run(project.guest_cargo(&guests, &["fmt", "--all"])))
}

pub(crate) fn check(project: &Project) -> Result<()> {
    let arguments = ["fmt", "--all", "--check"];
    step("format of the router (./dev fmt corrects it)", project.cargo(&arguments))?;
    for guests in project.guests() {
        step(&format!("format of {}", guests.display()), project.guest_cargo(&guests, &arguments))?;
    }
    Ok(())
}
