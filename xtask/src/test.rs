//! `./dev test`: stops at the first step that fails.

use anyhow::Result;

use crate::project::Project;
use crate::step::{step, timed};
use crate::{check, components};

pub(crate) fn run(project: &Project) -> Result<()> {
    timed("everything", || {
        check::run(project)?;
        timed("components", || components::run(project))?;
        for guests in project.guests() {
            let heading = format!("native tests of {}", guests.display());
            step(&heading, project.guest_cargo(&guests, &["test", "--workspace", "--quiet"]))?;
        }
        // The end-to-end tests start the binary, and cargo does not build it for the tests of another package.
        step("build of the router", project.cargo(&["build", "--workspace"]))?;
        step("tests of the router, with real servers", project.cargo(&["test", "--workspace"]))
    })
}
