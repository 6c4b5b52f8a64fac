//! Tests of plugins without WebAssembly.
//!
//! ```
//! # use sluice_plugin::{Config, Field, Filter, Record, testing};
//! # struct OnlyShop(Field);
//! # impl Filter for OnlyShop {
//! #     fn configure(config: &mut Config) -> Result<Self, String> { Ok(Self(config.read("kubernetes.namespace_name"))) }
//! #     fn keep(&self, record: &Record) -> bool { record.text(self.0) == Some("shop") }
//! # }
//! let plugin = testing::configure::<OnlyShop>("{}").unwrap();
//! let kept = plugin.kept(&[
//!     r#"{"log":"a","kubernetes":{"namespace_name":"shop"}}"#,
//!     r#"{"log":"b","kubernetes":{"namespace_name":"bank"}}"#,
//! ]);
//! assert_eq!(kept, [0]);
//! ```
use serde_json::Value as Json;

use crate::batch::Batch;
use crate::bindings::sluice::plugin::batches;
use crate::config::Config;
use crate::filter::{Filter, drops};

/// A plugin that was configured as the host would do it.
#[derive(Debug)]
pub struct Configured<T> {
    plugin: T,
    reads: Vec<Vec<String>>,
    times: bool,
}

/// Configures a plugin with the JSON of its options.
pub fn configure<T: Filter>(options: &str) -> Result<Configured<T>, String> {
    let mut config = Config::new(options.to_string());
    let plugin = T::configure(&mut config)?;
    Ok(Configured { plugin, reads: config.reads().to_vec(), times: config.wants_times() })
}

impl<T: Filter> Configured<T> {
    /// The indices of the records that the plugin keeps, of records given as JSON objects. The time of a record is
    /// its index in seconds.
    ///
    /// # Panics
    /// If a record is not JSON, or if the answer depends on how records are put into batches, which it must not.
    pub fn kept(&self, records: &[&str]) -> Vec<usize> {
        let rows: Vec<Json> = records
            .iter()
            .map(|record| serde_json::from_str(record).unwrap_or_else(|e| not_json(record, &e)))
            .collect();
        let together = self.drops(&rows, false);
        let in_runs = self.drops(&rows, true);
        let one_by_one: Vec<u32> = (0..)
            .zip(&rows)
            .filter(|(_, row)| !self.drops(std::slice::from_ref(*row), false).is_empty())
            .map(|(i, _)| i)
            .collect();
        assert_eq!(together, in_runs, "records that are alike must be decided alike");
        assert!(self.times || together == one_by_one, "the answer must not depend on the other records of a batch");
        (0..rows.len()).filter(|index| !together.contains(&(*index as u32))).collect()
    }

    fn drops(&self, rows: &[Json], in_runs: bool) -> Vec<u32> {
        let times = (0..rows.len() as u64).map(|second| second * 1_000_000_000);
        let batch = batches::Batch {
            len: rows.len() as u32,
            now: 1_700_000_000_000_000_000,
            times: if self.times { times.collect() } else { Vec::new() },
            columns: self.reads.iter().map(|path| column(rows, path, in_runs)).collect(),
        };
        drops(&self.plugin, &Batch::new(&batch))
    }
}

#[allow(clippy::panic)]
fn not_json(record: &str, error: &serde_json::Error) -> Json {
    panic!("a record of the test is not JSON ({error}): {record}")
}

/// The column of one field, as the host makes it.
fn column(rows: &[Json], path: &[String], in_runs: bool) -> batches::Column {
    let mut column = batches::Column { text: Vec::new(), ends: Vec::new(), kinds: Vec::new(), runs: Vec::new() };
    let mut last = None;
    for (index, row) in rows.iter().enumerate() {
        let value = encode(find(row, path).as_ref());
        if in_runs && last.as_ref() == Some(&value) {
            column.runs.pop();
        } else {
            column.text.extend_from_slice(value.1.as_bytes());
            column.ends.push(column.text.len() as u32);
            column.kinds.push(value.0);
        }
        if in_runs {
            column.runs.push(index as u32 + 1);
        }
        last = Some(value);
    }
    column
}

/// A literal key is found before the path descends, and a text may itself be an object.
fn find(json: &Json, path: &[String]) -> Option<Json> {
    if path.is_empty() {
        return Some(json.clone());
    }
    let object = match json {
        Json::Object(object) => object.clone(),
        Json::String(text) => serde_json::from_str(text).ok()?,
        _ => return None,
    };
    (1..=path.len()).rev().find_map(|joined| find(object.get(&path[..joined].join("."))?, &path[joined..]))
}

fn encode(value: Option<&Json>) -> (u8, String) {
    match value {
        None => (0, String::new()),
        Some(Json::Null) => (1, String::new()),
        Some(Json::String(text)) => (2, text.clone()),
        Some(Json::Number(number)) => (3, number.to_string()),
        Some(Json::Bool(boolean)) => (4, boolean.to_string()),
        Some(object @ Json::Object(_)) => (5, object.to_string()),
        Some(array @ Json::Array(_)) => (6, array.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Field, Record, Value};

    /// Shows what it sees to the test: keeps the records whose value is described by the option `want`.
    struct Seen {
        field: Field,
        want: String,
    }

    impl Filter for Seen {
        fn configure(config: &mut Config) -> Result<Self, String> {
            let want = config.parse()?;
            Ok(Self { field: config.read_path(&["a", "b", "c"]), want })
        }

        fn keep(&self, record: &Record) -> bool {
            let seen = match record.value(self.field) {
                Value::Absent => "absent".into(),
                Value::Null => "null".into(),
                Value::Text(text) => format!("text {text}"),
                Value::Number(literal) => format!("number {literal}"),
                Value::Boolean(boolean) => format!("boolean {boolean}"),
                Value::Object(json) => format!("object {json}"),
                Value::Array(json) => format!("array {json}"),
            };
            seen == self.want
        }
    }

    #[test]
    fn values_arrive_with_their_kind_by_the_longest_key() {
        for (record, seen) in [
            ("{}", "absent"),
            (r#"{"a":{"b":{"c":null}}}"#, "null"),
            (r#"{"a":{"b":{"c":"x\"y"}}}"#, "text x\"y"),
            (r#"{"a.b.c":1e3,"a":{"b":{"c":2}}}"#, "number 1000.0"),
            (r#"{"a.b":{"c":true},"a":{"b":{"c":2}}}"#, "boolean true"),
            (r#"{"a":{"b.c":{},"b":{"c":2}}}"#, "object {}"),
            (r#"{"a":"{\"b\":{\"c\":[1]}}"}"#, "array [1]"),
            (r#"{"a":"plain"}"#, "absent"),
        ] {
            let plugin = configure::<Seen>(&Json::from(seen).to_string()).unwrap();
            assert_eq!(plugin.kept(&[record]), [0], "{record}");
        }
    }

    #[test]
    fn runs_are_decided_once_and_records_in_between_are_not_mixed_up() {
        let plugin = configure::<Seen>(r#""text x""#).unwrap();
        let (x, y) = (r#"{"a":{"b":{"c":"x"}}}"#, r#"{"a":{"b":{"c":"y"}}}"#);
        assert_eq!(plugin.kept(&[y, y, x, x, y, x]), [2, 3, 5]);
    }

    struct Counting(std::cell::Cell<usize>);

    impl Filter for Counting {
        fn configure(config: &mut Config) -> Result<Self, String> {
            config.read("a");
            config.read("b");
            Ok(Self(0.into()))
        }

        fn keep(&self, _: &Record) -> bool {
            self.0.set(self.0.get() + 1);
            true
        }
    }

    #[test]
    fn a_filter_is_asked_once_for_records_that_are_alike() {
        let plugin = configure::<Counting>("{}").unwrap();
        let rows = [r#"{"a":1,"b":1}"#, r#"{"a":1,"b":1}"#, r#"{"a":1,"b":2}"#, r#"{"a":2,"b":2}"#];
        let rows: Vec<Json> = rows.iter().map(|row| serde_json::from_str(row).unwrap()).collect();
        plugin.drops(&rows, true);
        assert_eq!(plugin.plugin.0.get(), 3);
        plugin.drops(&rows, false);
        assert_eq!(plugin.plugin.0.get(), 3 + 4);
    }
}
