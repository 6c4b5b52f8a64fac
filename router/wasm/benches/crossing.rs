//! What it costs to ask a plugin. `call` is the crossing and the plugin's own work; `apply` adds finding the columns;
//! `native` parses the same documents with serde_json, without WebAssembly. Criterion's throughput is records.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

#[path = "../tests/plugins/batches.rs"]
#[allow(dead_code)]
mod batches;
#[path = "../tests/plugins/components.rs"]
#[allow(dead_code)]
mod components;
#[path = "../tests/plugins/run.rs"]
#[allow(dead_code)]
mod run;

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use batches::{batch, origin};
use components::{named, plugin};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use run::Run;
use sluice_core::{Batch, Ledger, Origin, Shape};

/// About 250 bytes, as the design's measurements had them. Each has another level than the one before.
fn line(index: usize) -> String {
    line_of(["debug", "info", "warn", "error"][index % 4], index)
}

/// The same with levels as they are in most logs: one in ten is another one.
fn usual_line(index: usize) -> String {
    line_of(if index % 10 == 3 { "debug" } else { "info" }, index)
}

fn line_of(level: &str, index: usize) -> String {
    let message = "order accepted and queued for the warehouse, ".repeat(3);
    format!(r#"{{"ts":"2026-01-02T03:04:05.{index:06}Z","level":"{level}","logger":"shop.cart","msg":"{message}"}}"#)
}

fn plain_line(index: usize) -> String {
    format!("INFO shop.cart {index}: {}", "order accepted and queued for the warehouse, ".repeat(5))
}

fn with_exceptions(index: usize) -> String {
    let thrown = "java.lang.IllegalStateException: no such order";
    if index.is_multiple_of(100) { format!("{thrown} {}", plain_line(index)) } else { plain_line(index) }
}

fn with_secrets(index: usize) -> String {
    let secrets = "bob@example.com, Authorization: Bearer abcdefghijklmnop0123456789, 4111 1111 1111 1111";
    if index.is_multiple_of(10) { format!("{}{secrets}", plain_line(index)) } else { plain_line(index) }
}

fn document(index: usize) -> String {
    holding(line(index), index)
}

/// A document whose line is no JSON.
fn plain_document(index: usize) -> String {
    holding(format!("INFO shop.cart: {}\n", "order accepted and queued for the warehouse, ".repeat(5)), index)
}

fn holding(line: String, index: usize) -> String {
    let log = serde_json::Value::from(line);
    format!(
        r#"{{"log":{log},"stream":"stdout","docker":{{"container_id":"{:064x}"}},"kubernetes":{{"container_name":"web","namespace_name":"shop","pod_name":"web-{}","host":"node-1"}},"time":1700000000}}"#,
        index / 5,
        index / 5
    )
}

/// `run` records in a row are of one origin, of three origins in turn.
fn make(shape: Shape, len: usize, run: usize, row: fn(usize) -> String) -> Batch {
    let origins = vec![origin("a", "info"), origin("b", "warn"), origin("c", "error")];
    let rows: Vec<String> = (0..len).map(row).collect();
    let rows: Vec<(u32, &[u8])> = (0..len).map(|n| ((n / run % 3) as u32, rows[n].as_bytes())).collect();
    batch(shape, &Arc::new(Ledger::default()), origins, &rows)
}

fn unknown(len: usize, row: fn(usize) -> String) -> Batch {
    let rows: Vec<String> = (0..len).map(row).collect();
    let rows: Vec<(u32, &[u8])> = rows.iter().map(|row| (0, row.as_bytes())).collect();
    batch(Shape::Documents, &Arc::new(Ledger::default()), vec![Origin::unknown()], &rows)
}

/// Documents of containers that the agent told of: what Kafka holds of our own.
fn known(row: fn(usize) -> String) -> Batch {
    make(Shape::Documents, 1000, 5, row)
}

/// Asks a plugin about the same batch again and again: options are such that nothing is dropped.
fn ask(c: &mut Criterion, name: &str, options: &str, batch: Batch) {
    measure(c, name, &[("level-filter", options)], batch);
}

/// `call` is the time in all of the plugins together.
fn measure(c: &mut Criterion, name: &str, components: &[(&str, &str)], batch: Batch) {
    let len = batch.len() as u64;
    let plugins = components
        .iter()
        .enumerate()
        .map(|(at, (component, options))| named(&format!("plugin-{at}"), component, options));
    let mut run = Run::new(plugins.collect());
    let plugins = run.lineup.current();
    let time = || plugins.iter().map(|plugin| plugin.counters().read().time).sum::<Duration>();
    let mut batch = Some(batch);
    let mut ask = || batch = batch.take().map(|asked| as_before(run.apply(asked)));
    let mut group = c.benchmark_group(name);
    group.throughput(Throughput::Elements(len));
    group.bench_function("apply", |b| b.iter(&mut ask));
    group.bench_function("call", |b| {
        b.iter_custom(|iterations| {
            let before = time();
            (0..iterations).for_each(|_| ask());
            time() - before
        });
    });
    group.finish();
    assert_eq!(batch.map(|kept| kept.len() as u64), Some(len), "{name} dropped records");
}

/// Without edits and alerts, so that the next call meets the same records.
fn as_before(mut batch: Batch) -> Batch {
    batch.take_edits();
    if batch.alerts().is_empty() {
        return batch;
    }
    let parts = batch.into_parts();
    Batch::new(parts.shape, parts.place, parts.arena, parts.records, parts.origins, parts.receipt)
}

fn crossing(c: &mut Criterion) {
    let word = |_| "info".to_string();
    let by_text = r#"{"at_least":"debug","field":"log"}"#;
    let by_origin = r#"{"at_least":"debug","field":"kubernetes.namespace_name"}"#;
    let with_text = r#"{"at_least":"debug","field":"kubernetes.namespace_name","parse_text":true}"#;
    for len in [10, 1000] {
        let lines = make(Shape::Lines, len, 5, word);
        measure(
            c,
            &format!("nothing done, one column, {len} records"),
            &[("misbehaves", r#"{"do":"nothing"}"#)],
            lines,
        );
        ask(c, &format!("one column, {len} records"), by_text, make(Shape::Lines, len, 5, word));
        ask(c, &format!("runs of 5, {len} records"), by_origin, make(Shape::Lines, len, 5, line));
        ask(c, &format!("runs of 5 and the text, {len} records"), with_text, make(Shape::Lines, len, 5, line));
    }
    ask(c, "runs of 1000, 1000 records", by_origin, make(Shape::Lines, 1000, 1000, line));
}

fn columns(c: &mut Criterion) {
    let level = r#"{"at_least":"debug","field":"log.level"}"#;
    let usual = r#"{"at_least":"debug"}"#;
    let namespace = r#"{"at_least":"debug","field":"kubernetes.namespace_name"}"#;
    ask(c, "log.level of lines, 1000 records", level, make(Shape::Lines, 1000, 5, line));
    ask(c, "the usual five of lines, 1000 records", usual, make(Shape::Lines, 1000, 5, line));
    ask(c, "log.level of documents, 1000 records", level, unknown(1000, document));
    ask(c, "the usual five of documents, 1000 records", usual, unknown(1000, document));
    ask(c, "the usual five of documents of plain text, 1000 records", usual, unknown(1000, plain_document));
    ask(c, "kubernetes.namespace_name of documents, 1000 records", namespace, unknown(1000, document));
}

/// The answer is a list of indices; this is its worst case.
fn dropping(c: &mut Criterion) {
    let mut group = c.benchmark_group("dropping all, 1000 records");
    group.throughput(Throughput::Elements(1000));
    for trick in ["drop-none", "drop-all"] {
        let mut run = Run::new(vec![plugin("misbehaves", &format!(r#"{{"do":"{trick}"}}"#))]);
        let plugin = run.lineup.current()[0].clone();
        group.bench_function(trick, |b| {
            b.iter_custom(|iterations| {
                let before = plugin.counters().read().time;
                for _ in 0..iterations {
                    run.apply(make(Shape::Lines, 1000, 5, |_| "info".to_string()));
                }
                plugin.counters().read().time - before
            });
        });
    }
    group.finish();
}

/// Each of the other plugins on lines and documents in which it finds nothing, or what it is for.
fn shipped(c: &mut Criterion) {
    type Make = fn(fn(usize) -> String) -> Batch;
    let lines: Make = |row| make(Shape::Lines, 1000, 5, row);
    let promote = r#"{"fields":["level","logger"]}"#;
    for (name, component, options, batch) in [
        ("exceptions, JSON lines", EXCEPTIONS, "{}", lines(line)),
        ("exceptions, plain lines", EXCEPTIONS, "{}", lines(plain_line)),
        ("exceptions, plain lines, 1 % have one", EXCEPTIONS, "{}", lines(with_exceptions)),
        ("exceptions, documents", EXCEPTIONS, "{}", known(document)),
        ("exceptions, documents of plain text", EXCEPTIONS, "{}", known(plain_document)),
        ("exceptions, documents of unknown origin", EXCEPTIONS, "{}", unknown(1000, document)),
        ("redact, JSON lines", "redact", "{}", lines(line)),
        ("redact, plain lines", "redact", "{}", lines(plain_line)),
        ("redact, plain lines, 10 % have secrets", "redact", "{}", lines(with_secrets)),
        ("redact, documents", "redact", "{}", known(document)),
        ("promote, JSON lines", "json-promote", promote, lines(line)),
        ("promote, plain lines", "json-promote", promote, lines(plain_line)),
        ("promote, documents", "json-promote", promote, known(document)),
    ] {
        measure(c, name, &[(component, options)], batch);
    }
}

/// Several plugins, which share the walk over a record.
fn chains(c: &mut Criterion) {
    let levels = ("level-filter", r#"{"at_least":"debug"}"#);
    let promote = ("json-promote", r#"{"fields":["level","logger"]}"#);
    let health = ("match", r#"{"drop":[{"field":"log.path","equals":["/healthz","/readyz"]}]}"#);
    let cluster = ("static-fields", r#"{"add":{"cluster":"eu-1"}}"#);
    let usual = make(Shape::Lines, 1000, 5, usual_line);
    measure(c, "level-filter, match and static-fields, JSON lines", &[levels, health, cluster], usual);
    let three = [levels, ("redact", "{}"), promote];
    for (name, batch) in [
        ("JSON lines", make(Shape::Lines, 1000, 5, usual_line)),
        ("JSON lines, all levels", make(Shape::Lines, 1000, 5, line)),
        ("documents", known(document)),
    ] {
        measure(c, &format!("level-filter, redact and promote, {name}"), &three, batch);
    }
}

/// What it takes to begin: an instance that was configured, and the batch that is the first for other plugins.
fn beginning(c: &mut Criterion) {
    let mut group = c.benchmark_group("beginning");
    for (name, options) in [("misbehaves", r#"{"do":"nothing"}"#), ("level-filter", r#"{"at_least":"debug"}"#)] {
        let plugin = plugin(name, options);
        group.bench_function(format!("an instance of {name}"), |b| {
            b.iter(|| sluice_wasm::bench::start(&plugin).unwrap())
        });
    }
    let mut run = Run::new(vec![plugin("json-promote", r#"{"fields":["level"]}"#)]);
    let mut batch = Some(make(Shape::Lines, 100, 5, line));
    group.bench_function("a swap", |b| {
        b.iter_custom(|iterations| {
            let mut pause = Duration::ZERO;
            for number in 0..iterations {
                let other = plugin("json-promote", &format!(r#"{{"fields":["level"],"prefix":"p{number}"}}"#));
                run.lineup.replace(vec![Arc::new(other)]).unwrap();
                let began = Instant::now();
                batch = batch.take().map(|asked| as_before(run.apply(asked)));
                pause += began.elapsed();
            }
            pause
        });
    });
    group.finish();
}

const EXCEPTIONS: &str = "exception-notifier";

fn native(c: &mut Criterion) {
    let mut group = c.benchmark_group("native");
    group.throughput(Throughput::Elements(1000));
    for (name, row) in [("lines of 250 bytes", line as fn(usize) -> String), ("documents", document)] {
        let rows: Vec<String> = (0..1000).map(row).collect();
        group.bench_function(format!("serde_json, {name}"), |b| {
            b.iter(|| {
                rows.iter().filter(|row| serde_json::from_str::<serde_json::Value>(black_box(row)).is_ok()).count()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, crossing, columns, dropping, shipped, chains, beginning, native);
criterion_main!(benches);
