//! The shipped level-filter on lines of files and on documents from Kafka.
use sluice_core::{Origin, Shape};

use crate::batches::{batch, documents, lines, origin, texts};
use crate::components::{named, plugin};
use crate::run::Run;

const LINES: [&str; 6] = [
    r#"{"level":"debug","msg":"a"}"#,
    r#"{"level":"info","msg":"b"}"#,
    "plain DEBUG text\n",
    r#"{"level":20,"msg":"c"}"#,
    r#"{"msg":"d","severity":"TRACE"}"#,
    r#"{"msg":"e","level":"error"}"#,
];

#[test]
fn lines_below_the_level_are_dropped_and_booked() {
    let mut run = Run::new(vec![plugin("level-filter", r#"{"at_least":"info"}"#)]);
    let kept = run.apply(lines(&run.ledger, &LINES));
    assert_eq!(texts(&kept), [LINES[1], LINES[2], LINES[5]]);
    let counts = run.lineup.current()[0].counters().read();
    assert_eq!((counts.calls, counts.records, counts.dropped, counts.faults), (1, 6, 3, 0));
    run.deliver(kept);
    assert_eq!(run.ledger.balance().dropped["under-test"], 3);
}

#[test]
fn plain_text_is_read_when_asked_for() {
    let mut run = Run::new(vec![plugin("level-filter", r#"{"at_least":"info","parse_text":true}"#)]);
    let kept = run.apply(lines(&run.ledger, &["[DEBUG] a", "[INFO] b", "level=trace c", LINES[0], "d"]));
    assert_eq!(texts(&kept), ["[INFO] b", "d"]);
}

#[test]
fn documents_are_looked_into() {
    let document = |log: &str| format!(r#"{{"log":{},"kubernetes":{{"host":"n"}}}}"#, serde_json::Value::from(log));
    let all: Vec<String> = LINES.iter().map(|line| document(line)).collect();
    let mut all: Vec<&str> = all.iter().map(String::as_str).collect();
    all.extend([r#"{"level":"debug"}"#, r#"{"log":{"level":"debug"}}"#, r#"{"log.level":"debug"}"#, "not json", ""]);
    let mut run = Run::new(vec![plugin("level-filter", r#"{"at_least":"info"}"#)]);
    let kept = run.apply(documents(&run.ledger, &all));
    assert_eq!(texts(&kept), [all[1], all[2], all[5], "not json", ""]);
}

#[test]
fn fields_of_the_origin_are_decided_by_run() {
    let options = r#"{"at_least":"info","field":"kubernetes.namespace_name"}"#;
    for shape in [Shape::Lines, Shape::Documents] {
        let mut run = Run::new(vec![plugin("level-filter", options)]);
        let origins = vec![origin("a", "debug"), origin("b", "error"), Origin::new("c", "", "{}")];
        let rows: Vec<(u32, &[u8])> = [(0, "0"), (0, "1"), (1, "2"), (0, "3"), (2, "4"), (1, "5"), (0, "6")]
            .map(|(o, t)| (o, t.as_bytes()))
            .into();
        let kept = run.apply(batch(shape, &run.ledger, origins, &rows));
        assert_eq!(texts(&kept), ["2", "4", "5"], "{shape:?}");
    }
}

#[test]
fn a_chain_books_each_drop_under_the_first_plugin_that_dropped() {
    let filter = |name, options| named(name, "level-filter", options);
    let mut run = Run::new(vec![
        filter("one", r#"{"at_least":"debug"}"#),
        filter("two", r#"{"at_least":"warn"}"#),
        filter("three", r#"{"at_least":"warn"}"#),
    ]);
    let kept = run.apply(lines(&run.ledger, &LINES));
    assert_eq!(texts(&kept), [LINES[2], LINES[5]]);
    let dropped = |name| run.ledger.dropped_by(name).get();
    assert_eq!((dropped("one"), dropped("two"), dropped("three")), (1, 3, 0));
}

#[test]
fn long_batches_take_several_calls() {
    let mut run = Run::new(vec![plugin("level-filter", r#"{"at_least":"info"}"#)]);
    let texts_in: Vec<&str> = (0..20_001).map(|n| LINES[n % 2]).collect();
    let kept = run.apply(lines(&run.ledger, &texts_in));
    assert_eq!(kept.len(), 10_000);
    assert_eq!(run.lineup.current()[0].counters().read().calls, 3);
}
