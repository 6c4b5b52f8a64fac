use proptest::prelude::*;

use super::*;

const SOUND: &str = r#"{ "name": "drops debug", "records": [{"level": "debug"}], "expect": {"kept": []} }"#;

#[track_caller]
fn refused(text: &str, expected: &str) {
    let error = parse(text).unwrap_err();
    assert!(error.contains(expected), "{error:?} for {text}");
}

#[test]
fn what_is_written_is_read() {
    let text = format!(
        "{SOUND}\n{}",
        r#"{ "name": "all keys", "config": {"at_least":"info"}, "now": 7, "times": [1, 2], "records": [{}, {}], "ticks": [1, 60],
             "expect": {"kept": [0], "records": [{}], "alerts": [{"severity": "error"}]} }"#
    );
    let examples = parse(&text).unwrap();
    assert_eq!((examples[0].name(), examples[0].config(), examples[0].now), ("drops debug", "{}", NOW));
    assert_eq!((examples[1].name(), examples[1].config()), ("all keys", r#"{"at_least":"info"}"#));
    assert_eq!((examples[1].now, &*examples[1].times, &*examples[1].ticks), (7, &[1, 2][..], &[1, 60][..]));
    assert_eq!(parse(" \n").unwrap(), []);
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    refused("{", "example 1 is not JSON");
    refused(&format!("{SOUND} 7"), "example 2 is not an object");
    refused(r#"{"records":[{}]}"#, "example 1: `name` is missing");
    refused(&format!("{SOUND}{SOUND}"), "two examples are named \"drops debug\"");
    for (rest, expected) in [
        (r#""expekt": {}"#, "has no key `expekt`"),
        (r#""records": [{}]"#, "`expect` is missing"),
        (r#""records": [{}], "expect": {}"#, "`expect` says nothing"),
        (r#""records": [{}], "expect": {"keeps": []}"#, "`expect` has no key `keeps`"),
        (r#""records": [1], "expect": {"kept": []}"#, "`records[0]` is not an object"),
        (r#""records": {}, "expect": {"kept": []}"#, "`records` is not a list"),
        (r#""records": [{}], "expect": {"kept": [-1]}"#, "`expect.kept[0]` is -1, not a whole number"),
        (r#""records": [{}], "expect": {"alerts": [{"colour": 1}]}"#, "an alert has no key `colour`"),
        (r#""records": [{}], "times": [1, 2], "expect": {"kept": []}"#, "has 2 times for 1 records"),
        (r#""records": [{}], "ticks": [2, 1], "expect": {"kept": []}"#, "`ticks` do not ascend"),
        (r#""records": [{}], "now": "today", "expect": {"kept": []}"#, "`now` is \"today\""),
        (r#""records": [{}], "config": 1, "expect": {"kept": []}"#, "`config` is not an object"),
        (r#""expect": {"kept": []}"#, "neither `records` nor `ticks`"),
        (r#""expect": {"refused": 1}"#, "`expect.refused` is not a text"),
        (r#""expect": {"refused": "x", "kept": []}"#, "`expect.refused` stands alone"),
    ] {
        let text = format!("{{\"name\": \"it\", {rest}}}");
        refused(&text, "example \"it\": ");
        refused(&text, expected);
    }
}

#[test]
fn examples_are_bounded() {
    refused(&" ".repeat(MOST_BYTES + 1), "more than 262144");
    let many = |count: usize| {
        (0..count).map(|n| format!("{{\"name\":\"{n}\",\"records\":[{{}}],\"expect\":{{\"kept\":[]}}}}"))
    };
    assert_eq!(parse(&many(MOST_EXAMPLES).collect::<String>()).unwrap().len(), MOST_EXAMPLES);
    refused(&many(MOST_EXAMPLES + 1).collect::<String>(), "more than 200 examples");
    let records = vec!["{}"; MOST_RECORDS + 1].join(",");
    refused(
        &format!("{{\"name\":\"it\",\"records\":[{records}],\"expect\":{{\"kept\":[]}}}}"),
        "1001 records, more than 1000",
    );
}

#[test]
fn a_failure_is_one_line_for_a_log() {
    let failed = |differences: &[&str]| Failed {
        example: "drops debug".into(),
        differences: differences.iter().map(|line| (*line).to_string()).collect(),
    };
    assert_eq!(failed(&["a", "b"]).to_string(), "its example \"drops debug\" fails: a; b");
    let many = failed(&["a", "b", "c", "d", "e"]).to_string();
    assert_eq!(many, "its example \"drops debug\" fails: a; b; c; and 2 more differences");
}

const HEADER: &[u8] = b"\0asm\x0d\0\x01\0";

#[test]
fn examples_travel_in_a_component() {
    let with = embed(HEADER, SOUND).unwrap();
    assert_eq!(section(&with), Ok(Some(SOUND)));
    assert_eq!(of(&with).unwrap()[0].name(), "drops debug");
    assert_eq!((section(HEADER), of(HEADER)), (Ok(None), Ok(Vec::new())));
    assert_eq!(section(&embed(&with, "").unwrap()), Ok(Some("")), "in place of those that were there");
    assert_eq!(embed(&with, SOUND).unwrap(), with);
    assert!(embed(HEADER, "{").unwrap_err().contains("not JSON"));
    let twice = [&with, &with[HEADER.len()..]].concat();
    assert!(section(&twice).unwrap_err().contains("two sections"));
    assert!(section(&with[..with.len() - 1]).unwrap_err().contains("ends within a section"));
    assert!(section(b"").is_err());
    // Other sections, custom ones among them, are stepped over.
    let other = [HEADER, &[0, 3, 1, b'x', 9], &with[HEADER.len()..], &[7, 1, 0]].concat();
    assert_eq!(section(&other), Ok(Some(SOUND)));
}

proptest! {
    #[test]
    fn no_bytes_are_too_strange(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = of(&[HEADER, &bytes].concat());
    }

    #[test]
    fn examples_of_any_length_come_back(spaces in 0usize..40_000) {
        let padded = format!("{SOUND}{}", " ".repeat(spaces));
        let with = embed(HEADER, &padded).unwrap();
        prop_assert_eq!(section(&with), Ok(Some(padded.as_str())));
    }
}
