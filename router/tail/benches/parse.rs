//! What reading costs: `cargo bench -p sluice-tail`. The aim is 350 ns of CPU for a CRI line with 250 bytes of text,
//! from the file to the batch.

#![allow(clippy::unwrap_used, reason = "a bench that fails says where")]

use std::{fs, hint::black_box, io::Write, sync::Arc, time::Duration};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use sluice_core::{Generation, Ledger, RecordId, pipeline::Source};
use sluice_tail::{
    Config, Tail, cri, docker,
    fragment::Fragment,
    multiline::{Language, Multiline},
};

const FILE: usize = 64 << 20;

/// A text of 250 bytes, as services log.
fn text(n: usize) -> String {
    let head = format!(r#"{{"level":"info","msg":"request served","path":"/api/v1/items/{n}","status":200,"#);
    format!("{head}\"note\":\"{}\"}}", "x".repeat(239 - head.len()))
}

fn cri_line(n: usize) -> String {
    format!("2023-11-14T22:13:20.{:09}Z stdout F {}\n", n % 1_000_000_000, text(n))
}

fn docker_line(n: usize) -> String {
    let escaped = text(n).replace('"', "\\\"");
    format!(
        "{{\"log\":\"{escaped}\\n\",\"stream\":\"stdout\",\"time\":\"2023-11-14T22:13:20.{:09}Z\"}}\n",
        n % 1_000_000_000
    )
}

/// What this thread spent, the kernel's part of it included.
fn cpu_seconds() -> f64 {
    let spent = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    spent.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e9
}

/// One line alone: taken apart, its text appended; and what its identity costs.
fn parse(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("line");
    group.warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(2));
    let mut out = Vec::with_capacity(4096);
    for (name, line, parse) in [
        ("cri", cri_line(1), cri::parse as fn(&[u8]) -> Option<Fragment<'_>>),
        ("docker", docker_line(1), docker::parse),
    ] {
        let line = line.trim_end().as_bytes();
        group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
            bencher.iter(|| {
                out.clear();
                parse(black_box(line)).unwrap().body.append(&mut out, 1 << 20)
            });
        });
    }
    let text = text(1);
    group.bench_function("identity", |bencher| {
        bencher.iter(|| RecordId::of_line(black_box(7), black_box(100..400), black_box(text.as_bytes())));
    });
}

/// What it costs to see that a line begins no trace, with all languages.
fn traces(criterion: &mut Criterion) {
    let multiline = Multiline::new(Language::ALL.to_vec(), Vec::new(), 1000);
    let mut group = criterion.benchmark_group("traces");
    let words = format!("2023-11-14 22:13:20.123 INFO [main] com.shop.App - {}", "request served ".repeat(14));
    for (name, line) in [("json", text(1)), ("words", words)] {
        group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
            bencher.iter(|| multiline.first(black_box(line.as_bytes())));
        });
    }
}

/// The whole stage: find, read, take apart, identify, batch. Each batch is delivered at once.
fn whole_tail(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let mut group = criterion.benchmark_group("tail");
    group.sample_size(10).warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(5));
    for (name, line) in [("cri", cri_line as fn(usize) -> String), ("docker", docker_line)] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("app.log");
        let (mut records, mut content) = (0, Vec::with_capacity(FILE + 1024));
        while content.len() < FILE {
            content.write_all(line(records).as_bytes()).unwrap();
            records += 1;
        }
        fs::write(&path, &content).unwrap();
        let read = || {
            let config = Config {
                include: vec![path.display().to_string()],
                checkpoints: folder.path().join("checkpoints"),
                ..Config::default()
            };
            fs::remove_dir_all(&config.checkpoints).ok();
            let ledger = Arc::<Ledger>::default();
            let mut tail = Tail::open(config, "bench", Generation::new(ledger.clone())).unwrap();
            runtime.block_on(async {
                while ledger.read.get() < records as u64 {
                    let batch = tail.next().await.unwrap().unwrap();
                    black_box(&batch);
                    batch.into_parts().receipt.delivered();
                }
            });
        };
        let before = cpu_seconds();
        read();
        let seconds = cpu_seconds() - before;
        let per_gib = seconds * (1u64 << 30) as f64 / content.len() as f64;
        println!("tail/{name}: {:.0} ns a record, {per_gib:.2} CPU seconds a GiB", seconds * 1e9 / records as f64);
        group.throughput(Throughput::Elements(records as u64));
        group.bench_function(BenchmarkId::from_parameter(name), |bencher| bencher.iter(read));
    }
}

criterion_group!(benches, parse, traces, whole_tail);
criterion_main!(benches);
