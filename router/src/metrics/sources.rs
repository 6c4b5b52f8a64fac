//! What the sources say of themselves.

use sluice_tail::{Counter, Counters};

use super::{PipelineSnapshot, page::Page};
use crate::assemble::SourceCounters;

pub(super) fn write(page: &mut Page, pipelines: &[PipelineSnapshot]) {
    page.gauge("sluice_source_lag_records", "Messages in the assigned partitions that are not committed yet.")
        .of_pipelines(pipelines, |pipeline| match &pipeline.source {
            SourceCounters::Kafka(status) => Some(status.lag()),
            SourceCounters::Files(_) => None,
        });
    let mut of_files = |is_gauge: bool, name: &'static str, help: &str, counter: fn(&Counters) -> &Counter| {
        let mut values = if is_gauge { page.gauge(name, help) } else { page.counter(name, help) };
        values.of_pipelines(pipelines, |pipeline| match &pipeline.source {
            SourceCounters::Files(counters) => Some(counter(counters).get()),
            SourceCounters::Kafka(_) => None,
        });
    };
    let mut gauge = |name, help, counter| of_files(true, name, help, counter);
    gauge("sluice_source_lag_bytes", "Bytes in followed files that are not delivered.", |counters| &counters.lag_bytes);
    gauge("sluice_files_open", "Files held open.", |counters| &counters.files_open);
    gauge("sluice_files_deleted", "Files held open that no path leads to any more.", |counters| {
        &counters.files_deleted
    });
    gauge(
        "sluice_files_deleted_unread_bytes",
        "Bytes of deleted files that are not read yet; only the open file keeps them.",
        |counters| &counters.deleted_bytes,
    );
    gauge("sluice_files_unreadable", "Files that a pattern names and that cannot be opened or read.", |counters| {
        &counters.files_unreadable
    });
    gauge(
        "sluice_files_rate_limited_containers",
        "Containers whose files wait, since `rate_limit` does not let them be read faster.",
        |counters| &counters.rate_limited,
    );
    let mut counter = |name, help, counter| of_files(false, name, help, counter);
    counter("sluice_files_read_bytes_total", "Bytes read from files, those read again included.", |counters| {
        &counters.bytes_read
    });
    counter("sluice_files_rotations_total", "Files replaced by another under the same path.", |counters| {
        &counters.rotations
    });
    counter("sluice_files_truncations_total", "Files that were emptied in place.", |counters| &counters.truncations);
    counter(
        "sluice_files_lines_malformed_total",
        "Lines without the format of their file; each became a record as it stands.",
        |counters| &counters.lines_malformed,
    );
    counter("sluice_files_lines_cut_total", "Records cut at the longest line.", |counters| &counters.lines_cut);
    counter(
        "sluice_files_lines_split_total",
        "Lines that became several records, being too long for one.",
        |counters| &counters.lines_split,
    );
    let help = "Parts of lines and traces that became a record before their end had come.";
    counter("sluice_files_joins_ended_early_total", help, |counters| &counters.joins_ended_early);
    counter("sluice_files_lines_not_utf8_total", "Records whose text was not UTF-8.", |counters| {
        &counters.lines_not_utf8
    });
    let help = "Seconds that containers waited for `rate_limit`, summed over them.";
    page.counter("sluice_files_rate_limited_seconds_total", help).of_pipelines(pipelines, |pipeline| {
        match &pipeline.source {
            SourceCounters::Files(counters) => Some(counters.rate_limited_millis.get() as f64 / 1e3),
            SourceCounters::Kafka(_) => None,
        }
    });
    let help = "Bytes of files that were gone or given up before they were read, by container: one hundred, and other.";
    let mut values = page.counter("sluice_files_lost_bytes_total", help);
    for pipeline in pipelines {
        let SourceCounters::Files(counters) = &pipeline.source else { continue };
        for ([namespace, pod, container], bytes) in counters.lost.by_container() {
            let of_container = [("namespace", &*namespace), ("pod", &*pod), ("container", &*container)];
            values.add(&[&[("pipeline", &*pipeline.name)], &of_container[..]].concat(), bytes);
        }
    }
}
