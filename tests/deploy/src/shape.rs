//! What Sluice's config may look like, learnt from the document that holds every key there is.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

use crate::{root, yaml};

const EVERYTHING: &str = "router/src/config/testdata/good/everything.yaml";
/// Blocks whose keys their writer chooses.
const FREE: [&str; 2] = ["options", "config"];
/// Texts that may as well be `{ file: … }` or `{ env: … }`.
const SECRETS: [&str; 4] = ["user", "password", "api_key", "webhook"];

/// What stands at one place of the document, in any of its examples.
#[derive(Default)]
struct Shape {
    /// Types of JSON schema.
    types: BTreeSet<&'static str>,
    keys: BTreeMap<String, Shape>,
    items: Option<Box<Shape>>,
    is_free: bool,
}

/// The schema of `config` in the chart's values: names of keys, and what kind of value each has. What a value may be is
/// for `sluice check` to say.
pub(crate) fn schema() -> Result<Value> {
    let text = std::fs::read_to_string(root().join(EVERYTHING)).with_context(|| format!("cannot read {EVERYTHING}"))?;
    let document = yaml::document(&text)?;
    let mut whole = Shape::default();
    whole.learn(&document);
    let mut pipeline = Shape::default();
    for example in document["pipelines"].as_object().into_iter().flat_map(Map::values) {
        pipeline.learn(example);
    }
    // Null takes a pipeline out that an earlier values file has.
    let mut pipeline = pipeline.schema();
    pipeline["type"] = json!(["object", "null"]);
    let mut schema = whole.schema();
    schema["properties"]["pipelines"] = json!({
        "type": "object",
        "propertyNames": { "pattern": "^[a-z0-9-]{1,63}$" },
        "additionalProperties": pipeline,
    });
    Ok(schema)
}

impl Shape {
    fn learn(&mut self, example: &Value) {
        match example {
            Value::Object(entries) => {
                self.types.insert("object");
                for (key, value) in entries {
                    let shape = self.keys.entry(key.clone()).or_default();
                    shape.is_free = FREE.contains(&key.as_str());
                    shape.learn(value);
                    if SECRETS.contains(&key.as_str()) {
                        shape.learn(&json!({ "file": "", "env": "" }));
                        shape.types.insert("string");
                    }
                }
            }
            Value::Array(items) => {
                self.types.insert("array");
                let shape = self.items.get_or_insert_default();
                items.iter().for_each(|item| shape.learn(item));
            }
            // A text may hold a variable, whatever is wanted of it. One that is a number stays one, as `acks: 1`.
            Value::Bool(_) => self.types.extend(["boolean", "string"]),
            Value::Number(_) | Value::String(_) => self.types.extend(["number", "string"]),
            Value::Null => {}
        }
    }

    fn schema(&self) -> Value {
        let mut schema = Map::new();
        let types: Vec<&str> = self.types.iter().copied().collect();
        schema.insert("type".into(), if let [only] = types[..] { json!(only) } else { json!(types) });
        if self.types.contains("object") && !self.is_free {
            let keys: Map<String, Value> = self.keys.iter().map(|(key, shape)| (key.clone(), shape.schema())).collect();
            schema.insert("properties".into(), keys.into());
            schema.insert("additionalProperties".into(), false.into());
        }
        if let Some(items) = &self.items {
            schema.insert("items".into(), items.schema());
        }
        schema.into()
    }
}
