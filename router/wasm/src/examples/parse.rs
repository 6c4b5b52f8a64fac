//! Text → examples.
use std::fmt::Display;

use serde_json::{Deserializer, Map, Value};

use super::{Example, Expect, MOST_BYTES, MOST_EXAMPLES, MOST_RECORDS, NOW};

const KEYS: [&str; 7] = ["name", "config", "now", "times", "records", "ticks", "expect"];
const EXPECTED: [&str; 4] = ["kept", "records", "alerts", "refused"];
const OF_ALERTS: [&str; 7] = ["item", "fingerprint", "severity", "title", "text", "details", "color"];

type Object = Map<String, Value>;

/// All examples of a text, whose objects stand one after the other.
pub(super) fn all(text: &str) -> Result<Vec<Example>, String> {
    if text.len() > MOST_BYTES {
        return Err(format!("the examples have {} bytes, more than {MOST_BYTES}; make them fewer", text.len()));
    }
    let mut examples: Vec<Example> = Vec::new();
    for (number, value) in (1..).zip(Deserializer::from_str(text).into_iter::<Value>()) {
        if number > MOST_EXAMPLES {
            return Err(format!("there are more than {MOST_EXAMPLES} examples; make them fewer"));
        }
        let value = value.map_err(|error| format!("example {number} is not JSON: {error}"))?;
        let Value::Object(object) = value else {
            return Err(format!(
                "example {number} is not an object; write {{\"name\": …, \"records\": …, \"expect\": …}}"
            ));
        };
        let example = example(object).map_err(|(name, error)| match name {
            Some(name) => format!("example {name:?}: {error}"),
            None => format!("example {number}: {error}"),
        })?;
        if examples.iter().any(|earlier| earlier.name == example.name) {
            return Err(format!("two examples are named {:?}; give each a name of its own", example.name));
        }
        examples.push(example);
    }
    Ok(examples)
}

/// An error stands beside the example's name, if that is known.
fn example(object: Object) -> Result<Example, (Option<String>, String)> {
    let name = match object.get("name") {
        Some(Value::String(name)) if !name.trim().is_empty() => name.clone(),
        _ => return Err((None, "`name` is missing; write what it shows, as in \"name\": \"drops debug\"".into())),
    };
    named(name.clone(), object).map_err(|error| (Some(name), error))
}

fn named(name: String, mut object: Object) -> Result<Example, String> {
    known(&object, &KEYS, "an example")?;
    let config = object.remove("config").unwrap_or_else(|| Value::Object(Object::new()));
    if !config.is_object() {
        return Err("`config` is not an object; write the plugin's options, as in {\"at_least\": \"info\"}".into());
    }
    let now = object.get("now").map_or(Ok(NOW), |now| number("now", now))?;
    let records = object.remove("records").map_or(Ok(Vec::new()), |records| objects("records", records))?;
    let times = object.remove("times").map_or(Ok(Vec::new()), |times| numbers("times", times))?;
    let ticks = object.remove("ticks").map_or(Ok(Vec::new()), |ticks| numbers("ticks", ticks))?;
    let expect = match object.remove("expect") {
        Some(Value::Object(expect)) => expectation(expect)?,
        _ => return Err(format!("`expect` is missing; write an object with one of {}", EXPECTED.join(", "))),
    };
    if records.len() > MOST_RECORDS {
        return Err(format!("has {} records, more than {MOST_RECORDS}; make them fewer", records.len()));
    }
    if !times.is_empty() && times.len() != records.len() {
        return Err(format!("has {} times for {} records; write one for each", times.len(), records.len()));
    }
    if !ticks.is_sorted() {
        return Err("`ticks` do not ascend; write them in order".into());
    }
    if records.is_empty() && ticks.is_empty() && expect.refused.is_none() {
        return Err("has neither `records` nor `ticks`; write what the plugin is asked about".into());
    }
    let records = records.into_iter().map(Value::Object).collect();
    Ok(Example { name, config: config.to_string(), now, times, records, ticks, expect })
}

fn expectation(mut object: Object) -> Result<Expect, String> {
    known(&object, &EXPECTED, "`expect`")?;
    if object.is_empty() {
        return Err(format!("`expect` says nothing; write one of {}", EXPECTED.join(", ")));
    }
    let alerts = object.remove("alerts").map(|alerts| objects("expect.alerts", alerts)).transpose()?;
    for alert in alerts.iter().flatten() {
        known(alert, &OF_ALERTS, "an alert")?;
    }
    let records = object.remove("records").map(|records| objects("expect.records", records)).transpose()?;
    let refused = match object.remove("refused") {
        None => None,
        Some(Value::String(text)) => Some(text),
        Some(_) => return Err("`expect.refused` is not a text; write a part of what the plugin says".into()),
    };
    if refused.is_some() && !object.is_empty() {
        return Err("`expect.refused` stands alone: where options are refused, nothing else happens".into());
    }
    Ok(Expect {
        kept: object.remove("kept").map(|kept| numbers("expect.kept", kept)).transpose()?,
        records: records.map(|records| records.into_iter().map(Value::Object).collect()),
        alerts,
        refused,
    })
}

fn known(object: &Object, keys: &[&str], of: &str) -> Result<(), String> {
    match object.keys().find(|key| !keys.contains(&key.as_str())) {
        Some(key) => Err(format!("{of} has no key `{key}`; there are {}", keys.join(", "))),
        None => Ok(()),
    }
}

fn items(key: impl Display, value: Value) -> Result<Vec<Value>, String> {
    match value {
        Value::Array(items) => Ok(items),
        _ => Err(format!("`{key}` is not a list; write it in square brackets")),
    }
}

fn objects(key: &str, value: Value) -> Result<Vec<Object>, String> {
    let items = items(key, value)?.into_iter().enumerate().map(|(index, item)| match item {
        Value::Object(object) => Ok(object),
        _ => Err(format!("`{key}[{index}]` is not an object")),
    });
    items.collect()
}

fn numbers(key: &str, value: Value) -> Result<Vec<u64>, String> {
    items(key, value)?.iter().enumerate().map(|(index, item)| number(format!("{key}[{index}]"), item)).collect()
}

fn number(key: impl Display, value: &Value) -> Result<u64, String> {
    value.as_u64().ok_or_else(|| format!("`{key}` is {value}, not a whole number from 0 on"))
}
