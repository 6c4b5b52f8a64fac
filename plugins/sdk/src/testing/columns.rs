//! Records as the host hands them over.
use serde_json::Value as Json;

use crate::bindings::sluice::plugin::batches;

pub(super) fn rows(records: &[&str]) -> Vec<Json> {
    records.iter().map(|record| serde_json::from_str(record).unwrap_or_else(|e| not_json(record, &e))).collect()
}

#[allow(clippy::panic)]
fn not_json(record: &str, error: &serde_json::Error) -> Json {
    panic!("a record of the test is not JSON ({error}): {record}")
}

/// The column of one field, as the host makes it.
pub(super) fn column(rows: &[Json], path: &[String], in_runs: bool) -> batches::Column {
    let mut column = batches::Column { text: Vec::new(), ends: Vec::new(), kinds: Vec::new(), runs: Vec::new() };
    let mut last = None;
    for (index, row) in rows.iter().enumerate() {
        let value = encode(find(row, path).as_ref());
        if in_runs && last.as_ref() == Some(&value) {
            column.runs.pop();
        } else {
            column.text.extend_from_slice(value.1.as_bytes());
            column.ends.push(column.text.len() as u32);
            column.kinds.push(value.0);
        }
        if in_runs {
            column.runs.push(index as u32 + 1);
        }
        last = Some(value);
    }
    column
}

/// A literal key is found before the path descends, and a text may itself be an object.
fn find(json: &Json, path: &[String]) -> Option<Json> {
    if path.is_empty() {
        return Some(json.clone());
    }
    let object = match json {
        Json::Object(object) => object.clone(),
        Json::String(text) => serde_json::from_str(text).ok()?,
        _ => return None,
    };
    (1..=path.len()).rev().find_map(|joined| find(object.get(&path[..joined].join("."))?, &path[joined..]))
}

pub(super) fn encode(value: Option<&Json>) -> (u8, String) {
    match value {
        None => (0, String::new()),
        Some(Json::Null) => (1, String::new()),
        Some(Json::String(text)) => (2, text.clone()),
        Some(Json::Number(number)) => (3, number.to_string()),
        Some(Json::Bool(boolean)) => (4, boolean.to_string()),
        Some(object @ Json::Object(_)) => (5, object.to_string()),
        Some(array @ Json::Array(_)) => (6, array.to_string()),
    }
}
