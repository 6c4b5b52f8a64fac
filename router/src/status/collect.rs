//! A snapshot as a report.

use std::time::Duration;

use sluice_core::{Balance, supervisor::State};

use super::report::{Books, FileFigures, Lag, Partition, Pipeline, Plugin, Report, Sink, Source, TakenBack, Trouble};
use crate::{
    admin::readiness,
    assemble::{SinkCounters, SourceCounters},
    metrics::{PipelineSnapshot, PluginSnapshot, RollbackSnapshot, Snapshot},
};

/// Records are in flight and none has left for so long: this is told as a state of its own.
const STALLED: Duration = Duration::from_secs(10);

pub(crate) fn collect(snapshot: &Snapshot) -> Report {
    let reasons = readiness::unready(snapshot);
    let mut total = Balance::default();
    snapshot.pipelines.iter().for_each(|pipeline| total.add(&pipeline.balance));
    Report {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        commit: env!("SLUICE_BUILD_COMMIT").to_owned(),
        pid: std::process::id(),
        up_s: snapshot.up.map(|up| up.as_secs()),
        ready: reasons.is_empty(),
        reasons,
        notes: readiness::notes(snapshot),
        pipelines: snapshot.pipelines.iter().map(pipeline).collect(),
        total: books(&total),
    }
}

fn pipeline(of: &PipelineSnapshot) -> Pipeline {
    let (state, since) = match &of.state {
        State::Starting => ("starting", of.since),
        State::Running if of.halted.is_some() => ("halted", of.since),
        State::Running if of.stalled >= STALLED => ("stalled", Some(of.stalled)),
        State::Running => ("running", of.since),
        State::Restarting(_) => ("restarting", of.since),
        State::Stopped => ("stopped", of.since),
        State::Failed(_) => ("failed", of.since),
    };
    Pipeline {
        name: of.name.clone(),
        state: state.to_owned(),
        since_s: since.map(|since| since.as_secs()),
        halted: of.halted.clone(),
        restarts: of.restarts,
        last_failure: of.last_failure.as_ref().map(|(failure, ago)| Trouble {
            component: failure.component.clone(),
            text: failure.text.clone(),
            ago_s: ago.as_secs(),
        }),
        books: books(&of.balance),
        source: source(&of.source),
        sink: sink(&of.sink),
        plugins: of.plugins.iter().map(|plugin| self::plugin(plugin, &of.rollbacks)).collect(),
    }
}

fn books(balance: &Balance) -> Books {
    Books {
        read: balance.kept(),
        delivered: balance.delivered,
        dropped: balance.dropped.clone(),
        dead_lettered: balance.dead_lettered.clone(),
        in_flight: balance.in_flight(),
        returned: balance.returned,
        expired: balance.expired.clone(),
        expired_bytes: balance.expired_bytes.clone(),
    }
}

fn source(counters: &SourceCounters) -> Source {
    match counters {
        SourceCounters::Files(counters) => Source {
            kind: "files".to_owned(),
            lag: Lag { bytes: Some(counters.lag_bytes.get()), records: None },
            files: Some(FileFigures {
                open: counters.files_open.get(),
                held: counters.files_deleted.get(),
                held_unread_bytes: counters.deleted_bytes.get(),
                unreadable: counters.files_unreadable.get(),
            }),
            partitions: Vec::new(),
        },
        SourceCounters::Kafka(status) => Source {
            kind: "kafka".to_owned(),
            lag: Lag { bytes: None, records: Some(status.lag()) },
            files: None,
            partitions: status.partitions().into_iter().map(partition).collect(),
        },
    }
}

fn partition(of: sluice_kafka::PartitionStatus) -> Partition {
    let sluice_kafka::PartitionStatus { topic, partition, committed, end, lag } = of;
    Partition { topic, partition, committed, end, lag }
}

fn sink(counters: &SinkCounters) -> Sink {
    match counters {
        SinkCounters::Kafka(status) => {
            Sink { kind: "kafka".to_owned(), in_flight_bytes: Some(status.queued_bytes()), ..Sink::default() }
        }
        SinkCounters::Elasticsearch(counters) => Sink {
            kind: "elasticsearch".to_owned(),
            in_flight_bytes: Some(counters.in_flight_bytes.get()),
            last_error: counters.last_error(),
            ..Sink::default()
        },
        SinkCounters::Slack(counters) => {
            Sink { kind: "slack".to_owned(), queued: Some(counters.snapshot().queued), ..Sink::default() }
        }
    }
}

fn plugin(of: &PluginSnapshot, rollbacks: &[RollbackSnapshot]) -> Plugin {
    let taken_back = rollbacks.iter().find(|rollback| rollback.plugin == of.name).map(|rollback| TakenBack {
        digest: rollback.from.clone(),
        why: rollback.why.clone(),
        ago_s: rollback.ago.as_secs(),
    });
    Plugin {
        taken_back,
        name: of.name.clone(),
        kind: of.kind.clone(),
        digest: of.digest.clone(),
        exports: of.exports.clone(),
        calls: of.counts.calls,
        records: of.counts.records,
        faults: of.counts.faults,
    }
}
