use super::*;
use proptest::prelude::*;
use sluice_core::json::{DEEPEST, readable};

/// The value at a path, as (kind, text): the same alone and beside another path, which is found by other means.
fn look(json: &[u8], path: &[&str]) -> (u8, String) {
    let keys = |path: &[&str]| Path::new(&path.iter().map(|key| key.to_string()).collect::<Vec<_>>());
    let json = readable(json).unwrap_or_default();
    let (path, others) = (keys(path), [keys(&["other"]), keys(&[path[0], "other"])]);
    let mut alone = [Builder::default()];
    Search::new(vec![&path]).append(json, &mut alone);
    let mut beside = [(); 3].map(|()| Builder::default());
    Search::new(vec![&others[0], &path, &others[1]]).append(json, &mut beside);
    let ([alone], [_, beside, _]) = (alone, beside);
    let value = value_of(alone);
    assert_eq!(value_of(beside), value, "{json}");
    value
}

fn value_of(out: Builder) -> (u8, String) {
    let column = out.finish();
    assert_eq!(column.view(b"").ends.len(), 1);
    let view = column.view(b"");
    let kind = view.kinds.first().copied().unwrap_or(Kind::Text as u8);
    (kind, String::from_utf8(view.text.to_vec()).unwrap())
}

#[test]
fn values_and_kinds() {
    for (json, path, kind, text) in [
        (r#"{"a":"x"}"#, &["a"][..], Kind::Text, "x"),
        (r#" { "a" : "q\"\u00e9\n" } "#, &["a"], Kind::Text, "q\"é\n"),
        (r#"{"a":-1.50e+3}"#, &["a"], Kind::Number, "-1.50e+3"),
        (r#"{"a":true}"#, &["a"], Kind::Boolean, "true"),
        (r#"{"a":null}"#, &["a"], Kind::Null, ""),
        (r#"{"a":{"b":[1, 2]}}"#, &["a"], Kind::Object, r#"{"b":[1, 2]}"#),
        (r#"{"a":{"b":[1, 2]}}"#, &["a", "b"], Kind::Array, "[1, 2]"),
        (r#"{"\u0061":1}"#, &["a"], Kind::Number, "1"),
        (r#"{"x\/y":1}"#, &["x/y"], Kind::Number, "1"),
        (r#"{"log":"{\"l\u0076l\":1}"}"#, &["log", "lvl"], Kind::Number, "1"),
        (r#"{"log":"{\"l\\u0076l\":1}"}"#, &["log", "lvl"], Kind::Number, "1"),
        (r#"{"log":"{\"level\":1}"}"#, &["level"], Kind::Absent, ""),
        (r#"{"log":"\"level\"","level":1}"#, &["level"], Kind::Number, "1"),
        (r#"{"a":1,"a":2}"#, &["a"], Kind::Number, "1"),
        (r#"{"a":{"b":1},"a.b":2}"#, &["a", "b"], Kind::Number, "2"),
        (r#"{"a":{"x":0},"a.b":{"c":3}}"#, &["a", "b", "c"], Kind::Number, "3"),
        (r#"{"a.b":0,"a":{"b":{"c":4}}}"#, &["a", "b", "c"], Kind::Number, "4"),
        (r#"{"a\"":{"b":1},"a\".b":2}"#, &["a\"", "b"], Kind::Number, "2"),
        (r#"{"":{"b":1},".b":2}"#, &["", "b"], Kind::Number, "2"),
        (r#"{"log":"{\"level\":\"info\"}\n"}"#, &["log", "level"], Kind::Text, "info"),
        (r#"{"log":" {\"level\":\"info\"} rest"}"#, &["log", "level"], Kind::Text, "info"),
        (r#"{"log":"level {}"}"#, &["log", "level"], Kind::Absent, ""),
        (r#"{"log":"\u007b\"level\":1}"}"#, &["log", "level"], Kind::Number, "1"),
        (r#"{"log":" \n{\"level\":1}"}"#, &["log", "level"], Kind::Number, "1"),
        (r#"{"log":"\"{}\"","log.level":"x"}"#, &["log", "level"], Kind::Text, "x"),
        (r#"{"log":"plain","log":"{\"level\":1}"}"#, &["log", "level"], Kind::Absent, ""),
        (r#"{"a":[{"b":1}]}"#, &["a", "b"], Kind::Absent, ""),
        (r#"{"a":1}"#, &["a", "b"], Kind::Absent, ""),
        (r#"{"a":1}"#, &["b"], Kind::Absent, ""),
        (r#"{"a":1, broken"#, &["a"], Kind::Number, "1"),
        (r#"{"x":broken, "a":1}"#, &["a"], Kind::Absent, ""),
        (r#"{"a":{"b":1 2}}"#, &["a"], Kind::Absent, ""),
        (r#"{"a":[1 2]}"#, &["a"], Kind::Absent, ""),
        (r#"{"a":"\ud800"}"#, &["a"], Kind::Text, "\u{fffd}"),
        (r#"{"a":01}"#, &["a"], Kind::Absent, ""),
        ("[1]", &["a"], Kind::Absent, ""),
        ("", &["a"], Kind::Absent, ""),
    ] {
        assert_eq!(look(json.as_bytes(), path), (kind as u8, text.to_string()), "{json} {path:?}");
    }
}

#[test]
fn nesting_cannot_exhaust_the_stack() {
    for (open, close) in [("[", "]"), (r#"{"x":"#, "}")] {
        for (levels, found) in [(150, true), (DEEPEST + 1, false), (1_000_000, false)] {
            let (open, close) = (open.repeat(levels), close.repeat(levels));
            let deep = format!(r#"{{"deep":{open}1{close},"a":1}}"#);
            assert_eq!(look(deep.as_bytes(), &["a"]).0 == Kind::Number as u8, found, "{levels}");
            let torn = format!(r#"{{"deep":{open}"#);
            assert_eq!(look(torn.as_bytes(), &["a"]).0, Kind::Absent as u8);
            let text = format!(r#"{{"log":{},"z":1}}"#, sonic_rs::to_string(&deep).unwrap());
            assert_eq!(look(text.as_bytes(), &["log", "a"]).0 == Kind::Number as u8, found, "{levels} in text");
        }
    }
    let brackets = format!(r#"{{"log":"{}","a":1}}"#, "[".repeat(10_000));
    assert_eq!(look(brackets.as_bytes(), &["a"]).0, Kind::Number as u8, "brackets in a text do not nest");
}

#[test]
fn bytes_that_are_not_utf8_have_no_fields() {
    assert_eq!(look(b"{\"a\":\"\xff\"}", &["a"]), (Kind::Absent as u8, String::new()));
    assert_eq!(look(b"{\"a\":1,\"b\":\"\xff\"}", &["a"]), (Kind::Absent as u8, String::new()));
}

/// JSON that knows how it was made, so that a second, naive lookup can answer for it.
#[derive(Clone, Debug)]
enum Model {
    Null,
    Boolean(bool),
    Number(i32),
    Text(String),
    /// A text that is this object.
    Embedded(Vec<(String, Model)>),
    Array(Vec<Model>),
    Object(Vec<(String, Model)>),
}

impl Model {
    fn render(&self) -> String {
        match self {
            Self::Null => "null".into(),
            Self::Boolean(value) => value.to_string(),
            Self::Number(value) => value.to_string(),
            Self::Text(text) => serde_json::to_string(text).unwrap(),
            Self::Embedded(members) => serde_json::to_string(&Self::Object(members.clone()).render()).unwrap(),
            Self::Array(items) => format!("[{}]", items.iter().map(Self::render).collect::<Vec<_>>().join(", ")),
            Self::Object(members) => {
                let member = |(key, value): &(String, Self)| {
                    format!("{} : {}", serde_json::to_string(key).unwrap(), value.render())
                };
                format!("{{{}}}", members.iter().map(member).collect::<Vec<_>>().join(","))
            }
        }
    }

    fn find(&self, path: &[&str]) -> Option<(u8, String)> {
        match self {
            _ if path.is_empty() => Some(self.value()),
            Self::Object(members) | Self::Embedded(members) => (1..=path.len()).rev().find_map(|joined| {
                let key = path[..joined].join(".");
                members.iter().find(|(name, _)| *name == key)?.1.find(&path[joined..])
            }),
            _ => None,
        }
    }

    fn value(&self) -> (u8, String) {
        match self {
            Self::Null => (1, String::new()),
            Self::Boolean(_) => (4, self.render()),
            Self::Number(_) => (3, self.render()),
            Self::Text(text) => (2, text.clone()),
            Self::Embedded(members) => (2, Self::Object(members.clone()).render()),
            Self::Array(_) => (6, self.render()),
            Self::Object(_) => (5, self.render()),
        }
    }
}

const KEYS: [&str; 8] = ["a", "b", "a.b", "b.a", "a.a.b", "", "é\"\n", "x/\""];

fn members(value: impl Strategy<Value = Model>) -> impl Strategy<Value = Vec<(String, Model)>> {
    prop::collection::vec((prop::sample::select(&KEYS[..]).prop_map(String::from), value), 0..5)
}

fn model() -> impl Strategy<Value = Vec<(String, Model)>> {
    let leaf = prop_oneof![
        Just(Model::Null),
        any::<bool>().prop_map(Model::Boolean),
        any::<i32>().prop_map(Model::Number),
        "[a-c\"\\\\/é\n\u{1}😀]{0,6}".prop_map(Model::Text),
    ];
    let value = leaf.prop_recursive(4, 40, 5, |value| {
        prop_oneof![
            prop::collection::vec(value.clone(), 0..3).prop_map(Model::Array),
            members(value.clone()).prop_map(Model::Object),
            members(value).prop_map(Model::Embedded),
        ]
    });
    members(value)
}

fn path() -> impl Strategy<Value = Vec<&'static str>> {
    prop::collection::vec(prop::sample::select(&["a", "b", "", "é\"\n", "x/\""][..]), 1..5)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn agrees_with_a_naive_lookup(members in model(), path in path()) {
        let object = Model::Object(members);
        let expect = object.find(&path).unwrap_or((Kind::Absent as u8, String::new()));
        let json = object.render();
        prop_assert_eq!(look(json.as_bytes(), &path), expect, "{} {:?}", json, path);
    }

    /// The same without white space, as most JSON is written.
    #[test]
    fn agrees_on_compact_json(members in model(), path in path()) {
        let object = Model::Object(members);
        let compact = |text: &str| text.replace(" : ", ":");
        let (kind, text) = object.find(&path).unwrap_or((Kind::Absent as u8, String::new()));
        let json = compact(&object.render());
        prop_assert_eq!(look(json.as_bytes(), &path), (kind, compact(&text)), "{} {:?}", json, path);
    }

    #[test]
    fn several_fields_are_found_as_each_would_be(members in model(), keys in prop::collection::vec(path(), 1..6)) {
        let json = Model::Object(members).render();
        let paths: Vec<Path> =
            keys.iter().map(|keys| Path::new(&keys.iter().map(|key| key.to_string()).collect::<Vec<_>>())).collect();
        let mut out: Vec<Builder> = paths.iter().map(|_| Builder::default()).collect();
        Search::new(paths.iter().collect()).append(&json, &mut out);
        for (keys, found) in keys.iter().zip(out) {
            prop_assert_eq!(value_of(found), look(json.as_bytes(), keys), "{} {:?}", json, keys);
        }
    }

    #[test]
    fn broken_json_gives_text_or_nothing(
        members in model(),
        path in path(),
        breaks in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut: prop::sample::Index,
    ) {
        let mut json = Model::Object(members).render().into_bytes();
        for (at, byte) in breaks {
            let at = at.index(json.len());
            json[at] = byte;
        }
        json.truncate(cut.index(json.len()) + 1);
        // `look` fails if what comes out is not UTF-8.
        look(&json, &path);
    }

    #[test]
    fn any_bytes_at_all(json in prop::collection::vec(any::<u8>(), 0..200), path in path()) {
        look(&json, &path);
    }
}
