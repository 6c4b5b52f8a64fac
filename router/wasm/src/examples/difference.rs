//! What was expected beside what came out, in words.
use serde_json::{Map, Value, json};
use sluice_core::{Alert, Severity};

use super::Expect;
use super::outcome::Outcome;
use crate::fault::one_line;

/// What differs, a line each.
pub(super) fn of(expect: &Expect, outcome: &Outcome) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(kept) = &expect.kept
        && *kept != outcome.kept
    {
        lines.push(format!("records {:?} are left, expected {kept:?}", outcome.kept));
    }
    if let Some(records) = &expect.records {
        compare("record", records, &outcome.records, &mut lines);
    }
    if let Some(alerts) = &expect.alerts {
        let expected: Vec<Value> = alerts.iter().cloned().map(Value::Object).collect();
        let named = |index: usize, alert: &Alert| named(alert, alerts.get(index));
        let raised: Vec<Value> = outcome.alerts.iter().enumerate().map(|(index, alert)| named(index, alert)).collect();
        compare("alert", &expected, &raised, &mut lines);
    }
    lines
}

/// Lists, item by item.
fn compare(what: &str, expected: &[Value], came: &[Value], lines: &mut Vec<String>) {
    if expected.len() != came.len() {
        lines.push(format!("{} {what}s come out, expected {}", came.len(), expected.len()));
    }
    for (index, (expected, came)) in expected.iter().zip(came).enumerate() {
        differ(&format!("{what} {index}"), "", Some(expected), Some(came), lines);
    }
    for (index, extra) in came.iter().enumerate().skip(expected.len()) {
        lines.push(format!("{what} {index}: {} was not expected", show(Some(extra))));
    }
    for (index, missing) in expected.iter().enumerate().skip(came.len()) {
        lines.push(format!("{what} {index}: {} is missing", show(Some(missing))));
    }
}

/// Objects member by member, everything else whole.
fn differ(of: &str, path: &str, expected: Option<&Value>, came: Option<&Value>, lines: &mut Vec<String>) {
    if expected == came {
        return;
    }
    if let (Some(Value::Object(expected)), Some(Value::Object(came))) = (expected, came) {
        let only_there = came.keys().filter(|key| !expected.contains_key(*key));
        for key in expected.keys().chain(only_there) {
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            differ(of, &path, expected.get(key), came.get(key), lines);
        }
        return;
    }
    let path = if path.is_empty() { String::new() } else { format!(", {path}") };
    lines.push(format!("{of}{path}: {} came out, expected {}", show(came), show(expected)));
}

fn show(value: Option<&Value>) -> String {
    value.map_or_else(|| "nothing".into(), |value| one_line(&value.to_string()))
}

/// The alert with the members that the expectation names; with all if nothing is expected.
fn named(alert: &Alert, expected: Option<&Map<String, Value>>) -> Value {
    let severity = match alert.severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Error => "error",
        Severity::Critical => "critical",
    };
    let details: Map<String, Value> =
        alert.details.iter().map(|(name, value)| (name.clone(), Value::String(value.clone()))).collect();
    let mut members = Map::new();
    for (key, value) in [
        ("item", json!(alert.item)),
        ("fingerprint", json!(alert.fingerprint)),
        ("severity", json!(severity)),
        ("title", json!(alert.title)),
        ("text", json!(alert.text)),
        ("details", Value::Object(details)),
        ("color", json!(alert.color)),
    ] {
        if expected.is_none_or(|expected| expected.contains_key(key)) {
            members.insert(key.to_owned(), value);
        }
    }
    Value::Object(members)
}
