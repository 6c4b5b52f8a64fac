//! What the sinks say of themselves.

use sluice_elastic::{Count, Counters};
use sluice_webhook::Snapshot as Alerts;

use super::{
    PipelineSnapshot,
    page::{Page, Values},
};
use crate::assemble::SinkCounters;

pub(super) fn write(page: &mut Page, pipelines: &[PipelineSnapshot]) {
    page.gauge("sluice_sink_in_flight_bytes", "Bytes that the sink holds until they are acknowledged.").of_pipelines(
        pipelines,
        |pipeline| match &pipeline.sink {
            SinkCounters::Kafka(status) => Some(status.queued_bytes()),
            SinkCounters::Elasticsearch(counters) => Some(counters.in_flight_bytes.get()),
            SinkCounters::Slack(_) => None,
        },
    );
    elasticsearch(page, pipelines);
    slack(page, pipelines);
}

fn elasticsearch(page: &mut Page, pipelines: &[PipelineSnapshot]) {
    let mut counter = |name, help, counter: fn(&Counters) -> &Count| {
        page.counter(name, help).of_pipelines(pipelines, |pipeline| match &pipeline.sink {
            SinkCounters::Elasticsearch(counters) => Some(counter(counters).get()),
            SinkCounters::Kafka(_) | SinkCounters::Slack(_) => None,
        });
    };
    counter("sluice_elasticsearch_bulks_total", "Bulks that were filled and handed over for sending.", |counters| {
        &counters.bulks
    });
    counter("sluice_elasticsearch_requests_total", "Bulk requests, each attempt counted.", |counters| {
        &counters.requests
    });
    counter("sluice_elasticsearch_requests_failed_total", "Bulk requests without a usable answer.", |counters| {
        &counters.failed_requests
    });
    counter(
        "sluice_elasticsearch_request_bytes_total",
        "Bytes of request bodies before compression, each attempt counted.",
        |counters| &counters.bytes,
    );
    counter(
        "sluice_elasticsearch_documents_retried_total",
        "Times that a document had to be sent again.",
        |counters| &counters.retried,
    );
    counter(
        "sluice_elasticsearch_documents_repeated_total",
        "Documents that the index had from an earlier attempt or another process.",
        |counters| &counters.repeated,
    );
}

fn slack(page: &mut Page, pipelines: &[PipelineSnapshot]) {
    let of_slack = |values: &mut Values, count: fn(&Alerts) -> u64| {
        values.of_pipelines(pipelines, |pipeline| match &pipeline.sink {
            SinkCounters::Slack(counters) => Some(count(&counters.snapshot())),
            SinkCounters::Kafka(_) | SinkCounters::Elasticsearch(_) => None,
        });
    };
    let queued = "Messages that wait for the webhook, the one under way included.";
    of_slack(&mut page.gauge("sluice_slack_messages_queued", queued), |alerts| alerts.queued);
    let mut counter = |name, help, count| of_slack(&mut page.counter(name, help), count);
    counter("sluice_slack_alerts_posted_total", "Alerts that the webhook took.", |alerts| alerts.posted);
    counter(
        "sluice_slack_alerts_repeated_total",
        "Alerts counted and not posted: their group's window was open.",
        |alerts| alerts.repeats,
    );
    counter(
        "sluice_slack_alerts_too_old_total",
        "Alerts not posted: their records were older than max_age.",
        |alerts| alerts.too_old,
    );
    counter("sluice_slack_summaries_posted_total", "Messages about repeats that the webhook took.", |alerts| {
        alerts.summaries
    });
    counter("sluice_slack_retries_total", "Attempts to post that failed and are made again.", |alerts| alerts.retries);
    counter("sluice_slack_messages_refused_total", "Messages that the webhook refused for good.", |alerts| {
        alerts.refused
    });
    counter("sluice_slack_messages_given_up_total", "Messages given up after give_up_after.", |alerts| alerts.gave_up);
}
