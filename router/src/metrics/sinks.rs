//! What the sinks say of themselves.

use sluice_elastic::{Count, Counters};

use super::{PipelineSnapshot, page::Page};
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
    let mut counter = |name, help, counter: fn(&Counters) -> &Count| {
        page.counter(name, help).of_pipelines(pipelines, |pipeline| match &pipeline.sink {
            SinkCounters::Elasticsearch(counters) => Some(counter(counters).get()),
            SinkCounters::Kafka(_) | SinkCounters::Slack(_) => None,
        });
    };
    counter("sluice_elasticsearch_bulks_total", "Bulks that were filled and handed over for sending.", |counters| &counters.bulks);
    counter("sluice_elasticsearch_requests_total", "Bulk requests, each attempt counted.", |counters| &counters.requests);
    counter("sluice_elasticsearch_requests_failed_total", "Bulk requests without a usable answer.", |counters| {
        &counters.failed_requests
    });
    counter("sluice_elasticsearch_request_bytes_total", "Bytes of request bodies before compression, each attempt counted.", |counters| {
        &counters.bytes
    });
    counter("sluice_elasticsearch_documents_retried_total", "Times that a document had to be sent again.", |counters| {
        &counters.retried
    });
    counter("sluice_elasticsearch_documents_repeated_total", "Documents that the index had from an earlier attempt or another process.", |counters| {
        &counters.repeated
    });
}
