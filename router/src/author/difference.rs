//! What changed in a record, field by field.

use serde_json::Value;

/// One field with what it was and what it is: JSON, `None` for absent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Keys joined by dots.
    pub path: String,
    pub before: Option<String>,
    pub after: Option<String>,
}

/// Between two JSON objects, in the order of their keys. What is no JSON is compared as a whole.
pub fn changes(before: &[u8], after: &[u8]) -> Vec<Change> {
    let mut found = Vec::new();
    match (serde_json::from_slice(before), serde_json::from_slice(after)) {
        (Ok(before), Ok(after)) => compare(String::new(), Some(&before), Some(&after), &mut found),
        _ if before != after => found.push(Change {
            path: "(record)".to_owned(),
            before: Some(String::from_utf8_lossy(before).into_owned()),
            after: Some(String::from_utf8_lossy(after).into_owned()),
        }),
        _ => {}
    }
    found
}

fn compare(path: String, before: Option<&Value>, after: Option<&Value>, found: &mut Vec<Change>) {
    match (before, after) {
        (Some(Value::Object(before)), Some(Value::Object(after))) => {
            let mut keys: Vec<&String> =
                before.keys().chain(after.keys().filter(|key| !before.contains_key(*key))).collect();
            keys.sort();
            for key in keys {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                compare(path, before.get(key), after.get(key), found);
            }
        }
        _ if before == after => {}
        _ => {
            let text = |value: Option<&Value>| value.map(Value::to_string);
            found.push(Change { path, before: text(before), after: text(after) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_that_differ_are_named() {
        let check = |before: &str, after: &str, expect: &[(&str, Option<&str>, Option<&str>)]| {
            let found = changes(before.as_bytes(), after.as_bytes());
            let found: Vec<_> =
                found.iter().map(|c| (c.path.as_str(), c.before.as_deref(), c.after.as_deref())).collect();
            assert_eq!(found, expect, "{before} {after}");
        };
        check(r#"{"a":1,"b":"x"}"#, r#"{"b":"x","a":1}"#, &[]);
        check(r#"{"a":1}"#, r#"{"a":2}"#, &[("a", Some("1"), Some("2"))]);
        check(
            r#"{"k":{"x":1,"y":2}}"#,
            r#"{"k":{"y":3,"z":[]}}"#,
            &[("k.x", Some("1"), None), ("k.y", Some("2"), Some("3")), ("k.z", None, Some("[]"))],
        );
        check(r#"{"a":{}}"#, r#"{"a":"t"}"#, &[("a", Some("{}"), Some("\"t\""))]);
        check("no json", "other", &[("(record)", Some("no json"), Some("other"))]);
        check("same", "same", &[]);
    }
}
