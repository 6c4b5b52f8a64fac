//! Texts and traces that are put together: how long they are waited for, and what becomes of them over restarts.

#![allow(clippy::unwrap_used, reason = "a test that fails says where")]

mod fixture;

use std::time::Duration;

use fixture::{Node, append, deliver, read, read_batches, read_to_the_end, see, texts};
use sluice_core::{Part, pipeline::Source};
use sluice_tail::{
    LineTime, LongLines,
    multiline::{Language, Multiline},
};
use tokio::time::timeout;

/// As long as a silent join is waited for, and the look that sees it.
const TIMEOUT: Duration = Duration::from_secs(6);
const SHORT: Duration = Duration::from_secs(2);

fn node() -> Node {
    let mut node = Node::new();
    node.config.multiline = Some(Multiline::new(Language::ALL.to_vec(), Vec::new(), 1000));
    node
}

const TRACE: [&str; 3] = ["java.lang.Error: e", "\tat f.G.h(G.java:1)", "\tat f.G.i(G.java:2)"];

#[tokio::test(start_paused = true)]
async fn a_part_that_has_no_end_leaves_after_the_silence_and_is_done_with() {
    let node = Node::new();
    let app = node.container("app");
    app.append("2023-11-14T22:13:20Z stdout P a\n2023-11-14T22:13:20Z stderr F e\n");
    let mut tail = node.tail();
    assert_eq!(
        texts(&read_batches(&mut tail, SHORT).await.into_iter().flat_map(fixture::deliver).collect::<Vec<_>>()),
        ["e"]
    );
    let batches = read_batches(&mut tail, TIMEOUT).await;
    let parts: Vec<_> = batches.iter().flat_map(|batch| batch.records()).map(|record| record.part).collect();
    assert_eq!(parts, [Part { number: 0, goes_on: true }]);
    assert_eq!(texts(&batches.into_iter().flat_map(fixture::deliver).collect::<Vec<_>>()), ["a"]);
    tail.close().await.unwrap();
    drop(tail);
    // Written after the silence, as its time says.
    app.append("2023-11-14T22:13:30Z stdout F b\n");
    assert_eq!(texts(&read(&mut node.tail()).await), ["b"]);
}

#[tokio::test(start_paused = true)]
async fn a_trace_is_waited_for_and_is_the_same_when_it_is_read_again() {
    let node = node();
    let app = node.container("app");
    let mut tail = node.tail();
    app.line("before");
    TRACE[..2].iter().for_each(|line| app.line(line));
    let first: Vec<_> = read_batches(&mut tail, SHORT).await.iter().flat_map(see).collect();
    assert_eq!(texts(&first), ["before"]);
    app.line(TRACE[2]);
    let trace: Vec<_> = read_batches(&mut tail, TIMEOUT).await.iter().flat_map(see).collect();
    assert_eq!(texts(&trace), [TRACE.join("\n")]);
    tail.save().await.unwrap();
    drop(tail);
    // Nothing was delivered; what comes later is another record, as it was.
    app.append("2023-11-14T22:14:20Z stdout F \tat f.G.j(G.java:3)\n");
    let mut tail = node.tail();
    let again = read_to_the_end(&mut tail).await;
    assert_eq!(again[..2], [first, trace].concat());
    assert_eq!(texts(&again[2..]), ["\tat f.G.j(G.java:3)"]);
}

#[tokio::test(start_paused = true)]
async fn an_open_trace_holds_the_position_of_its_stream() {
    let node = node();
    let app = node.container("app");
    app.line(TRACE[0]);
    app.append("2023-11-14T22:13:20Z stderr F e\n");
    let mut tail = node.tail();
    assert_eq!(texts(&read(&mut tail).await), ["e"]);
    tail.close().await.unwrap();
    drop(tail);
    TRACE[1..].iter().for_each(|line| app.line(line));
    app.line("after");
    assert_eq!(texts(&read(&mut node.tail()).await), [&TRACE.join("\n"), "after"]);
}

#[tokio::test(start_paused = true)]
async fn a_line_of_any_length_keeps_no_other_file_from_being_read() {
    for (long_lines, expected) in [(LongLines::Truncate, 1024), (LongLines::Split, 3 << 20)] {
        let mut node = Node::new();
        (node.config.max_line, node.config.long_lines) = (1024, long_lines);
        let (long, other) = (node.container("long"), node.container("other"));
        long.append("2023-11-14T22:13:20Z stdout F ");
        let mut tail = node.tail();
        let mut seen = Vec::new();
        for n in 0..3 {
            long.append("x".repeat(1 << 20));
            other.line(&n.to_string());
            seen.extend(read(&mut tail).await);
        }
        let others: Vec<_> = seen.iter().filter(|seen| !seen.text.starts_with('x')).collect();
        assert_eq!(others.len(), 3);
        long.append("\n");
        long.line("next");
        seen.extend(read(&mut tail).await);
        let length: usize = seen.iter().filter(|seen| seen.text.starts_with('x')).map(|seen| seen.text.len()).sum();
        assert_eq!((length, seen.last().unwrap().text.as_str()), (expected, "next"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_plain_line_with_a_time_is_the_same_when_it_is_read_again() {
    let mut node = Node::new();
    let path = node.at("kubelet.log");
    node.config.include = vec![path.display().to_string()];
    node.config.line_time =
        Some(LineTime::new(r"^[IWEF](\d{4} \d\d:\d\d:\d\d\.\d+)", Some("%m%d %H:%M:%S%.f"), "UTC").unwrap());
    node.config.clock = || 1_700_000_000_000_000_000;
    append(&path, "I1114 22:13:20.5 1 server.go:1] started\n  and more\n");
    let mut tail = node.tail();
    let first: Vec<_> = read_batches(&mut tail, SHORT).await.iter().flat_map(see).collect();
    assert_eq!(first.iter().map(|seen| seen.time).collect::<Vec<_>>(), [1_700_000_000_500_000_000; 2]);
    drop(tail);
    node.config.clock = || 1_710_000_000_000_000_000;
    assert_eq!(read(&mut node.tail()).await, first);
}

#[tokio::test(start_paused = true)]
async fn many_open_texts_leave_room_for_each_other() {
    let node = Node::new();
    let part = "x".repeat(200 << 10);
    // More than all files together may have in flight.
    for n in 0..400 {
        let app = node.container(&format!("app{n}"));
        app.append(format!("2023-11-14T22:13:20Z stdout P {part}\n"));
    }
    let (mut tail, mut seen) = (node.tail(), Vec::new());
    while let Ok(batch) = timeout(2 * TIMEOUT, tail.next()).await {
        seen.extend(deliver(batch.unwrap().unwrap()));
    }
    assert_eq!(seen.len(), 400);
    assert!(seen.iter().all(|seen| seen.text == part));
}
