//! Batches as sources make them.
use std::sync::Arc;

use sluice_core::{Batch, Generation, Ledger, Origin, Place, Record, RecordId, Shape, Stream, Watermark};

/// A container's origin, as the agent knows it.
pub fn origin(pod: &str, namespace: &str) -> Origin {
    let object = format!(
        r#"{{"docker":{{"container_id":"{pod}-id"}},"kubernetes":{{"pod_name":"{pod}","namespace_name":"{namespace}"}}}}"#
    );
    Origin::new(format!("{pod}-id"), format!("kubernetes.{pod}"), object)
}

/// Lines of one file.
pub fn lines(ledger: &Arc<Ledger>, texts: &[&str]) -> Batch {
    let rows: Vec<_> = texts.iter().map(|text| (0, text.as_bytes())).collect();
    batch(Shape::Lines, ledger, vec![origin("web-1", "shop")], &rows)
}

/// JSON documents of one partition, of which nothing else is known.
pub fn documents(ledger: &Arc<Ledger>, documents: &[&str]) -> Batch {
    let rows: Vec<_> = documents.iter().map(|document| (0, document.as_bytes())).collect();
    batch(Shape::Documents, ledger, vec![Origin::unknown()], &rows)
}

/// Rows are the index of an origin and the record's bytes.
pub fn batch(shape: Shape, ledger: &Arc<Ledger>, origins: Vec<Origin>, rows: &[(u32, &[u8])]) -> Batch {
    let mut watermark = Watermark::new(Generation::new(ledger.clone()), 0u64);
    let receipt = watermark.open(rows.len() as u32, rows.len() as u64);
    let mut arena = Vec::new();
    let records = rows.iter().enumerate().map(|(index, (origin, bytes))| {
        let start = arena.len() as u32;
        arena.extend_from_slice(bytes);
        Record {
            start,
            end: arena.len() as u32,
            raw_end: arena.len() as u32,
            origin: *origin,
            time: 1_700_000_000_000_000_000 + index as u64,
            timed: true,
            stream: Stream::Stdout,
            truncated: false,
            part: Default::default(),
            position: index as u64,
            id: RecordId(index as u128),
        }
    });
    let records = records.collect();
    let place = Arc::new(Place::File { path: "/var/log/containers/test.log".into() });
    Batch::new(shape, place, arena, records, origins.into_iter().map(Arc::new).collect(), receipt)
}

/// The bytes of the records that are left.
pub fn texts(batch: &Batch) -> Vec<String> {
    batch.records().iter().map(|record| String::from_utf8_lossy(batch.text(record)).into_owned()).collect()
}
