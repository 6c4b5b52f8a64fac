//! No container keeps another from being read, and memory is bounded, whatever waits to be read.

#![allow(clippy::unwrap_used, reason = "a test that fails says where")]

mod fixture;

use std::{fs, time::Duration};

use fixture::{Node, Seen, cri, deliver, read, read_batches, texts};
use sluice_core::{Batch, pipeline::Source};
use sluice_tail::{
    Tail,
    multiline::{Multiline, Rule},
};
use tokio::time::{Instant, advance, timeout};

const SECOND: Duration = Duration::from_secs(1);

/// Reads until nothing comes for a second, and delivers each batch at once.
async fn drain(tail: &mut Tail) -> Vec<Seen> {
    let mut seen = Vec::new();
    while let Ok(batch) = timeout(SECOND, tail.next()).await {
        seen.extend(deliver(batch.unwrap().unwrap()));
    }
    seen
}

fn bytes(batches: &[Batch]) -> usize {
    batches.iter().map(|batch| batch.arena().len()).sum()
}

#[tokio::test(start_paused = true)]
async fn files_take_turns() {
    let node = Node::new();
    let (busy, calm) = (node.container("busy"), node.container("calm"));
    busy.append(cri(&"x".repeat(1000)).repeat(2000));
    calm.line("calm");
    let mut tail = node.tail();
    let batches = read_batches(&mut tail, SECOND).await;
    let calm = batches.iter().position(|batch| batch.text(&batch.records()[0]) == b"calm").unwrap();
    assert!(batches.len() > 5 && calm <= 1, "{calm} of {}", batches.len());
    batches.into_iter().for_each(|batch| drop(deliver(batch)));
}

#[tokio::test(start_paused = true)]
async fn a_file_waits_while_much_of_it_is_in_flight() {
    let node = Node::new();
    let (busy, calm) = (node.container("busy"), node.container("calm"));
    busy.append(cri(&"x".repeat(1000)).repeat(12_000));
    let mut tail = node.tail();
    let first = read_batches(&mut tail, SECOND).await;
    let read_first = bytes(&first);
    assert!((6 << 20..8 << 20).contains(&read_first), "{read_first}");
    calm.line("calm");
    let others = read_batches(&mut tail, 20 * SECOND).await;
    assert_eq!(others.len(), 1);
    for batch in first.into_iter().chain(others) {
        deliver(batch);
    }
    let rest = read(&mut tail).await;
    assert_eq!(rest.len() + read_first / 1000, 12_000);
}

#[tokio::test(start_paused = true)]
async fn files_that_are_never_resolved_leave_room_for_the_others() {
    let node = Node::new();
    for n in 0..20 {
        node.container(&format!("stuck-{n}")).append(cri(&"x".repeat(1000)).repeat(9000));
    }
    let calm = node.container("calm");
    let mut tail = node.tail();
    let stuck = read_batches(&mut tail, SECOND).await;
    // Records take memory beside their texts.
    let read_first = bytes(&stuck);
    assert!((50 << 20..64 << 20).contains(&read_first), "{read_first}");
    for round in 0..3 {
        calm.line(&format!("calm {round}"));
        let others = read_batches(&mut tail, SECOND).await;
        assert_eq!(others.iter().map(Batch::len).sum::<usize>(), 1, "{round}");
        others.into_iter().for_each(|batch| drop(deliver(batch)));
    }
    stuck.into_iter().for_each(|batch| drop(deliver(batch)));
    let rest = drain(&mut tail).await;
    assert_eq!(rest.len(), 20 * 9000 - read_first / 1000);
}

#[tokio::test(start_paused = true)]
async fn memory_is_bounded_whatever_the_number_of_files() {
    let node = Node::new();
    let line = cri(&"x".repeat(1000));
    for n in 0..1500 {
        node.container(&format!("busy-{n}")).append(line.repeat(100));
    }
    let mut tail = node.tail();
    let first = read_batches(&mut tail, SECOND).await;
    let read_first = bytes(&first);
    assert!((50 << 20..64 << 20).contains(&read_first), "{read_first}");
    let mut origins: Vec<_> = first.iter().map(|batch| batch.origins()[0].object.clone()).collect();
    origins.sort();
    origins.dedup();
    assert_eq!(origins.len(), 1500, "each file had a turn");
    first.into_iter().for_each(|batch| drop(deliver(batch)));
    assert_eq!(drain(&mut tail).await.len() + read_first / 1000, 150_000);
}

#[tokio::test(start_paused = true)]
async fn what_was_open_counts_as_in_flight_when_it_leaves() {
    let node = Node::new();
    let part = "x".repeat(200 << 10);
    for n in 0..400 {
        node.container(&format!("app-{n}")).append(format!("2023-11-14T22:13:20Z stdout P {part}\n"));
    }
    let mut tail = node.tail();
    let first = read_batches(&mut tail, 20 * SECOND).await;
    let read_first = bytes(&first);
    assert!((50 << 20..66 << 20).contains(&read_first), "{read_first}");
    first.into_iter().for_each(|batch| drop(deliver(batch)));
    let mut rest = 0;
    while let Ok(batch) = timeout(20 * SECOND, tail.next()).await {
        rest += deliver(batch.unwrap().unwrap()).len();
    }
    assert_eq!(rest + read_first / part.len(), 400);
}

/// Lines of a text.
const LINES: usize = 8;

/// What is open of texts whose ends are behind much else takes a bounded part of memory, whatever their number: the rest
/// leaves in parts, and nothing of it is missing.
async fn open_texts_are_bounded(name: &str, mut node: Node, line: impl Fn(usize) -> String) {
    const FILES: usize = 1500;
    node.config.join_timeout = SECOND;
    for n in 0..FILES {
        node.container(&format!("open-{n}")).append((0..LINES).map(&line).collect::<String>());
    }
    let mut tail = node.tail();
    let (mut seen, mut most_open, mut text) = (0, 0, 0);
    while let Ok(batch) = timeout(20 * SECOND, tail.next()).await {
        for record in deliver(batch.unwrap().unwrap()) {
            seen += 1;
            text += record.text.matches('x').count();
        }
        let left = text * line(0).len() / line(0).matches('x').count();
        most_open = most_open.max(node.config.counters.bytes_read.get().saturating_sub(left as u64));
    }
    let all = line(0).matches('x').count() * LINES * FILES;
    assert_eq!(text, all, "{name}: of {seen} records");
    assert!((16 << 20..40 << 20).contains(&most_open), "{name}: {most_open}");
    // Those that had to make room are marked, and the others are whole.
    let early = node.config.counters.joins_ended_early.get();
    assert!(seen > FILES && early > 0 && early < seen as u64, "{name}: {early} of {seen}");
}

#[tokio::test(start_paused = true)]
async fn open_parts_are_bounded_whatever_the_number_of_files() {
    let part = "x".repeat(10_000);
    let line = |n| format!("2023-11-14T22:13:20Z stdout {} {part}\n", if n + 1 < LINES { 'P' } else { 'F' });
    open_texts_are_bounded("parts", Node::new(), line).await;
}

#[tokio::test(start_paused = true)]
async fn open_traces_are_bounded_whatever_the_number_of_files() {
    let mut node = Node::new();
    node.config.multiline = Some(Multiline::new(Vec::new(), vec![Rule::new("^x", Some("^ ")).unwrap()], 1000));
    let line = "x".repeat(10_000);
    open_texts_are_bounded("traces", node, |n| cri(&format!("{}{line}", if n == 0 { "" } else { " " }))).await;
}

#[tokio::test(start_paused = true)]
async fn a_container_is_read_at_its_rate_and_nothing_is_dropped() {
    let mut node = Node::new();
    node.config.rate_limit = Some(100_000);
    let (mut busy, calm) = (node.container("busy"), node.container("calm"));
    let line = cri(&"x".repeat(1000));
    busy.append(line.repeat(500));
    let mut tail = node.tail();
    let (start, mut count) = (Instant::now(), 0);
    let (mut rotated, mut most_waiting) = (false, 0);
    while let Ok(batch) = timeout(10 * SECOND, tail.next()).await {
        count += deliver(batch.unwrap().unwrap()).len();
        let most = 100_000.0 * (1.0 + start.elapsed().as_secs_f64()) + 2.0 * line.len() as f64;
        assert!((count * line.len()) as f64 <= most, "{count} after {:?}", start.elapsed());
        if !rotated && start.elapsed() > SECOND {
            rotated = true;
            // The same container: what comes of a rotated file and of its successor counts together.
            busy.rotate();
            busy.append(line.repeat(500));
            calm.line("calm");
        }
        most_waiting = most_waiting.max(node.config.counters.rate_limited.get());
        if count > 999 && count < 1003 {
            assert!((9.0..12.0).contains(&start.elapsed().as_secs_f64()), "{:?}", start.elapsed());
        }
    }
    assert_eq!((count, most_waiting), (1001, 1));
    let waited = node.config.counters.rate_limited_millis.get();
    assert!((8_000..11_000).contains(&waited), "{waited}");
    assert_eq!((node.config.counters.rate_limited.get(), node.expired()), (0, 0));
    tail.save().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_its_rate_is_opened_and_held() {
    let mut node = Node::new();
    node.config.rate_limit = Some(1000);
    let mut app = node.container("app");
    let mut tail = node.tail();
    app.append(cri("0").repeat(100));
    let first = deliver(tail.next().await.unwrap().unwrap()).len();
    assert!(first < 100, "{first}");
    // Each is gone before a byte of it may be read.
    for n in 1..6 {
        fs::remove_file(app.rotate()).unwrap();
        app.append(cri(&n.to_string()).repeat(10));
        advance(SECOND).await;
        tail.save().await.unwrap();
    }
    let mut rest = Vec::new();
    for batch in read_batches(&mut tail, 10 * SECOND).await {
        rest.extend(deliver(batch));
    }
    assert_eq!(texts(&rest).last(), Some(&"5"));
    assert_eq!(first + rest.len(), 150);
    assert_eq!(node.expired(), 0);
}
