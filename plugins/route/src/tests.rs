//! The plugin as the host meets it.
use super::*;
use sluice_plugin::testing::configure_enricher;

fn routed(options: &str, record: &str) -> String {
    configure_enricher::<Route>(options).unwrap().enriched(&[record, record]).remove(1)["@metadata"].to_string()
}

#[test]
fn the_first_route_that_holds_counts() {
    let topics = r#"{"routes":[
        {"when":{"namespace":"payments"},"topic":"payments"},
        {"when":{"field":"log.audit","equals":true},"topic":"audit"},
        {"when":{"namespace":"shop-*"},"topic":"shop"}]}"#;
    let record = |namespace: &str, audit: bool| {
        format!(r#"{{"log":{{"audit":{audit}}},"kubernetes":{{"namespace_name":"{namespace}"}}}}"#)
    };
    for (namespace, audit, expect) in [
        ("payments", true, r#"{"topic":"payments"}"#),
        ("shop-a", true, r#"{"topic":"audit"}"#),
        ("shop-a", false, r#"{"topic":"shop"}"#),
        ("other", false, "null"),
    ] {
        assert_eq!(routed(topics, &record(namespace, audit)), expect, "{namespace} {audit}");
    }
    let rest = topics.replace("]}", r#",{"topic":"rest"}]}"#);
    assert_eq!(routed(&rest, &record("other", false)), r#"{"topic":"rest"}"#);
    let indexes = topics.replace("\"topic\"", "\"index\"");
    assert_eq!(routed(&indexes, &record("payments", false)), r#"{"index":"payments"}"#);
}

#[test]
fn errors_say_what_to_write() {
    for (options, expect) in [
        ("{}", "missing field `routes`"),
        (r#"{"routes":[]}"#, "routes: name at least one, as in {when: {namespace: shop}, topic: shop}"),
        (r#"{"routes":[{"when":{"pod":"x"}}]}"#, "routes[0]: name a topic or an index"),
        (
            r#"{"routes":[{"topic":"a","index":"b"}]}"#,
            "routes[0]: name a topic or an index, not both: a pipeline has one sink",
        ),
        (
            r#"{"routes":[{"topic":"a"},{"when":{"pod":"x"},"topic":"b"}]}"#,
            "routes[0]: holds for all records, so those behind it never would; name `when`, or put it last",
        ),
        (r#"{"routes":[{"topic":""}]}"#, "routes[0].topic: is empty; name a topic"),
        (
            r#"{"routes":[{"when":{"field":"a"},"topic":"b"}]}"#,
            "routes[0].when: field: say what it must be with equals, in, contains, starts_with, ends_with, pattern or \
             exists",
        ),
    ] {
        assert_eq!(configure_enricher::<Route>(options).err().as_deref(), Some(expect), "{options}");
    }
}
