//! What a plugin answered, held to the interface's rules: all of it is followed, or none.
use sluice_core::json::{is_shallow, number_end};
use sluice_core::{Severity, ValueKind};

use crate::bindings::{enricher, notifier};

/// A checked answer to a batch.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    /// Records to drop: ascending, below `batch.len`.
    Drops(Vec<u32>),
    Edits(Changes),
    /// Ascending by record.
    Alerts(Vec<Raised>),
}

impl Answer {
    /// Bytes of memory that it holds, but for a few.
    pub fn weight(&self) -> usize {
        match self {
            Self::Drops(drops) => size_of_val(drops.as_slice()),
            Self::Edits(edits) => edits.arena.len() + size_of_val(edits.changes.as_slice()),
            Self::Alerts(alerts) => alerts.iter().map(Raised::weight).sum(),
        }
    }
}

impl Raised {
    fn weight(&self) -> usize {
        let details: usize = self.details.iter().map(|(name, value)| name.len() + value.len()).sum();
        size_of::<Self>() + self.fingerprint.len() + self.title.len() + self.text.len() + details
    }
}

/// Values for fields.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Changes {
    pub changes: Vec<Change>,
    pub arena: Vec<u8>,
}

/// One value for the records `start..end`; `at..at + size` of the arena is valid for its kind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Change {
    pub start: u32,
    pub end: u32,
    pub field: u32,
    pub kind: ValueKind,
    pub at: u32,
    pub size: u32,
}

/// An alert as the interface has it, with its texts bounded.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Raised {
    pub item: Option<u32>,
    pub fingerprint: String,
    pub severity: Severity,
    pub title: String,
    pub text: String,
    pub details: Vec<(String, String)>,
    pub color: String,
}

/// Bytes that the values of one answer may have, each counted for every record that gets it.
const MOST_BYTES: u64 = 64 << 20;
const MOST_ALERTS: usize = 1024;
const MOST_DETAILS: usize = 32;
const LONGEST_FINGERPRINT: usize = 256;
/// Longer texts of these are cut.
const LONGEST_TITLE: usize = 512;
const LONGEST_TEXT: usize = 8 << 10;

/// Checks a filter's answer.
pub(crate) fn drops(drops: Vec<u32>, len: u32) -> Result<Answer, String> {
    if let Some(pair) = drops.windows(2).find(|pair| pair[0] >= pair[1]) {
        return Err(format!("record {} is named after record {}", pair[1], pair[0]));
    }
    match drops.last() {
        Some(last) if *last >= len => Err(format!("record {last} of a batch of {len}")),
        _ => Ok(Answer::Drops(drops)),
    }
}

/// Checks an enricher's answer; it may write `writes` fields.
pub(crate) fn edits(edits: enricher::Edits, len: u32, writes: usize) -> Result<Answer, String> {
    let enricher::Edits { changes, arena } = edits;
    let (mut checked, mut values, mut bytes, mut last) = (Vec::with_capacity(changes.len()), 0u64, 0u64, 0);
    for edit in changes {
        let enricher::Edit { start, end, field, kind, at, size } = edit;
        if start < last {
            return Err(format!("an edit of record {start} stands after one of record {last}"));
        }
        last = start;
        if start >= end || end > len {
            return Err(format!("an edit of records {start} to {end} of a batch of {len}"));
        }
        if field as usize >= writes {
            return Err(format!("an edit of field {field}, and the manifest writes {writes}"));
        }
        let value = (at as usize).checked_add(size as usize).and_then(|end| arena.get(at as usize..end));
        let value = value.ok_or_else(|| format!("a value at {at} of {size} bytes, and there are {}", arena.len()))?;
        let kind = value_kind(kind, value).map_err(|why| format!("the value for record {start} {why}"))?;
        // What one edit says of many records is written for each of them.
        values += u64::from(end - start);
        if values > u64::from(len) * writes as u64 {
            return Err(format!("more values than {len} records have fields to write"));
        }
        bytes += u64::from(end - start) * u64::from(size);
        if bytes > MOST_BYTES {
            return Err(format!("values of more than {} MiB for {len} records", MOST_BYTES >> 20));
        }
        checked.push(Change { start, end, field, kind, at, size });
    }
    Ok(Answer::Edits(Changes { changes: checked, arena }))
}

fn value_kind(code: u8, value: &[u8]) -> Result<ValueKind, &'static str> {
    let (kind, fits) = match code {
        0 | 1 if !value.is_empty() => return Err("has bytes, and its kind has none"),
        0 => (ValueKind::Absent, true),
        1 => (ValueKind::Null, true),
        2 if simdutf8::basic::from_utf8(value).is_err() => return Err("is not UTF-8"),
        2 => (ValueKind::Text, true),
        3 => (ValueKind::Number, number_end(value, 0) == Some(value.len())),
        4 => (ValueKind::Boolean, matches!(value, b"true" | b"false")),
        5 => (ValueKind::Object, is_json(value, b'{', b'}')),
        6 => (ValueKind::Array, is_json(value, b'[', b']')),
        _ => return Err("is of a kind that this version does not know"),
    };
    if fits { Ok(kind) } else { Err("is not the JSON that its kind says") }
}

/// Whether this is one whole JSON value that begins and ends with these.
fn is_json(value: &[u8], first: u8, last: u8) -> bool {
    value.first() == Some(&first)
        && value.last() == Some(&last)
        && is_shallow(value)
        && serde_json::from_slice::<&serde_json::value::RawValue>(value).is_ok()
}

/// Checks a notifier's answer; `len` 0 for one without records.
pub(crate) fn alerts(alerts: Vec<notifier::Alert>, len: u32) -> Result<Answer, String> {
    if alerts.len() > MOST_ALERTS {
        return Err(format!("{} alerts, more than {MOST_ALERTS}", alerts.len()));
    }
    let mut last = None;
    let mut raised = Vec::with_capacity(alerts.len());
    for alert in alerts {
        if let Some(item) = alert.item {
            if item >= len {
                return Err(format!("an alert about record {item} of a batch of {len}"));
            }
            if last > Some(item) {
                return Err(format!("an alert about record {item} stands after one about a later record"));
            }
            last = Some(item);
        }
        raised.push(bounded(alert)?);
    }
    Ok(Answer::Alerts(raised))
}

fn bounded(alert: notifier::Alert) -> Result<Raised, String> {
    let notifier::Alert { item, fingerprint, severity, title, text, details, color } = alert;
    if fingerprint.len() > LONGEST_FINGERPRINT {
        return Err(format!("a fingerprint of {} bytes, more than {LONGEST_FINGERPRINT}", fingerprint.len()));
    }
    if details.len() > MOST_DETAILS {
        return Err(format!("an alert with {} details, more than {MOST_DETAILS}", details.len()));
    }
    if !color.is_empty() && !is_color(&color) {
        return Err("a colour that is not written as #rrggbb".into());
    }
    let details = details.into_iter().map(|detail| (cut(detail.name, LONGEST_TITLE), cut(detail.value, LONGEST_TITLE)));
    Ok(Raised {
        item,
        fingerprint,
        severity: match severity {
            notifier::Severity::Info => Severity::Info,
            notifier::Severity::Warning => Severity::Warning,
            notifier::Severity::Error => Severity::Error,
            notifier::Severity::Critical => Severity::Critical,
        },
        title: cut(title, LONGEST_TITLE),
        text: cut(text, LONGEST_TEXT),
        details: details.collect(),
        color,
    })
}

fn is_color(color: &str) -> bool {
    color.len() == 7 && color.starts_with('#') && color.bytes().skip(1).all(|digit| digit.is_ascii_hexdigit())
}

fn cut(mut text: String, longest: usize) -> String {
    if text.len() > longest {
        text.truncate(text.floor_char_boundary(longest));
        text.push('…');
    }
    text
}

#[cfg(test)]
#[path = "answer/tests.rs"]
mod tests;
