//! The books of each pipeline, and whether it runs.

use std::collections::BTreeMap;

use sluice_core::{Balance, supervisor::State};

use super::{
    PipelineSnapshot,
    page::{Number, Page, Values},
};

impl Values<'_> {
    /// One value for each pipeline that has it.
    pub fn of_pipelines<N: Number>(
        &mut self,
        pipelines: &[PipelineSnapshot],
        value: impl Fn(&PipelineSnapshot) -> Option<N>,
    ) {
        for pipeline in pipelines {
            if let Some(value) = value(pipeline) {
                self.add(&[("pipeline", &pipeline.name)], value);
            }
        }
    }

    /// The counts of each pipeline by their names, which become the label `by`.
    fn of_counts(
        &mut self,
        by: &str,
        pipelines: &[PipelineSnapshot],
        counts: impl Fn(&Balance) -> &BTreeMap<String, u64>,
    ) {
        for pipeline in pipelines {
            for (name, count) in counts(&pipeline.balance) {
                self.add(&[("pipeline", &pipeline.name), (by, name)], *count);
            }
        }
    }
}

pub(super) fn write(page: &mut Page, pipelines: &[PipelineSnapshot]) {
    page.gauge(
        "sluice_pipeline_up",
        "Whether the pipeline runs: 0 while it starts, waits for a restart, or has ended.",
    )
    .of_pipelines(pipelines, |pipeline| Some(u64::from(pipeline.state == State::Running)));
    page.gauge(
        "sluice_pipeline_halted",
        "Whether a plugin was halted for its faults: the pipeline waits for another version or config.",
    )
    .of_pipelines(pipelines, |pipeline| Some(u64::from(pipeline.halted.is_some())));
    page.counter(
        "sluice_pipeline_restarts_total",
        "Restarts of the pipeline from its saved positions, each after a failure.",
    )
    .of_pipelines(pipelines, |pipeline| Some(pipeline.restarts));
    page.gauge(
        "sluice_pipeline_stalled_seconds",
        "For how long records have been in flight and none has left; 0 while some leave or none is in flight.",
    )
    .of_pipelines(pipelines, |pipeline| Some(pipeline.stalled.as_secs()));
    page.counter("sluice_records_read_total", "Records read; one that is read again counts again.")
        .of_pipelines(pipelines, |pipeline| Some(pipeline.balance.read));
    page.counter(
        "sluice_records_returned_total",
        "Records given back unresolved at a restart or a stop, to be read again.",
    )
    .of_pipelines(pipelines, |pipeline| Some(pipeline.balance.returned));
    page.counter("sluice_records_delivered_total", "Records that the sink's other side has acknowledged.")
        .of_pipelines(pipelines, |pipeline| Some(pipeline.balance.delivered));
    page.counter("sluice_records_dropped_total", "Records dropped, by the plugin that did it.").of_counts(
        "by",
        pipelines,
        |balance| &balance.dropped,
    );
    page.counter("sluice_records_dead_lettered_total", "Records that went to the dead letters, by reason.").of_counts(
        "reason",
        pipelines,
        |balance| &balance.dead_lettered,
    );
    page.counter("sluice_records_expired_total", "Messages gone from Kafka before they could be read, by cause.")
        .of_counts("cause", pipelines, |balance| &balance.expired);
    page.counter("sluice_expired_bytes_total", "Bytes of log files gone before they could be read, by cause.")
        .of_counts("cause", pipelines, |balance| &balance.expired_bytes);
    page.gauge("sluice_records_in_flight", "Records read that have not left yet.")
        .of_pipelines(pipelines, |pipeline| Some(pipeline.balance.in_flight()));
}
