//! What the plugins did and cost, each version for itself.

use sluice_wasm::counters::Counts;

use super::{
    PipelineSnapshot, PluginSnapshot,
    page::{Number, Page, Values},
};

impl Values<'_> {
    fn of_plugins<N: Number>(&mut self, pipelines: &[PipelineSnapshot], value: impl Fn(&PluginSnapshot) -> N) {
        each(pipelines, |labels, plugin| self.add(&labels, value(plugin)));
    }
}

/// Calls `take` with each plugin and the labels that say which it is.
fn each<'a>(pipelines: &'a [PipelineSnapshot], mut take: impl FnMut([(&str, &'a str); 4], &PluginSnapshot)) {
    for pipeline in pipelines {
        for plugin in &pipeline.plugins {
            let labels = [
                ("pipeline", pipeline.name.as_str()),
                ("plugin", &plugin.name),
                ("digest", &plugin.digest),
                ("kind", &plugin.kind),
            ];
            take(labels, plugin);
        }
    }
}

pub(super) fn write(page: &mut Page, pipelines: &[PipelineSnapshot]) {
    let mut counter = |name, help, count: fn(&Counts) -> u64| {
        page.counter(name, help).of_plugins(pipelines, |plugin| count(&plugin.counts));
    };
    counter("sluice_plugin_calls_total", "Calls with records, the failed ones included.", |counts| counts.calls);
    counter("sluice_plugin_records_total", "Records that the plugin was called with.", |counts| counts.records);
    counter("sluice_plugin_dropped_total", "Records that the plugin's answers dropped.", |counts| counts.dropped);
    counter("sluice_plugin_edits_total", "Values that the plugin's answers set.", |counts| counts.edits);
    counter(
        "sluice_plugin_edits_blocked_total",
        "Edits that changed nothing: what was in their way is no object.",
        |counts| counts.blocked,
    );
    counter("sluice_plugin_alerts_total", "Alerts that the plugin raised.", |counts| counts.alerts);
    counter("sluice_plugin_faults_total", "Calls that failed.", |counts| counts.faults);
    counter("sluice_plugin_passed_total", "Records that went on without the plugin's answer.", |counts| counts.passed);
    page.counter("sluice_plugin_call_seconds_total", "Wall-clock time within calls, the crossing included.")
        .of_plugins(pipelines, |plugin| plugin.counts.time.as_secs_f64());
    let mut bundles = page
        .counter("sluice_plugin_crash_bundles_total", "Crash bundles of calls that failed, by what became of them.");
    each(pipelines, |[pipeline, plugin, digest, kind], PluginSnapshot { bundles: counts, .. }| {
        for (result, count) in [("written", counts.written), ("failed", counts.failed), ("skipped", counts.skipped)] {
            bundles.add(&[pipeline, plugin, digest, kind, ("result", result)], count);
        }
    });
    page.gauge("sluice_plugin_info", "The versions that run, by their digests; the value is always 1.")
        .of_plugins(pipelines, |_| 1_u64);
    let mut stand_ins = page.gauge(
        "sluice_plugin_stand_in",
        "Versions of the cache that run, as what the files say cannot; the value is always 1.",
    );
    for pipeline in pipelines {
        for stand_in in &pipeline.stand_ins {
            let labels = [("pipeline", &*pipeline.name), ("plugin", &stand_in.plugin), ("digest", &stand_in.digest)];
            stand_ins.add(&labels, 1_u64);
        }
    }
    let mut rollbacks = page.counter("sluice_plugin_rollbacks_total", "Versions that were taken back, by why.");
    for pipeline in pipelines {
        for ((plugin, reason), count) in &pipeline.rollback_counts {
            let labels = [("pipeline", &*pipeline.name), ("plugin", plugin), ("reason", reason.name())];
            rollbacks.add(&labels, *count);
        }
    }
}
