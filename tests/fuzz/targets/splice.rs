//! Edits of documents: JSON stays JSON, a member that is set has its value, and the others have theirs.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::{
    arbitrary::{Result, Unstructured},
    fuzz_target,
};
use serde_json::Value;
use sluice_core::{Edit, EditPath, Edits, Origin, Tally, ValueKind, splice};

const KEYS: [&str; 10] = ["log", "a", "b", "a.b", "b.c", "", "kubernetes", "é", "\"", "\\"];
const VALUES: [(ValueKind, &str); 9] = [
    (ValueKind::Absent, ""),
    (ValueKind::Null, ""),
    (ValueKind::Number, "-1.5e3"),
    (ValueKind::Boolean, "true"),
    (ValueKind::Object, "{}"),
    (ValueKind::Object, r#"{"b":{"c":1},"a":"}"}"#),
    (ValueKind::Array, "[]"),
    (ValueKind::Array, r#"[1,"]",{"b":2}]"#),
    (ValueKind::Text, ""),
];

/// Keys, and what they are set to.
type Change = (Vec<String>, ValueKind, String);

fuzz_target!(|bytes: &[u8]| {
    let mut input = Unstructured::new(bytes);
    let Ok(changes) = changes(&mut input) else { return };
    let document = input.take_rest();
    let _ = Origin::of_document(7, document);
    let mut out = Vec::new();
    splice::preview(document, &edits(&[]), 0, &mut out);
    assert_eq!(out, document, "without edits every byte stays");

    out.clear();
    splice::preview(document, &edits(&changes), 0, &mut out);
    let Ok(before) = serde_json::from_slice::<Value>(document) else { return };
    let after: Value = serde_json::from_slice(&out).unwrap_or_else(|error| {
        panic!("{error}: {} became {} by {changes:?}", String::from_utf8_lossy(document), String::from_utf8_lossy(&out))
    });
    if let ([(keys, kind, bytes)], Value::Object(mut expected)) = (changes.as_slice(), before)
        && let [key] = keys.as_slice()
    {
        match kind {
            ValueKind::Absent => drop(expected.remove(key)),
            ValueKind::Text => drop(expected.insert(key.clone(), Value::String(bytes.clone()))),
            ValueKind::Null => drop(expected.insert(key.clone(), Value::Null)),
            _ => drop(expected.insert(key.clone(), serde_json::from_str(bytes).expect("one of ours"))),
        }
        assert_eq!(after, Value::Object(expected), "{} by {changes:?}", String::from_utf8_lossy(document));
    }
});

fn changes(input: &mut Unstructured<'_>) -> Result<Vec<Change>> {
    (0..input.int_in_range(1..=3)?).map(|_| change(input)).collect()
}

fn change(input: &mut Unstructured<'_>) -> Result<Change> {
    let keys =
        (0..input.int_in_range(1..=3)?).map(|_| Ok((*input.choose(&KEYS)?).to_owned())).collect::<Result<_>>()?;
    let (kind, bytes) = *input.choose(&VALUES)?;
    let bytes = if kind == ValueKind::Text { input.arbitrary::<&str>()? } else { bytes };
    Ok((keys, kind, bytes.to_owned()))
}

/// The edits of one record.
fn edits(changes: &[Change]) -> Edits {
    let mut edits = Edits::new(1);
    for (keys, kind, bytes) in changes {
        let path = edits.add_path(&Arc::new(EditPath::new(keys.clone(), Tally::default())));
        let at = edits.add_bytes(bytes.as_bytes());
        edits.push(0, Edit { path, kind: *kind, at, size: bytes.len() as u32 });
    }
    edits
}
