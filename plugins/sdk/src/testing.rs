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
use crate::bindings::{enricher, notifier};
use crate::config::Config;
use crate::enricher::{Enricher, edits};
use crate::filter::{Filter, drops};
use crate::notifier::{Notifier, alerts, tick};

/// An alert as it crosses to the host, its record's index in `item`.
pub use crate::bindings::notifier::{Alert as Raised, Detail};

/// A plugin that was configured as the host would do it.
#[derive(Debug)]
pub struct Configured<T> {
    plugin: T,
    reads: Vec<Vec<String>>,
    writes: Vec<Vec<String>>,
    times: bool,
}

/// Configures a filter with the JSON of its options.
pub fn configure<T: Filter>(options: &str) -> Result<Configured<T>, String> {
    configured(options, T::configure)
}

/// Configures an enricher with the JSON of its options.
pub fn configure_enricher<T: Enricher>(options: &str) -> Result<Configured<T>, String> {
    configured(options, T::configure)
}

/// Configures a notifier with the JSON of its options.
pub fn configure_notifier<T: Notifier>(options: &str) -> Result<Configured<T>, String> {
    configured(options, T::configure)
}

fn configured<T>(
    options: &str,
    configure: impl FnOnce(&mut Config) -> Result<T, String>,
) -> Result<Configured<T>, String> {
    let mut config = Config::new(options.to_string());
    let plugin = configure(&mut config)?;
    let (reads, writes) = (config.reads().to_vec(), config.writes().to_vec());
    Ok(Configured { plugin, reads, writes, times: config.wants_times() })
}

impl<T> Configured<T> {
    fn batch(&self, rows: &[Json], in_runs: bool) -> batches::Batch {
        let times = (0..rows.len() as u64).map(|second| second * 1_000_000_000);
        batches::Batch {
            len: rows.len() as u32,
            now: 1_700_000_000_000_000_000,
            times: if self.times { times.collect() } else { Vec::new() },
            columns: self.reads.iter().map(|path| column(rows, path, in_runs)).collect(),
        }
    }
}

impl<T: Filter> Configured<T> {
    /// The indices of the records that the plugin keeps, of records given as JSON objects. The time of a record is
    /// its index in seconds.
    ///
    /// # Panics
    /// If a record is not JSON, or if the answer depends on how records are put into batches, which it must not.
    pub fn kept(&self, records: &[&str]) -> Vec<usize> {
        let rows = rows(records);
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
        drops(&self.plugin, &Batch::new(&self.batch(rows, in_runs)))
    }
}

impl<T: Enricher> Configured<T> {
    /// The records as they are after the edits, of records given as JSON objects.
    ///
    /// # Panics
    /// If a record is not JSON, if an edit sets a field to what is not JSON of its kind, or if the edits depend on how
    /// records are put into batches, which they must not.
    pub fn enriched(&self, records: &[&str]) -> Vec<Json> {
        let rows = rows(records);
        let together = self.edited(&rows, false);
        let in_runs = self.edited(&rows, true);
        let one_by_one: Vec<Json> = rows.iter().flat_map(|row| self.edited(std::slice::from_ref(row), false)).collect();
        assert_eq!(together, in_runs, "records that are alike must be edited alike");
        assert!(self.times || together == one_by_one, "the edits must not depend on the other records of a batch");
        together
    }

    fn edited(&self, rows: &[Json], in_runs: bool) -> Vec<Json> {
        let enricher::Edits { changes, arena } = edits(&self.plugin, &Batch::new(&self.batch(rows, in_runs)));
        let mut rows = rows.to_vec();
        // What the host refuses.
        let values: usize = changes.iter().map(|edit| (edit.end - edit.start) as usize).sum();
        assert!(values <= rows.len() * self.writes.len(), "more edits than there are fields to write");
        for edit in changes {
            let bytes = &arena[edit.at as usize..][..edit.size as usize];
            let value = decode(edit.kind, std::str::from_utf8(bytes).unwrap_or_else(|e| not_valid(&e)));
            for row in &mut rows[edit.start as usize..edit.end as usize] {
                set(row, &self.writes[edit.field as usize], value.clone());
            }
        }
        rows
    }
}

impl<T: Notifier> Configured<T> {
    /// The alerts that the plugin raises about records given as JSON objects, handed over in one batch.
    ///
    /// # Panics
    /// If a record is not JSON.
    pub fn alerts(&mut self, records: &[&str]) -> Vec<Raised> {
        let batch = self.batch(&rows(records), false);
        alerts(&mut self.plugin, &Batch::new(&batch))
    }

    /// The alerts of one tick.
    pub fn tick(&mut self, now: u64) -> Vec<notifier::Alert> {
        tick(&mut self.plugin, now)
    }
}

fn rows(records: &[&str]) -> Vec<Json> {
    records.iter().map(|record| serde_json::from_str(record).unwrap_or_else(|e| not_json(record, &e))).collect()
}

#[allow(clippy::panic)]
fn not_json(record: &str, error: &serde_json::Error) -> Json {
    panic!("a record of the test is not JSON ({error}): {record}")
}

#[allow(clippy::panic)]
fn not_valid<T>(error: &dyn std::fmt::Display) -> T {
    panic!("an edit's value is not what its kind says: {error}")
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

/// The value of an edit; `None` removes the field.
fn decode(kind: u8, text: &str) -> Option<Json> {
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
fn set(json: &mut Json, path: &[String], value: Option<Json>) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Alert, Edits, Field, Record, Severity, Target, Value};

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

    /// Sets `a.b` to what `from` holds, where it holds anything.
    struct Copying {
        from: Field,
        to: Target,
    }

    impl Enricher for Copying {
        fn configure(config: &mut Config) -> Result<Self, String> {
            Ok(Self { from: config.read("from"), to: config.write("a.b") })
        }

        fn candidates(&self, batch: &Batch) -> Option<Vec<usize>> {
            Some(batch.sift(self.from, |_| true))
        }

        fn enrich(&self, record: &Record, edits: &mut Edits) {
            edits.set(self.to, record.value(self.from));
        }
    }

    #[test]
    fn edits_follow_the_rules_of_paths() {
        let plugin = configure_enricher::<Copying>("{}").unwrap();
        for (record, expect) in [
            (r#"{"from":"x"}"#, r#"{"from":"x","a":{"b":"x"}}"#),
            (r#"{"from":1.5,"a":{"b":0,"c":1}}"#, r#"{"from":1.5,"a":{"b":1.5,"c":1}}"#),
            (r#"{"from":[1],"a.b":0,"a":{"b":0}}"#, r#"{"from":[1],"a.b":[1],"a":{"b":0}}"#),
            (r#"{"from":{"c":true},"a":"text"}"#, r#"{"from":{"c":true},"a":"text"}"#),
            (r#"{"from":false,"a":null}"#, r#"{"from":false,"a":null}"#),
            (r#"{"a":{"b":1}}"#, r#"{"a":{"b":1}}"#),
        ] {
            let expect: Json = serde_json::from_str(expect).unwrap();
            assert_eq!(plugin.enriched(&[record, record]), [expect.clone(), expect], "{record}");
        }
    }

    /// The edits as they cross, as (start, end, field, value).
    fn crossing(records: &[&str]) -> Vec<(u32, u32, u32, String)> {
        let plugin = configure_enricher::<Twofold>("{}").unwrap();
        let answer = edits(&plugin.plugin, &Batch::new(&plugin.batch(&rows(records), false)));
        let value = |edit: &enricher::Edit| &answer.arena[edit.at as usize..][..edit.size as usize];
        let text = |edit: &enricher::Edit| String::from_utf8(value(edit).to_vec()).unwrap();
        answer.changes.iter().map(|edit| (edit.start, edit.end, edit.field, text(edit))).collect()
    }

    /// Sets `to` to the value of `from`, and `b` after or before it.
    struct Twofold(Field, Target, Target);

    impl Enricher for Twofold {
        fn configure(config: &mut Config) -> Result<Self, String> {
            Ok(Self(config.read("from"), config.write("to"), config.write("b")))
        }

        fn enrich(&self, record: &Record, edits: &mut Edits) {
            match record.value(self.0) {
                Value::Absent => {}
                Value::Null => edits.remove(self.2),
                value @ Value::Number(_) => {
                    edits.set_text(self.2, "b");
                    edits.set(self.1, value);
                }
                value => {
                    edits.set(self.1, value);
                    edits.set_text(self.2, "b");
                }
            }
        }
    }

    #[test]
    fn edits_that_repeat_cross_once() {
        let [x, y, one, none, null] = [r#"{"from":"1"}"#, r#"{"from":"y"}"#, r#"{"from":1}"#, "{}", r#"{"from":null}"#];
        let pair = |start, end, value: &str| vec![(start, end, 0, value.to_string()), (start, end, 1, "b".to_string())];
        assert_eq!(crossing(&[x, x, x]), pair(0, 3, "1"));
        assert_eq!(crossing(&[x, y, y]), [pair(0, 1, "1"), pair(1, 3, "y")].concat());
        assert_eq!(crossing(&[x, none, x]), [pair(0, 1, "1"), pair(2, 3, "1")].concat());
        assert_eq!(crossing(&[null, null, x]), [vec![(0, 2, 1, String::new())], pair(2, 3, "1")].concat());
        // In another order, and of another kind.
        let swapped = vec![(1, 3, 1, "b".to_string()), (1, 3, 0, "1".to_string())];
        assert_eq!(crossing(&[x, one, one]), [pair(0, 1, "1"), swapped].concat());
    }

    struct Every(Field);

    impl Enricher for Every {
        fn configure(config: &mut Config) -> Result<Self, String> {
            let _ = config.write("z");
            Ok(Self(config.read("a")))
        }

        fn enrich(&self, record: &Record, edits: &mut Edits) {
            match record.text(self.0) {
                None => edits.remove(Target(0)),
                Some("twice") => {
                    edits.set_bool(Target(0), true);
                    edits.set_null(Target(0));
                }
                Some("integer") => edits.set_integer(Target(0), i64::MIN),
                Some("not finite") => edits.set_number(Target(0), f64::NAN),
                Some(text) => edits.set_number(Target(0), text.len() as f64 / 2.0),
            }
        }
    }

    #[test]
    fn numbers_are_json() {
        let plugin = configure_enricher::<Every>("{}").unwrap();
        for (record, expect) in [
            (r#"{"a":"integer"}"#, r#"{"a":"integer","z":-9223372036854775808}"#),
            (r#"{"a":"not finite"}"#, r#"{"a":"not finite","z":null}"#),
            (r#"{"a":"x"}"#, r#"{"a":"x","z":0.5}"#),
            (r#"{"z":1}"#, "{}"),
            (r#"{"a":"twice","z":1}"#, r#"{"a":"twice","z":null}"#),
        ] {
            assert_eq!(plugin.enriched(&[record])[0], serde_json::from_str::<Json>(expect).unwrap(), "{record}");
        }
    }

    struct Odd {
        field: Field,
        seen: usize,
    }

    impl Notifier for Odd {
        fn configure(config: &mut Config) -> Result<Self, String> {
            Ok(Self { field: config.read("n"), seen: 0 })
        }

        fn notify(&mut self, record: &Record) -> Option<Alert> {
            self.seen += 1;
            let odd = record.number(self.field)? % 2.0 == 1.0;
            odd.then(|| Alert::new("odd").severity(Severity::Info).text("odd").detail("n", "1").color("#000000"))
        }

        fn tick(&mut self, now: u64) -> Vec<Alert> {
            vec![Alert::new(now.to_string()).title(format!("{} seen", self.seen))]
        }
    }

    #[test]
    fn alerts_say_which_record_they_are_about() {
        let mut plugin = configure_notifier::<Odd>("{}").unwrap();
        let alerts = plugin.alerts(&[r#"{"n":2}"#, r#"{"n":3}"#, "{}", r#"{"n":5}"#]);
        assert_eq!(alerts.iter().map(|alert| alert.item).collect::<Vec<_>>(), [Some(1), Some(3)]);
        let Raised { fingerprint, severity, title, text, details, color, .. } = &alerts[0];
        assert_eq!((fingerprint.as_str(), severity, title.as_str()), ("odd", &Severity::Info, ""));
        assert_eq!((text.as_str(), details[0].name.as_str(), color.as_str()), ("odd", "n", "#000000"));
        let ticked = plugin.tick(7);
        assert_eq!((ticked[0].item, ticked[0].title.as_str(), &*ticked[0].fingerprint), (None, "4 seen", "7"));
    }
}
