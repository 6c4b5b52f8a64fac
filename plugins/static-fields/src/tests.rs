//! The plugin as the host meets it.
use super::*;
use sluice_plugin::testing::configure_enricher;

fn check(options: &str, record: &str, expect: &str) {
    let plugin = configure_enricher::<StaticFields>(options).unwrap();
    let enriched = plugin.enriched(&[record, record]).remove(1);
    // Read as well, so that the order of keys does not matter.
    let read = configure_enricher::<StaticFields>(r#"{"remove":["no such field"]}"#).unwrap();
    assert_eq!(enriched, read.enriched(&[expect]).remove(0), "{options} {record}");
}

#[test]
fn fields_are_added_renamed_and_removed() {
    for (options, record, expect) in [
        // Values of every type, and fields within fields.
        (
            r#"{"add":{"cluster":"eu-1","n":5,"m":-1,"f":0.5,"ok":true,"no":null}}"#,
            r#"{"log":"x"}"#,
            r#"{"log":"x","cluster":"eu-1","n":5,"m":-1,"f":0.5,"ok":true,"no":null}"#,
        ),
        (r#"{"add":{"labels.tier":"web"}}"#, r#"{"labels":{"a":1}}"#, r#"{"labels":{"a":1,"tier":"web"}}"#),
        (r#"{"add":[{"field":["a.b","c"],"value":1}]}"#, "{}", r#"{"a.b":{"c":1}}"#),
        // What the record has itself stays, unless it is to be replaced.
        (r#"{"add":{"a":1}}"#, r#"{"a":null}"#, r#"{"a":null}"#),
        (r#"{"add":{"a":1},"on_conflict":"replace"}"#, r#"{"a":"own"}"#, r#"{"a":1}"#),
        // Renaming keeps types, and leaves records alone that do not have the field.
        (r#"{"rename":[{"from":"a","to":"b.c"}]}"#, r#"{"a":{"x":[1]},"z":0}"#, r#"{"b":{"c":{"x":[1]}},"z":0}"#),
        (r#"{"rename":[{"from":"a","to":"b"}]}"#, r#"{"z":0}"#, r#"{"z":0}"#),
        (r#"{"rename":[{"from":"a","to":"b"}]}"#, r#"{"a":1,"b":2}"#, r#"{"a":1,"b":2}"#),
        (r#"{"rename":[{"from":"a","to":"b"}],"on_conflict":"replace"}"#, r#"{"a":1,"b":2}"#, r#"{"b":1}"#),
        (r#"{"rename":[{"from":["x.y"],"to":"b"}]}"#, r#"{"x.y":1}"#, r#"{"b":1}"#),
        // Removing, also of what something was taken from.
        (
            r#"{"remove":["docker","kubernetes.host"]}"#,
            r#"{"docker":{},"kubernetes":{"host":"n","x":1}}"#,
            r#"{"kubernetes":{"x":1}}"#,
        ),
        (
            r#"{"rename":[{"from":"kubernetes.pod_name","to":"pod"}],"remove":["kubernetes"]}"#,
            r#"{"log":"x","kubernetes":{"pod_name":"p","host":"n"}}"#,
            r#"{"log":"x","pod":"p"}"#,
        ),
        // A field in a text of JSON can be copied, and not taken away.
        (r#"{"rename":[{"from":"log.a","to":"b"}]}"#, r#"{"log":"{\"a\":1}"}"#, r#"{"log":"{\"a\":1}","b":1}"#),
    ] {
        check(options, record, expect);
    }
}

#[test]
fn errors_say_what_to_write() {
    let both = "of two changes of one field name one";
    let many = format!(r#"{{"remove":[{}]}}"#, (0..33).map(|n| format!(r#""f{n}""#)).collect::<Vec<_>>().join(","));
    for (options, expect) in [
        ("{}", "name 1 to 32 fields to add, rename and remove, not 0".to_string()),
        (&many, "name 1 to 32 fields to add, rename and remove, not 33".into()),
        (r#"{"add":{"a":{}}}"#, "add.a: expected a text, a number, a boolean or null, not an object".into()),
        (r#"{"add":{"a..b":1}}"#, "add: a path has at least one key, and no key is empty".into()),
        (
            r#"{"add":5}"#,
            "add: expected fields and their values such as {cluster: eu-1}, or a list of {field, value}, not 5".into(),
        ),
        (r#"{"rename":[{"from":"a"}]}"#, "rename[0]: missing field `to`".into()),
        (
            r#"{"rename":[{"from":"a","to":"b"},{"from":"b","to":"c"}]}"#,
            format!("rename[1]: b is also in what rename[0] is about, b; {both}"),
        ),
        (r#"{"add":{"a.b":1},"remove":["a"]}"#, format!("remove[0]: a is also in what add[0] is about, a.b; {both}")),
        (
            r#"{"rename":[{"from":"a","to":"x"},{"from":"a.b","to":"y"}]}"#,
            format!("rename[1]: a.b is also in what rename[0] is about, a; {both}"),
        ),
        (
            r#"{"rename":[{"from":"a","to":"x"}],"remove":["a.b"]}"#,
            format!("remove[0]: a.b is also in what rename[0] is about, a; {both}"),
        ),
        (
            r#"{"rename":[{"from":"a","to":"a.b"}]}"#,
            format!("rename[0]: a is also in what rename[0] is about, a.b; {both}"),
        ),
        (
            r#"{"renames":[]}"#,
            "unknown field `renames`, expected one of `add`, `rename`, `remove`, `on_conflict`".into(),
        ),
    ] {
        let error = configure_enricher::<StaticFields>(options).err();
        assert_eq!(error.as_deref(), Some(expect.as_str()), "{options}");
    }
}
