//! The plugin as the host meets it.
use super::*;
use sluice_plugin::testing::configure;

const RECORD: &str = r#"{"log":"{\"level\":\"DEBUG\",\"status\":404,\"path\":\"/healthz\"}","stream":"stderr",
    "kubernetes":{"namespace_name":"kube-system","pod_name":"dns-0","container_name":"dns","host":"node-1",
    "labels":{"app.kubernetes.io/name":"dns","tier":"infra"}}}"#;

#[test]
fn rules_say_what_goes() {
    for (rule, holds) in [
        // Origin.
        (r#"{"namespace":"kube-system"}"#, true),
        (r#"{"namespace":"kube-*"}"#, true),
        (r#"{"namespace":["shop","kube-*"]}"#, true),
        (r#"{"namespace":"shop"}"#, false),
        (r#"{"pod":"dns-*","container":"dns","host":"node-1"}"#, true),
        (r#"{"pod":"dns-*","container":"other"}"#, false),
        (r#"{"labels":{"app.kubernetes.io/name":"dns"}}"#, true),
        (r#"{"labels":{"app.kubernetes.io/name":"dns","tier":["web","infra"]}}"#, true),
        (r#"{"labels":{"app.kubernetes.io/name":"dns","tier":"web"}}"#, false),
        (r#"{"labels":{"absent":"*"}}"#, false),
        // A field.
        (r#"{"field":"stream","equals":"stderr"}"#, true),
        (r#"{"field":"stream","equals":"stdout"}"#, false),
        (r#"{"field":"stream","in":["stdout","stderr"]}"#, true),
        (r#"{"field":"log.level","equals":"debug"}"#, false),
        (r#"{"field":"log.level","equals":"debug","ignore_case":true}"#, true),
        (r#"{"field":"log.status","in":[404,405]}"#, true),
        (r#"{"field":"log.status","pattern":"^[45]\\d\\d$"}"#, true),
        (r#"{"field":["log","path"],"starts_with":"/health"}"#, true),
        (r#"{"field":"log.path","ends_with":["y","z"]}"#, true),
        (r#"{"field":"log","contains":"/healthz"}"#, true),
        (r#"{"field":"log","contains":"/ready"}"#, false),
        (r#"{"field":"log","pattern":["ready","health[zs]"]}"#, true),
        (r#"{"field":"log","pattern":"HEALTH"}"#, false),
        (r#"{"field":"log","pattern":"HEALTH","ignore_case":true}"#, true),
        (r#"{"field":"log.user","exists":false}"#, true),
        (r#"{"field":"log.user","exists":true}"#, false),
        (r#"{"field":"log.user","equals":""}"#, false),
        // All that is named has to hold.
        (r#"{"field":"log.path","starts_with":"/","ends_with":"z"}"#, true),
        (r#"{"field":"log.path","starts_with":"/","ends_with":"x"}"#, false),
        (r#"{"namespace":"shop","field":"stream","equals":"stderr"}"#, false),
        // Rules of rules.
        (r#"{"any":[{"namespace":"shop"},{"field":"log.status","equals":404}]}"#, true),
        (r#"{"all":[{"namespace":"shop"},{"field":"log.status","equals":404}]}"#, false),
        (r#"{"all":[{"pod":"dns-0"},{"field":"log.status","equals":404}]}"#, true),
        (r#"{"none":[{"namespace":"shop"},{"pod":"x"}]}"#, true),
        (r#"{"namespace":"kube-*","none":[{"container":"dns"}]}"#, false),
        (r#"{"any":[{"all":[{"pod":"x"}]},{"none":[{"any":[{"pod":"x"}]}]}]}"#, true),
    ] {
        let drop = configure::<Match>(&format!(r#"{{"drop":[{rule}]}}"#)).unwrap();
        assert_eq!(drop.kept(&[RECORD]).is_empty(), holds, "{rule}");
        let keep = configure::<Match>(&format!(r#"{{"keep":[{rule}]}}"#)).unwrap();
        assert_eq!(keep.kept(&[RECORD]).len() == 1, holds, "{rule}");
    }
}

#[test]
fn one_rule_of_a_list_is_enough_and_drop_wins() {
    let records = [r#"{"a":"1"}"#, r#"{"a":"2"}"#, r#"{"a":"3"}"#, "{}"];
    let is = |value: u8| format!(r#"{{"field":"a","equals":{value}}}"#);
    for (options, kept) in [
        (format!(r#"{{"drop":[{},{}]}}"#, is(1), is(3)), vec![1, 3]),
        (format!(r#"{{"keep":[{},{}]}}"#, is(1), is(3)), vec![0, 2]),
        (format!(r#"{{"keep":[{},{}],"drop":[{}]}}"#, is(1), is(3), is(1)), vec![2]),
    ] {
        assert_eq!(configure::<Match>(&options).unwrap().kept(&records), kept, "{options}");
    }
}

#[test]
fn errors_say_what_to_write() {
    let deep = format!(r#"{{"drop":[{}{{"pod":"x"}}{}]}}"#, r#"{"all":["#.repeat(9), "]}".repeat(9));
    let deep_error = format!("drop[0].{}rules lie in rules at most 8 deep", "all[0].".repeat(8) + "all[0]: ");
    for (options, expect) in [
        ("{}", "name rules: `drop` for what goes, or `keep` for all that stays"),
        (r#"{"drop":[]}"#, "drop: name at least one rule"),
        (r#"{"drop":[{}]}"#, "drop[0]: is empty; name a field, a namespace, pod, container, host or labels"),
        (r#"{"drop":[{"pod":[]}]}"#, "drop[0].pod: name at least one text"),
        (r#"{"drop":[{"pod":{}}]}"#, "drop[0].pod: expected a text or a list of texts, not an object"),
        (r#"{"drop":[{"pod":[[]]}]}"#, "drop[0].pod[0]: expected a text, a whole number or a boolean, not a list"),
        (r#"{"drop":["x"]}"#, r#"drop[0]: expected a rule such as {field: log, contains: healthz}, not "x""#),
        (
            r#"{"drop":[{"pod":"x"},{"equals":"x"}]}"#,
            "drop[1]: name the field that is to be compared, as in field: log",
        ),
        (
            r#"{"drop":[{"field":"x"}]}"#,
            "drop[0].field: say what it must be with equals, in, contains, starts_with, ends_with, pattern or exists",
        ),
        (
            r#"{"keep":[{"any":[{"field":"x","pattern":"("}]}]}"#,
            "keep[0].any[0].pattern: a ( is not closed; write \\( for the character",
        ),
        (r#"{"drop":[{"any":[]}]}"#, "drop[0].any: name at least one rule"),
        (
            r#"{"drop":[{"namespaces":"x"}]}"#,
            "drop[0]: unknown field `namespaces`, expected one of `field`, `equals`, `in`, `contains`, `starts_with`, \
             `ends_with`, `pattern`, `exists`, `ignore_case`, `namespace`, `pod`, `container`, `host`, `labels`, `all`, \
             `any`, `none`",
        ),
        (&deep, &deep_error),
    ] {
        assert_eq!(configure::<Match>(options).err().as_deref(), Some(expect), "{options}");
    }
}
