use proptest::prelude::*;

use super::*;

fn scan(text: &[u8]) -> Result<Members, Defect> {
    Scanner::default().scan(text, Some("tag"))
}

fn value<'a>(text: &'a str, range: &Option<Range<usize>>) -> Option<&'a str> {
    range.clone().map(|range| &text[range])
}

#[test]
fn finds_the_members_at_top_level() {
    for (text, timestamp, time, tag) in [
        (r#"{}"#, None, None, None),
        (r#"{"time":1}"#, None, Some("1"), None),
        (r#"{"time" : -1.5e+3 , "tag":"x"}"#, None, Some("-1.5e+3"), Some(r#""x""#)),
        (r#"{"a":{"time":1,"tag":2,"@timestamp":3}}"#, None, None, None),
        (r#"{"a":[{"time":1}],"@timestamp":"2023"}"#, Some(r#""2023""#), None, None),
        (r#"{"tag":{"a":[1,{"b":[]}]},"time":null}"#, None, Some("null"), Some(r#"{"a":[1,{"b":[]}]}"#)),
        (r#"{"\u0040timestamp":1,"t\u0069me":2,"\u0074ag":[ ]}"#, Some("1"), Some("2"), Some("[ ]")),
        (r#"{"@timestamp ":1,"times":2,"ta":3,"":4}"#, None, None, None),
        (" \t{\"tag\":\"\\\"}\"}\r\n ", None, None, Some(r#""\"}""#)),
    ] {
        let members = scan(text.as_bytes()).unwrap();
        assert_eq!(value(text, &members.timestamp), timestamp, "{text}");
        assert_eq!(value(text, &members.time), time, "{text}");
        assert_eq!(value(text, &members.tag), tag, "{text}");
        assert_eq!((&text[members.open..=members.open], &text[members.close..=members.close]), ("{", "}"), "{text}");
        assert_eq!(members.has_lines, text.contains(['\n', '\r']), "{text}");
        assert_eq!(members.is_empty, text == "{}", "{text}");
    }
}

#[test]
fn says_where_a_text_is_broken() {
    for (text, offset, what) in [
        (&b""[..], 0, "an object was expected"),
        (b"  ", 2, "an object was expected"),
        (b"[]", 0, "an object was expected"),
        (b"\"text\"", 0, "an object was expected"),
        (b"\xef\xbb\xbf{}", 0, "an object was expected"),
        (b"{", 1, "a key was expected"),
        (b"{a:1}", 1, "a key was expected"),
        (b"{\"a\" 1}", 5, "a colon was expected"),
        (b"{\"a\":}", 5, "a value was expected"),
        (b"{\"a\":nul}", 5, "a value was expected"),
        (b"{\"a\":NaN}", 5, "a value was expected"),
        (b"{\"a\":01}", 7, "a number with a leading zero"),
        (b"{\"a\":-}", 6, "a digit was expected"),
        (b"{\"a\":1.}", 7, "a digit was expected"),
        (b"{\"a\":1e}", 7, "a digit was expected"),
        (b"{\"a\":1,}", 7, "a key was expected"),
        (b"{\"a\":[1,]}", 8, "a value was expected"),
        (b"{\"a\":[1}", 7, "a comma or a closing bracket was expected"),
        (b"{\"a\":{\"b\":1]}", 11, "a comma or a closing bracket was expected"),
        (b"{\"a\":1", 6, "the object does not end"),
        (b"{\"a\":1 \"b\":2}", 7, "the object does not end"),
        (b"{\"a\":\"", 6, "a string does not end"),
        (b"{\"a\":\"0123456789", 16, "a string does not end"),
        (b"{\"a\":\"\\x\"}", 6, "an unknown escape"),
        (b"{\"a\":\"\\u12g4\"}", 6, "an unknown escape"),
        (b"{\"a\":\"\\u12", 6, "an unknown escape"),
        (b"{\"a\":\"b\nc\"}", 7, "a control character in a string"),
        (b"{\"a\":\"b\0c\"}", 7, "a control character in a string"),
        (b"{}{}", 2, "something follows the object"),
        (b"{}\n{}", 3, "something follows the object"),
        (b"{\"a\":1}\0", 7, "something follows the object"),
        (b"{\"a\":\"\xff\"}", 6, "invalid utf-8"),
        (b"{\"@timestamp\":1,\"@timestamp\":1}", 16, "a repeated key"),
        (b"{\"tag\":1,\"\\u0074ag\":1}", 9, "a repeated key"),
    ] {
        assert_eq!(scan(text), Err(Defect { offset, what }), "{}", String::from_utf8_lossy(text));
    }
}

#[test]
fn depth_does_not_exhaust_the_stack() {
    let deep = |n: usize| [b"{\"a\":".to_vec(), vec![b'['; n], vec![b']'; n], b"}".to_vec()].concat();
    assert_eq!(scan(&deep(1_000_000)).map(|members| members.close), Ok(2_000_005));
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::Value;
    let text = "\\PC{0,20}|[\"\\\\\n\t\u{1}a@]{0,12}";
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text.prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map("time|tag|[a-d@\"\\\\\n]{0,3}", inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    /// Whatever `serde_json` writes is taken, with the members where it says they are.
    #[test]
    fn agrees_with_a_parser_about_documents(value in json(), pretty: bool) {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        let members = scan(text.as_bytes());
        prop_assert_eq!(members.is_ok(), value.is_object());
        if let Ok(members) = members {
            for (key, range) in [("time", members.time), ("tag", members.tag)] {
                let found = range.map(|range| serde_json::from_str::<serde_json::Value>(&text[range]).unwrap());
                let expected = serde_json::from_str::<serde_json::Value>(&text).unwrap();
                prop_assert_eq!(found.as_ref(), expected.get(key));
            }
        }
    }

    /// One changed byte is judged as a parser judges it, but for what `serde_json` does not look at when it skips
    /// values (UTF-8) and what is no matter of the grammar (repeated keys).
    #[test]
    fn agrees_with_a_parser_about_damage(value in json(), at in any::<prop::sample::Index>(), byte: u8) {
        let mut text = serde_json::to_vec(&value).unwrap();
        let at = at.index(text.len());
        text[at] = byte;
        match (scan(&text), serde_json::from_slice::<serde::de::IgnoredAny>(&text)) {
            (Ok(_), Err(error)) => prop_assert!(false, "taken, but {error}"),
            (Err(defect), Ok(_)) => prop_assert!(
                text.trim_ascii_start()[0] != b'{' || ["a repeated key", "invalid utf-8"].contains(&defect.what),
                "refused: {defect:?}"
            ),
            _ => {}
        }
    }

    #[test]
    fn finds_the_end_of_plain_text(text in prop::collection::vec(any::<u8>(), 0..40), at in 0usize..40) {
        let at = at.min(text.len());
        let special = |&byte: &u8| byte < 0x20 || byte == b'"' || byte == b'\\';
        let expected = at + text[at..].iter().position(special).unwrap_or(text.len() - at);
        prop_assert_eq!(plain_end::<true>(&text, at), expected);
    }
}
