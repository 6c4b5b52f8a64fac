//! The plugin as the host meets it.
use super::*;
use sluice_plugin::testing::configure_enricher;

fn check(options: &str, record: &str, expect: &str) {
    let plugin = configure_enricher::<JsonPromote>(options).unwrap();
    let enriched = plugin.enriched(&[record, record]).remove(1).to_string();
    // Read as well, so that the order of keys does not matter.
    let expect = configure_enricher::<JsonPromote>(r#"{"fields":["x"]}"#).unwrap().enriched(&[expect]).remove(0);
    assert_eq!(enriched, expect.to_string(), "{options} {record}");
}

#[test]
fn values_keep_their_types() {
    let options = r#"{"fields":["a"]}"#;
    for (inner, expect) in [
        (r#"{\"a\":\"x\"}"#, r#""x""#),
        (r#"{\"a\":\"5\"}"#, r#""5""#),
        (r#"{\"a\":5}"#, "5"),
        (r#"{\"a\":-1.5}"#, "-1.5"),
        (r#"{\"a\":true}"#, "true"),
        (r#"{\"a\":null}"#, "null"),
        (r#"{\"a\":{\"b\":[1,{\"c\":2}]}}"#, r#"{"b":[1,{"c":2}]}"#),
        (r#"{\"a\":[\"x\",{}]}"#, r#"["x",{}]"#),
        (r#"{\"a\":\"q\\\"ü\\n\"}"#, r#""q\"ü\n""#),
    ] {
        check(options, &format!(r#"{{"log":"{inner}"}}"#), &format!(r#"{{"log":"{inner}","a":{expect}}}"#));
    }
}

#[test]
fn records_without_the_field_stay() {
    for record in [r#"{"log":"plain"}"#, r#"{"log":"{\"b\":1}"}"#, r#"{"log":5}"#, r#"{"a":1}"#, "{}"] {
        check(r#"{"fields":["a"],"remove_source":true}"#, record, record);
    }
}

#[test]
fn options() {
    let log = r#""log":"{\"a\":1,\"b\":{\"c\":2},\"d.e\":3,\"f\":{\"g.h\":[{\"i.j\":\"k.l\"}]}}""#;
    for (options, own, expect) in [
        // Where to.
        (r#"{"fields":["a","b.c"]}"#, "", r#","a":1,"b":{"c":2}"#),
        (r#"{"fields":[["b","c"],["d.e"]]}"#, "", r#","b":{"c":2},"d.e":3"#),
        (r#"{"fields":[{"from":"b.c","to":"x"}]}"#, "", r#","x":2"#),
        (r#"{"fields":[{"from":"b.c","to":["x.y","z"]}]}"#, "", r#","x.y":{"z":2}"#),
        (r#"{"fields":["a","b.c"],"prefix":"app"}"#, "", r#","app":{"a":1,"b":{"c":2}}"#),
        (r#"{"fields":["a"],"prefix":"app.json"}"#, r#","app":{"own":0}"#, r#","app":{"own":0,"json":{"a":1}}"#),
        // Dots in keys, also within what is lifted.
        (r#"{"fields":[["d.e"],"f"],"de_dot":"_"}"#, "", r#","d_e":3,"f":{"g_h":[{"i_j":"k.l"}]}"#),
        (r#"{"fields":["b.c"],"de_dot":"_"}"#, "", r#","b":{"c":2}"#),
        // The record's own field.
        (r#"{"fields":["a"]}"#, r#","a":"own""#, r#","a":"own""#),
        (r#"{"fields":["a"]}"#, r#","a":null"#, r#","a":null"#),
        (r#"{"fields":["a"],"on_conflict":"replace"}"#, r#","a":"own""#, r#","a":1"#),
        (r#"{"fields":["b.c"]}"#, r#","b":{"c":0,"d":0}"#, r#","b":{"c":0,"d":0}"#),
        (r#"{"fields":["b.c"],"on_conflict":"replace"}"#, r#","b":{"c":0,"d":0}"#, r#","b":{"c":2,"d":0}"#),
        // Of several that go to one place, the first that is there; the last if it replaces.
        (r#"{"fields":[{"from":"no","to":"x"},{"from":"a","to":"x"},{"from":"b.c","to":"x"}]}"#, "", r#","x":1"#),
        (r#"{"fields":[{"from":"a","to":"x"},{"from":"b.c","to":"x"}],"on_conflict":"replace"}"#, "", r#","x":2"#),
    ] {
        check(options, &format!("{{{log}{own}}}"), &format!("{{{log}{expect}}}"));
    }
}

#[test]
fn the_source() {
    for (options, record, expect) in [
        (r#"{"fields":["a"],"source":"message"}"#, r#"{"message":"{\"a\":1}"}"#, r#"{"message":"{\"a\":1}","a":1}"#),
        (r#"{"fields":["a"]}"#, r#"{"log":{"a":1}}"#, r#"{"log":{"a":1},"a":1}"#),
        (r#"{"fields":["a"],"remove_source":true}"#, r#"{"log":"{\"a\":1,\"b\":2}"}"#, r#"{"a":1}"#),
        (
            r#"{"fields":["a",{"from":"msg","to":"log"}],"on_conflict":"replace","remove_source":true}"#,
            r#"{"log":"{\"a\":1,\"msg\":\"x\"}"}"#,
            r#"{"a":1,"log":"x"}"#,
        ),
        // The source goes, and so is in nobody's way.
        (
            r#"{"fields":["a",{"from":"msg","to":"log"}],"remove_source":true}"#,
            r#"{"log":"{\"a\":1,\"msg\":\"x\"}"}"#,
            r#"{"a":1,"log":"x"}"#,
        ),
        (
            r#"{"fields":[{"from":"msg","to":"log"},{"from":"a","to":"log"}],"remove_source":true}"#,
            r#"{"log":"{\"a\":1,\"msg\":\"x\"}"}"#,
            r#"{"log":"x"}"#,
        ),
        (
            r#"{"fields":["a",{"from":"msg","to":"log"}]}"#,
            r#"{"log":"{\"a\":1,\"msg\":\"x\"}"}"#,
            r#"{"log":"{\"a\":1,\"msg\":\"x\"}","a":1}"#,
        ),
    ] {
        check(options, record, expect);
    }
}

#[test]
fn errors_say_what_to_write() {
    let many = format!(r#"{{"fields":[{}]}}"#, vec![r#""a""#; 33].join(","));
    for (options, expect) in [
        ("{}", "missing field `fields`"),
        (r#"{"fields":[]}"#, "fields: name 1 to 32 fields to lift, not 0"),
        (&many, "fields: name 1 to 32 fields to lift, not 33"),
        (r#"{"fields":["a",5]}"#, "fields[1]: expected a path such as \"level\", a list of keys, or {from, to}, not 5"),
        (r#"{"fields":["a."]}"#, "fields[0]: a path has at least one key, and no key is empty"),
        (r#"{"fields":[{"from":"a"}]}"#, "fields[0]: missing field `to`"),
        (
            r#"{"fields":["a",{"from":"log.level","to":"log.level"}]}"#,
            "fields[1]: log.level cannot be set, since log is the text that it comes from; \
             say where to with `to` or `prefix`",
        ),
        (
            r#"{"fields":["a"],"de_dot":"."}"#,
            "de_dot: what stands for a dot is without dots, quotes, backslashes and control characters; write \"_\"",
        ),
        (
            r#"{"fields":["a"],"on_conflict":"merge"}"#,
            "on_conflict: unknown variant `merge`, expected `keep` or `replace`",
        ),
    ] {
        let error = configure_enricher::<JsonPromote>(options).err();
        assert_eq!(error.as_deref(), Some(expect), "{options}");
    }
}
