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
    for (rows, times) in [
        (&[r#"{"a":1,"b":1}"#, r#"{"a":1,"b":1}"#, r#"{"a":1,"b":2}"#, r#"{"a":2,"b":2}"#][..], 3),
        // The same bytes in another kind, cut in another way, and none.
        (&[r#"{"a":1}"#, r#"{"a":"1"}"#, r#"{"a":"1"}"#], 2),
        (&[r#"{"a":"x","b":"yy"}"#, r#"{"a":"xx","b":"y"}"#], 2),
        (&["{}", r#"{"a":null}"#, r#"{"a":""}"#, "{}", "{}"], 4),
    ] {
        let rows: Vec<Json> = rows.iter().map(|row| serde_json::from_str(row).unwrap()).collect();
        for in_runs in [true, false] {
            plugin.plugin.0.set(0);
            plugin.drops(&rows, in_runs);
            assert_eq!(plugin.plugin.0.get(), times, "{rows:?}");
        }
    }
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
