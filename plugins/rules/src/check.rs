//! What the value of one field must be.
use sluice_pattern::{Needle, Pattern};
use sluice_plugin::Value;

use crate::glob;

/// One of several ways to be right.
pub enum Check {
    /// The value is there, or is not; null counts as not there.
    Exists(bool),
    Equals(Vec<String>),
    Contains(Vec<String>),
    StartsWith(Vec<String>),
    EndsWith(Vec<String>),
    /// A name with `*`.
    Like(Vec<String>),
    Pattern(Vec<Pattern>),
}

impl Check {
    /// Whether a value is right. With `ignore_case` the ASCII letters of both sides stand for both cases; patterns know
    /// by themselves.
    pub fn holds(&self, value: Value, ignore_case: bool) -> bool {
        let text = text_of(value);
        if let Self::Exists(expect) = self {
            return text.is_some() == *expect;
        }
        let Some(text) = text else { return false };
        let same = |one: &[u8], other: &[u8]| if ignore_case { one.eq_ignore_ascii_case(other) } else { one == other };
        let bytes = text.as_bytes();
        match self {
            Self::Exists(_) => false,
            Self::Equals(words) => words.iter().any(|word| same(word.as_bytes(), bytes)),
            Self::Contains(words) => words.iter().any(|word| find(bytes, word.as_bytes(), ignore_case).is_some()),
            Self::StartsWith(words) => words.iter().any(|word| {
                let head = bytes.get(..word.len());
                head.is_some_and(|head| same(head, word.as_bytes()))
            }),
            Self::EndsWith(words) => words.iter().any(|word| {
                let tail = bytes.len().checked_sub(word.len()).map(|at| &bytes[at..]);
                tail.is_some_and(|tail| same(tail, word.as_bytes()))
            }),
            Self::Like(globs) => globs.iter().any(|glob| glob::fits(glob, text)),
            Self::Pattern(patterns) => patterns.iter().any(|pattern| pattern.is_in(text)),
        }
    }
}

/// A value as the text that it is compared as; `None` for what is absent or null.
fn text_of(value: Value<'_>) -> Option<&str> {
    match value {
        Value::Absent | Value::Null => None,
        Value::Text(text) | Value::Number(text) | Value::Object(text) | Value::Array(text) => Some(text),
        Value::Boolean(boolean) => Some(if boolean { "true" } else { "false" }),
    }
}

/// What stands behind a word, where it is for the first time.
pub fn find<'t>(text: &'t [u8], word: &[u8], ignore_case: bool) -> Option<&'t [u8]> {
    let at = Needle::new(word, ignore_case).find(text)?;
    text.get(at + word.len()..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_compared_as_texts() {
        let words = |words: &[&str]| words.iter().map(|word| String::from(*word)).collect::<Vec<_>>();
        let text = Value::Text("GET /healthz 200");
        for (check, value, ignore_case, expect) in [
            (Check::Exists(true), Value::Null, false, false),
            (Check::Exists(false), Value::Absent, false, true),
            (Check::Exists(true), Value::Boolean(false), false, true),
            (Check::Equals(words(&["a", "b"])), Value::Text("b"), false, true),
            (Check::Equals(words(&["a"])), Value::Text("A"), false, false),
            (Check::Equals(words(&["a"])), Value::Text("A"), true, true),
            (Check::Equals(words(&["200"])), Value::Number("200"), false, true),
            (Check::Equals(words(&["true"])), Value::Boolean(true), false, true),
            (Check::Equals(words(&[""])), Value::Absent, false, false),
            (Check::Equals(words(&[""])), Value::Text(""), false, true),
            (Check::Contains(words(&["/healthz"])), text, false, true),
            (Check::Contains(words(&["/HEALTHZ"])), text, false, false),
            (Check::Contains(words(&["/HEALTHZ"])), text, true, true),
            (Check::Contains(words(&["zz", "00"])), text, false, true),
            (Check::Contains(words(&["2000"])), text, false, false),
            (Check::Contains(words(&[r#""a":1"#])), Value::Object(r#"{"a":1}"#), false, true),
            (Check::StartsWith(words(&["GET "])), text, false, true),
            (Check::StartsWith(words(&["get "])), text, false, false),
            (Check::StartsWith(words(&["get "])), text, true, true),
            (Check::StartsWith(words(&["GET /healthz 200 x"])), text, false, false),
            (Check::EndsWith(words(&["x", " 200"])), text, false, true),
            (Check::EndsWith(words(&[" 201"])), text, false, false),
            (Check::EndsWith(words(&["é"])), Value::Text("caf\u{e9}"), true, true),
            (Check::Like(words(&["kube-*"])), Value::Text("kube-system"), false, true),
            (Check::Like(words(&["kube-*"])), Value::Null, false, false),
            (Check::Pattern(vec![Pattern::new(r"\b2\d\d$", false).unwrap()]), text, false, true),
        ] {
            assert_eq!(check.holds(value, ignore_case), expect, "{value:?}");
        }
    }
}
