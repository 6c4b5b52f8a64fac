//! What is told of plugins that took over, and of versions that were taken back.

use std::sync::Arc;

use sluice_wasm::{Plugin, trial::Rollback};
use tracing::{error, info};

/// What is different between the plugins that ran and those that run.
pub(super) fn swapped(pipeline: &str, before: &[Arc<Plugin>], after: &[Arc<Plugin>]) {
    let of_name = |plugins: &[Arc<Plugin>], name: &str| plugins.iter().find(|plugin| plugin.name() == name).cloned();
    for plugin in after {
        let (name, to) = (plugin.name(), plugin.component().digest);
        match of_name(before, name) {
            None => info!(pipeline, plugin = name, digest = %to, "plugin added"),
            Some(old) if Arc::ptr_eq(&old, plugin) => {}
            Some(old) => {
                let from = old.component().digest;
                let what = if from == to {
                    "another config of the plugin took over"
                } else {
                    "another component of the plugin took over"
                };
                info!(pipeline, plugin = name, %from, %to, "{what}");
            }
        }
    }
    for plugin in before.iter().filter(|plugin| of_name(after, plugin.name()).is_none()) {
        info!(pipeline, plugin = plugin.name(), "plugin removed");
    }
    let stayed = |plugins: &[Arc<Plugin>], others: &[Arc<Plugin>]| -> Vec<String> {
        let stays = plugins.iter().filter(|plugin| of_name(others, plugin.name()).is_some());
        stays.map(|plugin| plugin.name().to_owned()).collect()
    };
    if stayed(before, after) != stayed(after, before) {
        let order: Vec<&str> = after.iter().map(|plugin| plugin.name()).collect();
        info!(pipeline, order = order.join(", "), "the plugins have another order");
    }
}

pub(super) fn rolled_back(pipeline: &str, Rollback { from, to, reason, why, .. }: &Rollback) {
    let plugin = from.name();
    let (from, to) = (from.component().digest, to.component().digest);
    error!(
        pipeline,
        plugin,
        %from,
        %to,
        %reason,
        why,
        "a version of the plugin is taken back, and the one before runs again; the same component with the same config \
         does not take over again"
    );
}
