//! `./dev fmt`, and the check that it was run.

use anyhow::Result;

use crate::project::Project;
use crate::step::{cargo, run, step};

pub(crate) fn write(project: &Project) -> Result<()> {
    run(project.cargo(&["fmt", "--all"]))?;
    run(cargo(&project.root.join("tests/fuzz"), &project.cache.join("fuzz"), &["fmt"]))?;
    project.guests().try_for_each(|guests| run(project.guest_cargo(&guests, &["fmt", "--all"])))
}

pub(crate) fn check(project: &Project) -> Result<()> {
    let arguments = ["fmt", "--all", "--check"];
    step("format of the router (./dev fmt corrects it)", project.cargo(&arguments))?;
    let fuzz = cargo(&project.root.join("tests/fuzz"), &project.cache.join("fuzz"), &["fmt", "--check"]);
    step("format of the fuzz targets", fuzz)?;
    for guests in project.guests() {
        step(&format!("format of {}", guests.display()), project.guest_cargo(&guests, &arguments))?;
    }
    Ok(())
}
