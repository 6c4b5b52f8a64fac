use std::sync::Arc;

use super::*;
use crate::{EditPath, Tally, json::DEEPEST};

mod model;

/// Keys, and what they are set to; `None` for removed.
type Change = (Vec<String>, Option<(ValueKind, String)>);

fn path(keys: &str) -> Vec<String> {
    keys.split('/').map(str::to_owned).collect()
}

/// Raw JSON; a JSON string without escapes becomes a text.
fn set(keys: &str, json: &str) -> Change {
    (path(keys), Some(value(json)))
}

fn text(keys: &str, text: &str) -> Change {
    (path(keys), Some((ValueKind::Text, text.into())))
}

fn gone(keys: &str) -> Change {
    (path(keys), None)
}

fn value(json: &str) -> (ValueKind, String) {
    match json.trim_start().as_bytes()[0] {
        b'"' => (ValueKind::Text, json.trim_matches('"').into()),
        b'{' => (ValueKind::Object, json.into()),
        b'[' => (ValueKind::Array, json.into()),
        b't' | b'f' => (ValueKind::Boolean, json.into()),
        b'n' => (ValueKind::Null, String::new()),
        _ => (ValueKind::Number, json.into()),
    }
}

/// The edits of record 1 of 2, and what counts the blocked ones.
fn edits(changes: &[Change]) -> (Edits, Tally) {
    let (mut edits, blocked) = (Edits::new(2), Tally::default());
    for (keys, new) in changes {
        let path = edits.add_path(&Arc::new(EditPath::new(keys.clone(), blocked.clone())));
        let (kind, bytes) = new.as_ref().map_or((ValueKind::Absent, ""), |(kind, bytes)| (*kind, bytes));
        let at = edits.add_bytes(bytes.as_bytes());
        edits.push(1, Edit { path, kind, at, size: bytes.len() as u32 });
    }
    (edits, blocked)
}

/// The document after the edits, and how many were blocked.
fn spliced(document: &[u8], changes: &[Change]) -> (Vec<u8>, u64) {
    let (edits, blocked) = edits(changes);
    let mut out = b"before".to_vec();
    splice(document, &edits, 1, &mut out);
    (out.split_off(6), blocked.get())
}

fn check(document: &str, changes: &[Change], expected: &str, blocked: u64) {
    let (out, counted) = spliced(document.as_bytes(), changes);
    assert_eq!((String::from_utf8_lossy(&out).as_ref(), counted), (expected, blocked), "{document} {changes:?}");
}

#[test]
fn values_are_replaced() {
    for (document, change, expected) in [
        (r#"{"a":1,"b":2,"c":3}"#, set("a", "9"), r#"{"a":9,"b":2,"c":3}"#),
        (r#"{"a":1,"b":2,"c":3}"#, set("b", "9"), r#"{"a":1,"b":9,"c":3}"#),
        (r#"{"a":1,"b":2,"c":3}"#, set("c", "9"), r#"{"a":1,"b":2,"c":9}"#),
        (r#"{"a":{"x":[1,"}"]},"b":2}"#, set("a", "null"), r#"{"a":null,"b":2}"#),
        (r#"{"a":[{},[]]}"#, set("a", r#"{"k": [1, 2]}"#), r#"{"a":{"k": [1, 2]}}"#),
        (r#"{"a":true}"#, text("a", "x\"\\\n\u{1}é/"), r#"{"a":"x\"\\\n\u0001é/"}"#),
        (r#"{"a":"\"}\\"}"#, set("a", "false"), r#"{"a":false}"#),
        (r#"{"a":{"b":{"c":1,"d":2}},"e":3}"#, set("a/b/c", "-1.5e3"), r#"{"a":{"b":{"c":-1.5e3,"d":2}},"e":3}"#),
        (" \r\n{ \"a\" :\t1 , \"b\" : 2 }\n\n", set("a", "9"), " \r\n{ \"a\" :\t9 , \"b\" : 2 }\n\n"),
        (r#"{"é":"ü","a":1}"#, text("é", "ö"), r#"{"é":"ö","a":1}"#),
        (r#"{"":1}"#, set("", "2"), r#"{"":2}"#),
    ] {
        check(document, &[change], expected, 0);
    }
}

#[test]
fn members_are_removed() {
    for (document, keys, expected) in [
        (r#"{"a":1,"b":2,"c":3}"#, "a", r#"{"b":2,"c":3}"#),
        (r#"{"a":1,"b":2,"c":3}"#, "b", r#"{"a":1,"c":3}"#),
        (r#"{"a":1,"b":2,"c":3}"#, "c", r#"{"a":1,"b":2}"#),
        (r#"{"a":1}"#, "a", "{}"),
        (r#"{ "a" : 1 , "b" : 2 , "c" : 3 }"#, "a", r#"{ "b" : 2 , "c" : 3 }"#),
        (r#"{ "a" : 1 , "b" : 2 , "c" : 3 }"#, "b", r#"{ "a" : 1 , "c" : 3 }"#),
        (r#"{ "a" : 1 , "b" : 2 , "c" : 3 }"#, "c", r#"{ "a" : 1 , "b" : 2 }"#),
        ("{\n  \"a\": 1\n}\n", "a", "{\n  \n}\n"),
        (r#"{"a":{"b":1},"c":2}"#, "a/b", r#"{"a":{},"c":2}"#),
        (r#"{"a":{"b":1,"x":[]},"c":2}"#, "a/b", r#"{"a":{"x":[]},"c":2}"#),
        (r#"{"a":1}"#, "b", r#"{"a":1}"#),
        (r#"{"a":{}}"#, "a/b/c", r#"{"a":{}}"#),
        ("{}", "a/b", "{}"),
    ] {
        check(document, &[gone(keys)], expected, 0);
    }
    let three = r#"{ "a":1, "b":2, "c":3 }"#;
    for (keys, expected) in [
        (&["a", "b"][..], r#"{ "c":3 }"#),
        (&["b", "a"], r#"{ "c":3 }"#),
        (&["a", "c"], r#"{ "b":2 }"#),
        (&["b", "c"], r#"{ "a":1 }"#),
        (&["c", "b", "a"], "{  }"),
    ] {
        check(three, &keys.iter().map(|keys| gone(keys)).collect::<Vec<_>>(), expected, 0);
    }
}

#[test]
fn members_are_added() {
    for (document, changes, expected) in [
        ("{}", vec![set("a", "1")], r#"{"a":1}"#),
        ("{ }", vec![set("a", "1")], r#"{"a":1 }"#),
        (r#"{"a":1}"#, vec![set("b", "2")], r#"{"a":1,"b":2}"#),
        ("{\"a\":1\n} \n", vec![text("b", "x"), set("c", "null")], "{\"a\":1,\"b\":\"x\",\"c\":null\n} \n"),
        (r#"{"a":1}"#, vec![set("b/c/d", "2"), set("b/e", "3")], r#"{"a":1,"b":{"c":{"d":2},"e":3}}"#),
        (r#"{"a":{"x":1},"b":2}"#, vec![set("a/y/z", "2")], r#"{"a":{"x":1,"y":{"z":2}},"b":2}"#),
        (r#"{"a":{ },"b":2}"#, vec![set("a/y", "[]")], r#"{"a":{"y":[] },"b":2}"#),
        ("{}", vec![set("a.b", "1"), set("a/b", "2"), set("a/c", "3")], r#"{"a.b":2,"a":{"c":3}}"#),
        ("{}", vec![set("\"\\\n", "1")], r#"{"\"\\\n":1}"#),
        (r#"{"a":1,"b":2}"#, vec![gone("a"), gone("b"), set("c", "3"), set("d", "4")], r#"{"c":3,"d":4}"#),
        (r#"{"a":1,"b":2}"#, vec![gone("b"), set("c", "3")], r#"{"a":1,"c":3}"#),
        (r#"{"a":1,"b":2}"#, vec![gone("a"), set("a", "3")], r#"{"b":2,"a":3}"#),
    ] {
        check(document, &changes, expected, 0);
    }
}

#[test]
fn the_last_of_several_edits_counts() {
    for (changes, expected) in [
        (vec![set("a", "2"), set("a", "3")], r#"{"a":3}"#),
        (vec![set("a", "2"), gone("a")], "{}"),
        (vec![set("b", "2"), gone("b")], r#"{"a":1}"#),
        (vec![set("b", "2"), gone("b"), set("b", "3")], r#"{"a":1,"b":3}"#),
        (vec![set("a", r#" {"x": 1} "#), set("a/x", "2"), set("a/y", "3")], r#"{"a": {"x": 2,"y":3} }"#),
        (vec![set("b/c", "2"), set("b", "3")], r#"{"a":1,"b":3}"#),
        (vec![set("b/c", "2"), gone("b/c"), set("b/d", "3")], r#"{"a":1,"b":{"d":3}}"#),
    ] {
        check(r#"{"a":1}"#, &changes, expected, 0);
    }
}

#[test]
fn literal_keys_come_first() {
    for (document, change, expected) in [
        (r#"{"a":{"b":1},"a.b":2}"#, set("a/b", "9"), r#"{"a":{"b":1},"a.b":9}"#),
        (r#"{"a.b":{"c":1},"a":{"b.c":2}}"#, set("a/b/c", "9"), r#"{"a.b":{"c":9},"a":{"b.c":2}}"#),
        (r#"{"a.b":{"x":1},"a":{"b.c":2}}"#, set("a/b/c", "9"), r#"{"a.b":{"x":1},"a":{"b.c":9}}"#),
        (r#"{"a.b":3,"a":{"b":{"c":2}}}"#, gone("a/b/c"), r#"{"a.b":3,"a":{"b":{}}}"#),
        (r#"{"a.b":{},"a":{}}"#, set("a/b/c", "9"), r#"{"a.b":{"c":9},"a":{}}"#),
        (r#"{"a.b":3,"a":{}}"#, set("a/b/c", "9"), r#"{"a.b":3,"a":{"b":{"c":9}}}"#),
        (r#"{"a.b":3}"#, set("a.b", "9"), r#"{"a.b":9}"#),
        (r#"{"a":{"b":3}}"#, set("a.b", "9"), r#"{"a":{"b":3},"a.b":9}"#),
        (r#"{"\u0061":1}"#, set("a", "9"), r#"{"\u0061":9}"#),
        (r#"{"x\"\n\/":1}"#, (vec!["x\"\n/".into()], Some(value("9"))), r#"{"x\"\n\/":9}"#),
        (r#"{"\ud800":1,"a":2}"#, set("a", "9"), r#"{"\ud800":1,"a":9}"#),
    ] {
        check(document, &[change], expected, 0);
    }
}

#[test]
fn repeated_keys_on_the_way_go() {
    for (document, change, expected) in [
        (r#"{"a":1,"b":2,"a":3}"#, set("a", "9"), r#"{"a":9,"b":2}"#),
        (r#"{"a":1,"b":2,"\u0061":3,"a":4}"#, gone("a"), r#"{"b":2}"#),
        (r#"{"a":1, "a":3, "b":2}"#, gone("a"), r#"{"b":2}"#),
        (r#"{"a":{"x":1},"a":{"x":2}}"#, set("a/x", "9"), r#"{"a":{"x":9}}"#),
        (r#"{"a":{"y":1},"a":{"x":2},"b":1}"#, gone("a/x"), r#"{"a":{"y":1},"b":1}"#),
        (r#"{"b":1,"b":2,"a":1}"#, set("a", "9"), r#"{"b":1,"b":2,"a":9}"#),
    ] {
        check(document, &[change], expected, 0);
    }
}

#[test]
fn what_is_in_the_way_blocks() {
    for document in [
        r#"{"a":1}"#,
        r#"{"a":null}"#,
        r#"{"a":[{"b":1}]}"#,
        r#"{"a":"{\"b\":1}"}"#,
        r#"{"a":1,"a":{"b":1}}"#,
        r#"{"a.b":{"c":1},"a":{"b":2},"x":{"b":"secret"}}"#,
    ] {
        for change in [set("a/b/c/d", "9"), gone("a/b/c/d")] {
            check(document, &[change], document, 1);
        }
    }
    check(r#"{"a":1}"#, &[set("a/b", "2"), set("b", "3"), gone("a/c")], r#"{"a":1,"b":3}"#, 2);
    let long = vec!["a".to_owned(); DEEPEST + 1];
    check("{}", &[(long, Some(value("1")))], "{}", 1);
}

#[test]
fn broken_tails_stay() {
    for (document, change, expected, blocked) in [
        (r#"{"a":1,"b":tru}"#, set("a", "9"), r#"{"a":9,"b":tru}"#, 0),
        (r#"{"a":1,"b":2,"c"#, gone("a"), r#"{"b":2,"c"#, 0),
        (r#"{"a":1,"b":2,"c"#, gone("b"), r#"{"a":1,"c"#, 0),
        (r#"{"a":1,"b":"x"#, set("b", "9"), r#"{"a":1,"b":"x"#, 1),
        (r#"{"a":1,"b":"x"#, gone("b"), r#"{"a":1,"b":"x"#, 1),
        (r#"{"a":1,"b":{"c":[}}"#, set("b/c", "9"), r#"{"a":1,"b":{"c":[}}"#, 1),
        (r#"{"a":{"b":1 2},"c":3}"#, set("a/d", "9"), r#"{"a":{"b":1 2},"c":3}"#, 1),
        (r#"{"a":{"b":1 2},"c":3}"#, set("a/b", "9"), r#"{"a":{"b":9 2},"c":3}"#, 0),
        (r#"{"a":1,}"#, set("b", "9"), r#"{"a":1,}"#, 1),
        (r#"{"a":01}"#, set("b", "9"), r#"{"a":01}"#, 1),
        (r#"{"a":1"#, set("b", "9"), r#"{"a":1"#, 1),
        ("{", set("b", "9"), "{", 1),
        (r#"{"a":1} rest"#, set("b", "9"), r#"{"a":1,"b":9} rest"#, 0),
        (r#"{"a":1}{"a":2}"#, set("a", "9"), r#"{"a":9}{"a":2}"#, 0),
        (r#"{"a":"\"#, set("b", "9"), r#"{"a":"\"#, 1),
    ] {
        check(document, &[change], expected, blocked);
    }
    let (out, blocked) = spliced(b"{\"a\":\"\xff\",\"\xff\":1}", &[set("b", "9")]);
    assert_eq!((&out[..], blocked), (&b"{\"a\":\"\xff\",\"\xff\":1,\"b\":9}"[..], 0));
}

#[test]
fn what_is_no_object_is_left_alone() {
    let deep = |levels: usize| format!("{}{}{}", r#"{"a":"#.repeat(levels), 1, "}".repeat(levels));
    for document in ["", " ", "null", "1", "\"{}\"", "[]", "[{\"a\":1}]", "a", "\u{feff}{}"] {
        check(document, &[set("a", "1"), gone("a"), set("b/c", "2")], document, 3);
    }
    for document in [deep(DEEPEST + 1), "{\"a\":".repeat(1_000_000), format!("{{\"a\":{}", "[".repeat(1_000_000))] {
        check(&document, &[set("a", "1")], &document, 1);
    }
    let keys = vec!["a".to_owned(); DEEPEST];
    check(&deep(DEEPEST), &[(keys, Some(value("2")))], &deep(DEEPEST).replace('1', "2"), 0);
    check(&deep(DEEPEST), &[set("a", "1")], &deep(1), 0);
}
