use super::*;
use crate::bindings::enricher::{Edit, Edits};
use crate::bindings::notifier::{Alert, Detail};

#[test]
fn drops_are_checked() {
    for (named, expect) in [
        (vec![], Ok(())),
        (vec![0, 1, 9], Ok(())),
        (vec![10], Err("record 10 of a batch of 10")),
        (vec![1, 0], Err("record 0 is named after record 1")),
        (vec![3, 3], Err("record 3 is named after record 3")),
        (vec![0, u32::MAX], Err("record 4294967295 of a batch of 10")),
    ] {
        assert_eq!(drops(named.clone(), 10).map(drop), expect.map_err(String::from), "{named:?}");
    }
}

fn edit(start: u32, end: u32, field: u32, kind: u8, at: u32, size: u32) -> Edit {
    Edit { start, end, field, kind, at, size }
}

#[test]
fn edits_are_checked() {
    for (changes, expect) in [
        (vec![], Ok(())),
        (vec![edit(0, 10, 0, 2, 0, 4), edit(0, 1, 1, 0, 0, 0), edit(9, 10, 1, 1, 4, 0)], Ok(())),
        (vec![edit(1, 2, 0, 2, 0, 4), edit(0, 1, 0, 2, 0, 4)], Err("an edit of record 0 stands after one of record 1")),
        (vec![edit(3, 3, 0, 2, 0, 4)], Err("an edit of records 3 to 3 of a batch of 10")),
        (vec![edit(9, 11, 0, 2, 0, 4)], Err("an edit of records 9 to 11 of a batch of 10")),
        (vec![edit(0, 1, 2, 2, 0, 4)], Err("an edit of field 2, and the manifest writes 2")),
        (vec![edit(0, 1, 0, 2, 20, 4)], Err("a value at 20 of 4 bytes, and there are 23")),
        (
            vec![edit(0, 1, 0, 2, u32::MAX, u32::MAX)],
            Err("a value at 4294967295 of 4294967295 bytes, and there are 23"),
        ),
        (vec![edit(0, 1, 0, 7, 0, 4)], Err("the value for record 0 is of a kind that this version does not know")),
        (vec![edit(0, 1, 0, 0, 0, 1)], Err("the value for record 0 has bytes, and its kind has none")),
        (vec![edit(0, 1, 0, 2, 22, 1)], Err("the value for record 0 is not UTF-8")),
        (vec![edit(0, 1, 0, 3, 0, 4)], Err("the value for record 0 is not the JSON that its kind says")),
        (vec![edit(0, 10, 0, 2, 0, 4); 3], Err("more values than 10 records have fields to write")),
    ] {
        let arena = b"true-1.5e3{\"a\":1}[2] \n\xff".to_vec();
        let answer = edits(Edits { changes: changes.clone(), arena }, 10, 2);
        assert_eq!(answer.map(drop), expect.map_err(String::from), "{changes:?}");
    }
}

#[test]
fn what_is_small_to_answer_with_must_not_be_huge_to_write() {
    let answer =
        |len: u32| edits(Edits { changes: vec![edit(0, len, 0, 2, 0, 1 << 20)], arena: vec![b'y'; 1 << 20] }, len, 1);
    assert!(answer(64).is_ok());
    assert_eq!(answer(65).unwrap_err(), "values of more than 64 MiB for 65 records");
}

#[test]
fn raw_values_are_the_json_that_they_are_said_to_be() {
    use ValueKind::{Array, Boolean, Number, Object, Text};
    for (code, value, expect) in [
        (2, "", Some(Text)),
        (3, "-1.5e3", Some(Number)),
        (3, "1 ", None),
        (3, " 1", None),
        (3, "01", None),
        (3, "NaN", None),
        (3, "", None),
        (4, "true", Some(Boolean)),
        (4, "tru", None),
        (4, "1", None),
        (5, r#"{"a":1}"#, Some(Object)),
        (5, r#"{"a":1}}"#, None),
        (5, r#"{"a":1},"b":{}"#, None),
        (5, "[]", None),
        (6, "[]", Some(Array)),
        (6, "{}", None),
    ] {
        assert_eq!(value_kind(code, value.as_bytes()).ok(), expect, "{code} {value}");
    }
    let deep = "[".repeat(10_000) + &"]".repeat(10_000);
    assert!(value_kind(6, deep.as_bytes()).is_err(), "deep nesting is refused");
}

fn alert(item: Option<u32>) -> Alert {
    Alert {
        item,
        fingerprint: "f".into(),
        severity: notifier::Severity::Error,
        title: "t".into(),
        text: "x".into(),
        details: vec![Detail { name: "pod".into(), value: "web-1".into() }],
        color: "#00FF00".into(),
    }
}

#[test]
fn alerts_are_checked() {
    let changed = |change: fn(&mut Alert)| {
        let mut alert = alert(None);
        change(&mut alert);
        vec![alert]
    };
    for (named, expect) in [
        (vec![], Ok(())),
        (vec![alert(None), alert(Some(0)), alert(Some(0)), alert(None), alert(Some(9))], Ok(())),
        (vec![alert(Some(10))], Err("an alert about record 10 of a batch of 10")),
        (
            vec![alert(Some(2)), alert(None), alert(Some(1))],
            Err("an alert about record 1 stands after one about a later record"),
        ),
        (vec![alert(None); 1025], Err("1025 alerts, more than 1024")),
        (changed(|alert| alert.color.clear()), Ok(())),
        (changed(|alert| alert.color = "#00FG00".into()), Err("a colour that is not written as #rrggbb")),
        (changed(|alert| alert.color = "red".into()), Err("a colour that is not written as #rrggbb")),
        (changed(|alert| alert.fingerprint = "f".repeat(257)), Err("a fingerprint of 257 bytes, more than 256")),
        (
            changed(|alert| alert.details = vec![alert.details[0].clone(); 33]),
            Err("an alert with 33 details, more than 32"),
        ),
    ] {
        assert_eq!(alerts(named, 10).map(drop), expect.map_err(String::from));
    }
    assert!(alerts(vec![alert(Some(0))], 0).is_err(), "a tick has no records");
}

#[test]
fn long_texts_are_cut() {
    let long = Alert { title: "é".repeat(1000), text: "x".repeat(100_000), ..alert(None) };
    let Ok(Answer::Alerts(raised)) = alerts(vec![long], 0) else { panic!("refused") };
    assert_eq!((raised[0].title.chars().count(), raised[0].text.len()), (257, LONGEST_TEXT + '…'.len_utf8()));
}
