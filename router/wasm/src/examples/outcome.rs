//! What came out of an example.
use serde_json::{Value, json};
use sluice_core::encode::Encoding;
use sluice_core::route::METADATA;
use sluice_core::{Alert, Batch, Route};

/// What is left of the records, and what was said about them.
#[derive(Default)]
pub(super) struct Outcome {
    /// Indices of the records that are left.
    pub kept: Vec<u64>,
    pub records: Vec<Value>,
    /// Those that records raised, then those that ticks did.
    pub alerts: Vec<Alert>,
}

impl Outcome {
    pub fn of(batch: &Batch) -> Self {
        Self {
            // A record's position is its place in the example.
            kept: batch.records().iter().map(|record| record.position).collect(),
            records: (0..batch.len()).map(|index| document(batch, index)).collect(),
            alerts: batch.alerts().to_vec(),
        }
    }
}

/// The record as it leaves, with where it goes, which is no part of it, as `@metadata`.
fn document(batch: &Batch, index: usize) -> Value {
    let mut bytes = Vec::new();
    Encoding::default().append(batch, index, &mut bytes);
    let text = String::from_utf8_lossy(&bytes);
    let mut document = serde_json::from_str(&text).unwrap_or_else(|_| Value::String(text.into_owned()));
    let routes = [("topic", Route::Topic), ("index", Route::Index)];
    let named = routes.map(|(name, route)| Some((name, batch.edits()?.route(index, route)?)));
    if let Value::Object(members) = &mut document {
        for (name, to) in named.into_iter().flatten() {
            if let Some(metadata) = members.entry(METADATA).or_insert(json!({})).as_object_mut() {
                metadata.insert(name.into(), json!(to));
            }
        }
    }
    document
}
