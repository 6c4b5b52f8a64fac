use super::*;
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
enum Rule {
    Email,
    Custom { pattern: String, size: Option<u8> },
    Share(f64),
    Keys(Vec<String>),
}

#[test]
fn values_of_every_type() {
    let json = r#" { "a" : [ "email" , {"custom":{"pattern":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00é","size":null}} ],
                    "b" : [{"share":-0.25}, {"share":1.5e3}, {"share":7}, {"keys":["x"]}, {"keys":[]}] } "#;
    let read: BTreeMap<String, Vec<Rule>> = read(json).unwrap();
    let pattern = "\"\\/\u{8}\u{c}\n\r\té😀é".to_string();
    assert_eq!(read["a"], [Rule::Email, Rule::Custom { pattern, size: None }]);
    let keys = vec!["x".to_string()];
    let expect = [Rule::Share(-0.25), Rule::Share(1500.0), Rule::Share(7.0), Rule::Keys(keys), Rule::Keys(vec![])];
    assert_eq!(read["b"], expect);
}

#[test]
fn errors_name_the_key() {
    for (json, expect) in [
        (r#"[{"custom":{"size":1}}]"#, "[0].custom: missing field `pattern`"),
        (r#"[{"custom":{"pattern":5}}]"#, "[0].custom.pattern: expected a string, not 5"),
        (r#"["email",{"custom":{"pattern":"x","size":300}}]"#, "[1].custom.size: expected u8, not 300"),
        (r#"[{"keys":["x",{}]}]"#, "[0].keys[1]: expected a string, not an object"),
        (r#"["mail"]"#, "[0]: unknown variant `mail`, expected one of `email`, `custom`, `share`, `keys`"),
    ] {
        assert_eq!(read::<Vec<Rule>>(json).unwrap_err(), expect, "{json}");
    }
}

#[test]
fn malformed_json_is_an_error() {
    for json in [
        "",
        "[",
        "[1",
        "[1,",
        "[1 2]",
        "\"",
        "\"\\",
        "\"\\x\"",
        "\"\\u12",
        "\"\\ué\"",
        "\"\\é\"",
        "nul",
        "--1",
        "1e",
        "{}x",
        "[1]]",
        "{\"a\"}",
        "{1:2}",
        "[1,]",
        "{\"a\":1,}",
    ] {
        assert!(read::<serde_json::Value>(json).is_err(), "{json}");
    }
}

#[test]
fn half_of_a_pair_takes_nothing_of_what_follows() {
    for (json, expect) in [(r#""\ud800\u0041""#, "\u{fffd}A"), (r#""\ud800\ud83d\ude00""#, "\u{fffd}\u{1f600}")] {
        assert_eq!(read::<String>(json).as_deref(), Ok(expect));
    }
}

#[test]
fn agrees_with_serde_json() {
    for json in [
        "0",
        "-1",
        "18446744073709551615",
        "-9223372036854775808",
        "0.1",
        "123.456e-5",
        "1E22",
        r#"{"a":[{},[],null,true,false,"\ud800"]}"#,
        r#""\ud83d\ude00""#,
    ] {
        let ours: serde_json::Value = read(json).unwrap();
        if let Ok(theirs) = serde_json::from_str::<serde_json::Value>(json) {
            assert_eq!(ours, theirs, "{json}");
        }
    }
}
