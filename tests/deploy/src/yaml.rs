//! YAML as the values that JSON has, which is what Kubernetes makes of it.

use anyhow::{Context, Result, bail};
use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Map, Value};

/// The documents of a stream that hold something.
pub fn documents(text: &str) -> Result<Vec<Value>> {
    let documents = Yaml::load_from_str(text).context("not YAML")?;
    let values: Vec<Value> = documents.iter().map(value).collect::<Result<_>>()?;
    Ok(values.into_iter().filter(|value| !value.is_null()).collect())
}

/// The one document of a file.
pub fn document(text: &str) -> Result<Value> {
    let mut documents = documents(text)?;
    match documents.pop() {
        Some(document) if documents.is_empty() => Ok(document),
        _ => bail!("{} documents, and one is expected", documents.len()),
    }
}

fn value(node: &Yaml) -> Result<Value> {
    Ok(match node {
        Yaml::Value(scalar) => match scalar {
            Scalar::Null => Value::Null,
            Scalar::Boolean(truth) => Value::Bool(*truth),
            Scalar::Integer(number) => Value::from(*number),
            Scalar::FloatingPoint(number) => Value::from(number.into_inner()),
            Scalar::String(text) => Value::from(text.as_ref()),
        },
        Yaml::Sequence(items) => Value::Array(items.iter().map(value).collect::<Result<_>>()?),
        Yaml::Mapping(entries) => {
            let mut map = Map::new();
            for (key, entry) in entries {
                let key = key.as_str().with_context(|| format!("a key that is no text: {key:?}"))?;
                match (key, value(entry)?) {
                    // Of YAML 1.1, which helm reads: the keys of another map, where there are none of that name.
                    ("<<", Value::Object(merged)) => {
                        for (key, entry) in merged {
                            map.entry(key).or_insert(entry);
                        }
                    }
                    (key, entry) => {
                        map.insert(key.to_owned(), entry);
                    }
                }
            }
            Value::Object(map)
        }
        other => bail!("cannot read {other:?}"),
    })
}
