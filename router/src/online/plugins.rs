//! Components: each is loaded and configured as the pipeline would do it.

use anyhow::Result;
use sluice_wasm::Lineup;

use super::Finding;
use crate::{assemble::Shelf, config::Plan};

/// Loads the plugins of every pipeline. Of a pipeline that cannot start, the first reason is told.
pub(super) fn look(plan: &Plan) -> Result<Vec<Finding>> {
    if plan.pipelines.iter().all(|pipeline| pipeline.plugins.is_empty()) {
        return Ok(Vec::new());
    }
    let mut shelf = Shelf::new()?;
    let mut findings = Vec::new();
    for pipeline in plan.pipelines.iter().filter(|pipeline| !pipeline.plugins.is_empty()) {
        let loaded = shelf.load(pipeline, &[]).and_then(|plugins| {
            Lineup::new(plugins.clone(), plan.dead_letter.is_some())?;
            Ok(plugins)
        });
        match loaded {
            Ok(plugins) => findings.extend(plugins.iter().zip(&pipeline.plugins).map(|(plugin, written)| {
                let component = format!("plugin {} of {}", written.name, pipeline.name);
                let text = format!("{} {}, accepts its config", plugin.kind(), plugin.component().digest);
                Finding::ok(&component, &written.component.display().to_string(), text)
            })),
            Err(error) => {
                findings.push(Finding::error("plugins", &format!("of {}", pipeline.name), format!("{error:#}")))
            }
        }
    }
    Ok(findings)
}
