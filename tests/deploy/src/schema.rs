//! `values.schema.json`: helm refuses values that do not fit it, before anything reaches a cluster.

use anyhow::Result;
use serde_json::{Value, json};

use crate::{
    shape,
    values::{Kind, ROWS},
};

/// The file as it has to be.
pub(crate) fn text() -> Result<String> {
    let mut schema = block();
    schema["$schema"] = json!("https://json-schema.org/draft-07/schema#");
    schema["title"] = json!("Values of the chart sluice");
    // What helm hands to every chart.
    schema["properties"]["global"] = json!({ "type": "object" });
    for row in ROWS {
        for path in row.paths() {
            let mut value = of(row.kind)?;
            value["description"] = json!(row.text);
            put(&mut schema, &path, value);
        }
    }
    Ok(serde_json::to_string_pretty(&schema)? + "\n")
}

fn block() -> Value {
    json!({ "type": "object", "properties": {}, "additionalProperties": false })
}

fn put(schema: &mut Value, path: &str, value: Value) {
    let properties = &mut schema["properties"];
    match path.split_once('.') {
        None => properties[path] = value,
        Some((first, rest)) => {
            if properties[first].is_null() {
                properties[first] = block();
            }
            put(&mut properties[first], rest, value);
        }
    }
}

fn of(kind: Kind) -> Result<Value> {
    let folder = json!({ "type": "string", "pattern": "^/[^:]*$" });
    let name = json!({ "type": "string", "minLength": 1 });
    Ok(match kind {
        Kind::Config => shape::schema()?,
        // The key, and one of the two that have it. Null takes out what an earlier values file has.
        Kind::Files => json!({
            "type": "object",
            "propertyNames": { "pattern": "^[-._a-zA-Z0-9]+$" },
            "additionalProperties": {
                "type": ["object", "null"],
                "properties": { "secret": name, "configMap": name, "key": name },
                "required": ["key"],
                "minProperties": 2,
                "maxProperties": 2,
                "additionalProperties": false,
            },
        }),
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Text => json!({ "type": "string" }),
        Kind::Choice(words) => json!({ "enum": words }),
        Kind::Number(from, to) => json!({ "type": "integer", "minimum": from, "maximum": to }),
        Kind::NumberOrShare => {
            json!({ "anyOf": [{ "type": "integer", "minimum": 0 }, { "type": "string", "pattern": "^[0-9]+%$" }] })
        }
        Kind::Folder => folder,
        Kind::Folders => json!({ "type": "array", "items": folder, "uniqueItems": true }),
        Kind::Names => json!({ "type": "array", "items": name, "uniqueItems": true }),
        Kind::Interval => json!({ "type": "string", "pattern": "^([0-9]+(ms|s|m|h))+$" }),
        Kind::Labels => json!({ "type": "object", "additionalProperties": { "type": ["string", "null"] } }),
        Kind::Block => json!({ "type": "object" }),
        Kind::Blocks => json!({ "type": "array", "items": { "type": "object" } }),
    })
}
