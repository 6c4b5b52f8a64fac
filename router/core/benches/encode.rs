//! What it costs to write a record for its sink, per batch of 1,000: lines with a text of 250 bytes and documents of
//! about 600, without edits and with those of a redaction or of fields lifted out of the text.

use std::{hint::black_box, sync::Arc};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sluice_core::{
    Batch, Edit, EditPath, Edits, Generation, Ledger, Origin, Place, Record, RecordId, Shape, Stream, Tally, ValueKind,
    Watermark, encode::Encoding,
};

const RECORDS: usize = 1_000;
const ENCODING: Encoding = Encoding { include_tag: true, include_time: true };

/// Keys with slashes between them, and the value.
type Change<'a> = (&'a str, ValueKind, &'a str);

fn batch(shape: Shape, text: &[u8], changes: &[Change]) -> Batch {
    let arena = text.repeat(RECORDS);
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
            part: Default::default(),
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
    let mut batch = Batch::new(shape, place, arena, records.collect(), vec![Arc::new(origin)], receipt);
    let mut edits = Edits::new(RECORDS);
    for (keys, kind, value) in changes {
        let keys = keys.split('/').map(str::to_owned).collect();
        let path = edits.add_path(&Arc::new(EditPath::new(keys, Tally::default())));
        let at = edits.add_bytes(value.as_bytes());
        (0..RECORDS).for_each(|record| edits.push(record, Edit { path, kind: *kind, at, size: value.len() as u32 }));
    }
    batch.set_edits(edits);
    batch
}

fn text() -> String {
    format!(r#"{{"level":"info","msg":"{}","status":200}}"#, "a request was served ".repeat(10))
}

/// A line as Kafka has it.
fn document() -> Vec<u8> {
    let mut document = Vec::new();
    ENCODING.append(&batch(Shape::Lines, text().as_bytes(), &[]), 0, &mut document);
    document
}

fn encode(criterion: &mut Criterion) {
    let redacted = text().replace("served", "[gone]");
    let log = ("log", ValueKind::Text, redacted.as_str());
    let fields = [
        ("level", ValueKind::Text, "info"),
        ("msg", ValueKind::Text, "a request was served"),
        ("status", ValueKind::Number, "200"),
        ("http/method", ValueKind::Text, "GET"),
        ("http/path", ValueKind::Text, "/index.html"),
    ];
    let label = ("kubernetes/labels/team", ValueKind::Text, "checkout");
    let mut group = criterion.benchmark_group("encode");
    group.throughput(Throughput::Elements(RECORDS as u64));
    for (name, shape, text) in [("line", Shape::Lines, text().into_bytes()), ("document", Shape::Documents, document())]
    {
        for (edits, changes) in [("unedited", &[][..]), ("log", &[log]), ("five-fields", &fields), ("label", &[label])]
        {
            let batch = batch(shape, &text, changes);
            let mut out = Vec::new();
            group.bench_function(format!("{name}/{edits}"), |bencher| {
                bencher.iter(|| {
                    for index in 0..batch.len() {
                        out.clear();
                        ENCODING.append(&batch, index, &mut out);
                        black_box(&out);
                    }
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, encode);
criterion_main!(benches);
