//! What a document costs on its way into a bulk, and what an answer costs to read.

use std::{hint::black_box, sync::Arc};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use sluice_core::{Batch, Generation, Ledger, Origin, Place, Record, RecordId, Shape, Stream, Watermark};
use sluice_elastic::{Index, bench};

const DOCUMENTS: usize = 1000;

/// The record of a container's line, 400 bytes.
fn document(number: usize) -> String {
    let text =
        format!("127.0.0.1 - - [14/Nov/2023:22:13:20 +0000] \\\"GET /api/items/{number:06} HTTP/1.1\\\" 200 1024");
    let mut document = format!(
        r#"{{"log":"{text}","stream":"stdout","docker":{{"container_id":"{number:064x}"}},"kubernetes":{{"container_name":"app","namespace_name":"shop","pod_name":"web-7d4b9c6f5-x2x2x","host":"node-1"}},"time":1700000000,"tag":"kubernetes.web"#
    );
    document.extend(std::iter::repeat_n('.', 398 - document.len()));
    document.push_str("\"}");
    document
}

fn batch(generation: &Arc<Generation>) -> Batch {
    let mut arena = Vec::new();
    let mut records = Vec::new();
    for number in 0..DOCUMENTS {
        let start = arena.len() as u32;
        arena.extend_from_slice(document(number).as_bytes());
        let end = arena.len() as u32;
        records.push(Record {
            start,
            end,
            raw_end: end,
            origin: 0,
            time: 1_700_000_000_123_456_789 + number as u64,
            timed: true,
            stream: Stream::Stdout,
            truncated: false,
            part: Default::default(),
            position: number as u64,
            id: RecordId(number as u128),
        });
    }
    let receipt = Watermark::new(generation.clone(), 0u64).open(DOCUMENTS as u32, 1);
    let place = Place::Partition { topic: "logs".into(), partition: 0 };
    Batch::new(Shape::Documents, Arc::new(place), arena, records, vec![Arc::new(Origin::unknown())], receipt)
}

fn filling(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("fill");
    group.throughput(Throughput::Elements(DOCUMENTS as u64));
    for (name, tag_key) in [("as it is", None), ("with tag key", Some("tag".to_owned()))] {
        let index =
            Index::Logstash { prefix: "logstash".into(), separator: "-".into(), date_format: "%Y.%m.%d".into() };
        let Some(mut filler) = bench::Filler::new(index, tag_key) else { return };
        let generation = Generation::new(Arc::new(Ledger::default()));
        assert_eq!(document(1).len(), 400);
        group.bench_function(name, |bencher| {
            bencher.iter_batched(|| batch(&generation), |batch| filler.fill(black_box(batch)), BatchSize::LargeInput);
        });
    }
}

fn reading(criterion: &mut Criterion) {
    let item = |status: u16| match status {
        201 => r#"{"create":{"status":201}}"#.to_owned(),
        _ => format!(
            r#"{{"create":{{"status":{status},"error":{{"type":"es_rejected_execution_exception","reason":"rejected execution of primary operation"}}}}}}"#
        ),
    };
    let mut group = criterion.benchmark_group("read");
    for (name, every) in [("10,000 items", usize::MAX), ("10,000 items, a tenth refused", 10)] {
        let items: Vec<_> =
            (1..=10_000).map(|n: usize| item(if n.is_multiple_of(every) { 429 } else { 201 })).collect();
        let body = format!(r#"{{"errors":true,"items":[{}]}}"#, items.join(","));
        assert_eq!(bench::read(200, body.as_bytes(), 10_000), 10_000);
        group.bench_function(name, |bencher| {
            bencher.iter(|| bench::read(200, black_box(body.as_bytes()), 10_000));
        });
    }
}

criterion_group!(benches, filling, reading);
criterion_main!(benches);
