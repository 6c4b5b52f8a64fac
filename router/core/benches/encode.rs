//! What it costs to encode a line's record for Kafka, per batch of 1,000 records of 250 bytes.

use std::{hint::black_box, sync::Arc};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sluice_core::{
    Batch, Generation, Ledger, Origin, Place, Record, RecordId, Shape, Stream, Watermark, encode::Encoding,
};

const RECORDS: usize = 1_000;

fn batch() -> Batch {
    let text = format!(r#"{{"level":"info","msg":"{}","status":200}}"#, "a request was served ".repeat(10));
    let arena = text.as_bytes().repeat(RECORDS);
    let records = (0..RECORDS as u32).map(|number| {
        let (start, end) = (number * text.len() as u32, (number + 1) * text.len() as u32);
        Record {
            start,
            end,
            raw_end: end,
            origin: 0,
            time: 1_700_000_000_123_456_789,
            timed: true,
            stream: Stream::Stdout,
            truncated: false,
            position: u64::from(start),
            id: RecordId(1),
        }
    });
    let object = r#"{"docker":{"container_id":"0123456789abcdef"},"kubernetes":{"container_name":"app","namespace_name":"shop","pod_name":"web-1","host":"node-1"}}"#;
    let origin =
        Origin::new("0123456789abcdef", "kubernetes.var.log.containers.web-1_shop_app-0123456789abcdef.log", object);
    let mut watermark = Watermark::new(Generation::new(Arc::new(Ledger::default())), 0u64);
    let receipt = watermark.open(RECORDS as u32, 1);
    let place = Arc::new(Place::File { path: "web-1.log".into() });
    Batch::new(Shape::Lines, place, arena, records.collect(), vec![Arc::new(origin)], receipt)
}

fn encode(criterion: &mut Criterion) {
    let batch = batch();
    let encoding = Encoding { include_tag: true, include_time: true };
    let mut out = Vec::new();
    let mut group = criterion.benchmark_group("encode");
    group.throughput(Throughput::Elements(RECORDS as u64));
    group.bench_function("line", |bencher| {
        bencher.iter(|| {
            for index in 0..batch.len() {
                out.clear();
                encoding.append(&batch, index, &mut out);
                black_box(&out);
            }
        });
    });
    group.finish();
}

criterion_group!(benches, encode);
criterion_main!(benches);
