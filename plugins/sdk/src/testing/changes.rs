//! Edits as the host follows them.
use serde_json::Value as Json;

use super::columns::encode;

#[allow(clippy::panic)]
pub(super) fn not_valid<T>(error: &dyn std::fmt::Display) -> T {
    panic!("an edit's value is not what its kind says: {error}")
}

/// The value of an edit; `None` removes the field.
pub(super) fn decode(kind: u8, text: &str) -> Option<Json> {
    let json: Json = match kind {
        0 => return None,
        1 => Json::Null,
        2 => return Some(text.into()),
        _ => serde_json::from_str(text).unwrap_or_else(|e| not_valid(&e)),
    };
    assert_eq!(encode(Some(&json)).0, kind, "an edit's value is not what its kind says: {text}");
    Some(json)
}

/// Sets a field by the rules of the interface: the longest literal key first, objects made where there is nothing, no
/// change where there is something else.
pub(super) fn set(json: &mut Json, path: &[String], value: Option<Json>) {
    let Json::Object(object) = json else { return };
    let literal = (2..=path.len()).rev().find(|joined| object.contains_key(&path[..*joined].join(".")));
    let joined = literal.unwrap_or(1);
    let (key, rest) = (path[..joined].join("."), &path[joined..]);
    match value {
        Some(value) if rest.is_empty() => drop(object.insert(key, value)),
        None if rest.is_empty() => drop(object.remove(&key)),
        None if !object.contains_key(&key) => {}
        value => set(object.entry(key).or_insert_with(|| Json::Object(Default::default())), rest, value),
    }
}
