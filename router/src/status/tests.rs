use std::time::Duration;

use serde_json::json;
use sluice_core::{Failure, supervisor::State};

use super::{
    text::{size, span},
    *,
};
use crate::metrics::{self, Snapshot};

/// The report that a client understands, of a snapshot that one thing is changed in.
fn report(change: impl Fn(&mut Snapshot)) -> Report {
    let mut snapshot = metrics::tests::snapshot();
    change(&mut snapshot);
    let sent = json!(collect(&snapshot)).to_string();
    serde_json::from_str(&sent).unwrap()
}

#[test]
fn books_add_up_for_each_pipeline_and_for_all() {
    let report = report(|_| ());
    let adds_up = |books: &Books| {
        assert_eq!(
            books.read,
            books.delivered + books.dropped() + books.dead_lettered() + books.in_flight,
            "{books:?}"
        );
    };
    report.pipelines.iter().for_each(|pipeline| adds_up(&pipeline.books));
    adds_up(&report.total);
    let sum = |of: fn(&Books) -> u64| report.pipelines.iter().map(|pipeline| of(&pipeline.books)).sum::<u64>();
    let counts: [fn(&Books) -> u64; 4] =
        [|books| books.read, |books| books.delivered, |books| books.in_flight, |books| books.returned];
    for of in counts {
        assert_eq!(of(&report.total), sum(of));
    }
    assert_eq!((report.total.read, report.total.in_flight), (120, 10));
    assert_eq!(report.total.expired["offset_out_of_range"], 3);
}

#[test]
fn states_are_told_with_their_time() {
    let failure = || Failure::transient("kafka sink", "topic logs: is missing");
    let state = |change: &dyn Fn(&mut Snapshot)| {
        let pipeline = report(|snapshot| change(snapshot)).pipelines.remove(0);
        (pipeline.state, pipeline.since_s)
    };
    let told = |name: &str, since| (name.to_owned(), since);
    assert_eq!(state(&|_| ()), told("running", Some(60)));
    assert_eq!(
        state(&|snapshot| {
            snapshot.pipelines[0].state = State::Starting;
            snapshot.pipelines[0].since = None;
        }),
        told("starting", None)
    );
    for (stalled, expected) in [(9, told("running", Some(60))), (10, told("stalled", Some(10)))] {
        assert_eq!(state(&|snapshot| snapshot.pipelines[0].stalled = Duration::from_secs(stalled)), expected);
    }
    // Why it stands still is known, and more than that it does.
    assert_eq!(
        state(&|snapshot| {
            snapshot.pipelines[0].halted = Some("plugin redact: trap".into());
            snapshot.pipelines[0].stalled = Duration::from_secs(30);
        }),
        told("halted", Some(60))
    );
    for (of, name) in [
        (State::Restarting(failure()), "restarting"),
        (State::Failed(failure()), "failed"),
        (State::Stopped, "stopped"),
    ] {
        assert_eq!(state(&|snapshot| snapshot.pipelines[0].state = of.clone()), told(name, Some(60)));
    }
}

#[test]
fn a_report_says_what_readiness_says() {
    assert!(report(|_| ()).ready);
    let report = report(|snapshot| {
        snapshot.pipelines[1].halted = Some("plugin redact: trap".into());
        snapshot.reload.last_ok = false;
        snapshot.reload.text = "sluice.yaml:3:5: unknown key".into();
    });
    assert!(!report.ready);
    let halted = Reason {
        pipeline: Some("index".into()),
        component: "plugins".into(),
        text: "halted: plugin redact: trap".into(),
    };
    assert_eq!(report.reasons, [halted]);
    assert_eq!(
        (report.notes[0].component.as_str(), report.notes[0].text.as_str()),
        ("reload", "sluice.yaml:3:5: unknown key")
    );
}

#[test]
fn people_read_what_happened() {
    let mut report = report(|snapshot| {
        let ship = &mut snapshot.pipelines[0];
        ship.stalled = Duration::from_secs(75);
        ship.last_failure =
            Some((Failure::transient("kafka sink", "topic logs: is missing"), Duration::from_secs(4_000)));
        snapshot.pipelines.truncate(2);
    });
    (report.pid, report.up_s, report.commit) = (7, Some(100_000), "abc".into());
    let partition = |partition, committed, end| Partition {
        topic: "logs".into(),
        partition,
        committed,
        end,
        lag: committed.zip(end).map(|(committed, end)| end - committed),
    };
    report.pipelines[1].source.partitions = vec![partition(0, Some(10), Some(12)), partition(1, None, None)];
    report.pipelines[1].source.lag.records = Some(2);
    let files = report.pipelines[0].source.files.as_mut().unwrap();
    (files.open, files.held, files.held_unread_bytes, files.unreadable) = (3, 1, 2_048, 1);
    let digest = "0a".repeat(32);
    assert_eq!(
        text(&report),
        format!(
            "sluice {version} (abc), pid 7, up 1 d 3 h: ready

ship: stalled for 1 min 15 s, restarted 2 times
  last failure   1 h 6 min ago: kafka sink: topic logs: is missing
  read                    120
  = delivered             100
  + dropped                 9  drop-debug 7, redact 2
  + dead letters            1  document_parsing_exception 1
  + in flight              10
  given back               10  to be read again; in no sum
  LOST messages             3  offset_out_of_range 3
  LOST bytes             4096  rotated_away 4096
  source         files: 0 bytes behind; 3 files open, of these 1 deleted with 2.0 KiB unread; 1 file cannot be read
  sink           kafka: 0 bytes in flight
  plugin         drop-debug (filter): 120 records in 11 calls, 6 faults
    sha256:{digest} sluice:plugin/filter@0.1.0

index: running for 1 min 0 s
  read                      0
  = delivered               0
  + dropped                 0
  + dead letters            0
  + in flight               0
  source         kafka: 2 messages behind in 2 partitions
    logs/0: committed 10, end 12, behind 2
    logs/1: committed not known, end not known, behind not known
  sink           elasticsearch: 0 bytes in flight

all pipelines
  read                    120
  = delivered             100
  + dropped                 9  drop-debug 7, redact 2
  + dead letters            1  document_parsing_exception 1
  + in flight              10
  given back               10  to be read again; in no sum
  LOST messages             3  offset_out_of_range 3
  LOST bytes             4096  rotated_away 4096
",
            version = env!("CARGO_PKG_VERSION")
        )
    );
}

/// It does what it is there for, and somebody should look.
#[test]
fn a_stand_in_is_told_and_takes_nobody_out() {
    let digest = format!("sha256:{}", "0a".repeat(32));
    let report = report(|snapshot| snapshot.pipelines[0].stand_ins = vec![metrics::tests::stand_in()]);
    let told = format!("plugin drop-debug runs {digest}, its last good version, as the one of the files cannot: ");
    assert!(report.ready && report.notes.iter().any(|note| note.text.starts_with(&told)), "{:?}", report.notes);
    assert!(text(&report).contains(&format!("\n  note: ship: plugins: {told}")));
}

#[test]
fn a_report_of_a_later_version_is_understood() {
    let mut sent = json!(collect(&metrics::tests::snapshot()));
    sent["new"] = json!({ "a": 1 });
    sent["pipelines"][0]["new"] = json!([]);
    sent["pipelines"][0]["books"]["new"] = json!(1);
    let report: Report = serde_json::from_value(sent).unwrap();
    assert_eq!(report.pipelines.len(), 3);
}

#[test]
fn spans_and_sizes() {
    for (seconds, expected) in [
        (0, "0 s"),
        (59, "59 s"),
        (61, "1 min 1 s"),
        (3_600, "1 h 0 min"),
        (86_399, "23 h 59 min"),
        (90_000, "1 d 1 h"),
    ] {
        assert_eq!(span(seconds), expected);
    }
    for (bytes, expected) in [
        (0, "0 bytes"),
        (1, "1 byte"),
        (1_023, "1023 bytes"),
        (1_024, "1.0 KiB"),
        (1_536, "1.5 KiB"),
        ((1 << 20) - 1, "1.0 MiB"),
        (12 << 30, "12.0 GiB"),
        (5 << 50, "5120.0 TiB"),
    ] {
        assert_eq!(size(bytes), expected);
    }
}
