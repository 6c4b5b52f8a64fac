//! The plugin as the host meets it.
use super::*;
use sluice_plugin::Severity;
use sluice_plugin::testing::{Raised, configure_notifier};

fn alerts(options: &str, records: &[&str]) -> Vec<Raised> {
    configure_notifier::<ExceptionNotifier>(options).unwrap().alerts(records)
}

#[test]
fn exactly_the_records_of_the_article_raise_alerts() {
    for (record, expect) in [
        (r#"{"log":"java.lang.NullPointerException: x"}"#, true),
        (r#"{"log":"EXCEPTION"}"#, true),
        (r#"{"log":"an eXcEpTiOn\n"}"#, true),
        (r#"{"log":"{\"msg\":\"exception\"}"}"#, true),
        (r#"{"log":"\u0065xception"}"#, true),
        (r#"{"log":"exceptional service"}"#, true),
        (r#"{"log":"ééé exception"}"#, true),
        (r#"{"log":"excep tion, except ion, xception"}"#, false),
        (r#"{"log":"exceptİon"}"#, false),
        (r#"{"log":""}"#, false),
        (r#"{"log":"fine"}"#, false),
        // Another field, no field, no text.
        (r#"{"message":"exception"}"#, false),
        (r#"{"log":"x","kubernetes":{"container_name":"exception"}}"#, false),
        (r#"{}"#, false),
        (r#"{"log":null}"#, false),
        (r#"{"log":5}"#, false),
        (r#"{"log":{"msg":"exception"}}"#, false),
        (r#"{"log":["exception"]}"#, false),
    ] {
        let others = [r#"{"log":"excepti"}"#, record, r#"{"log":"on exception"}"#];
        let items: Vec<_> = alerts("{}", &others).iter().map(|alert| alert.item).collect();
        let expect = if expect { vec![Some(1), Some(2)] } else { vec![Some(2)] };
        assert_eq!(items, expect, "{record}");
    }
}

#[test]
fn the_alert_is_that_of_the_article() {
    let record = r#"{"log":"an exception","kubernetes":{"container_name":"app","namespace_name":"shop",
        "pod_name":"cart-0","host":"node-1"}}"#;
    let alert = &alerts("{}", &[record])[0];
    let expect = "Found problem in log\nContainer: app\nNamespace: shop \nPod: cart-0 \nHost: node-1";
    assert_eq!((alert.text.as_str(), alert.color.as_str(), alert.title.as_str()), (expect, "#00FF00", ""));
    assert_eq!((alert.severity, alert.details.len()), (Severity::Error, 0));
    let alert = &alerts("{}", &[r#"{"log":"exception","kubernetes":{"pod_name":null,"host":""}}"#])[0];
    let expect = "Found problem in log\nContainer: unknown\nNamespace: unknown \nPod: unknown \nHost: unknown";
    assert_eq!(alert.text, expect);
}

#[test]
fn options() {
    for (options, record, expect) in [
        (r#"{"field":"message"}"#, r#"{"log":"exception"}"#, 0),
        (r#"{"field":"message"}"#, r#"{"message":"exception"}"#, 1),
        (r#"{"field":["a.b","c"]}"#, r#"{"a.b":{"c":"exception"}}"#, 1),
        (r#"{"patterns":["panic:","OOMKilled"]}"#, r#"{"log":"exception"}"#, 0),
        (r#"{"patterns":["panic:","OOMKilled"]}"#, r#"{"log":"goroutine PANIC: x"}"#, 1),
        (r#"{"patterns":["panic:","OOMKilled"]}"#, r#"{"log":"oomkilled, then panic:"}"#, 1),
    ] {
        assert_eq!(alerts(options, &[record]).len(), expect, "{options} {record}");
    }
    let color = &alerts(r##"{"color":"#ff0000"}"##, &[r#"{"log":"exception"}"#])[0].color;
    assert_eq!(color, "#ff0000");
}

/// Records of two pods of one container, and of another one.
const SEEN: [&str; 5] = [
    r#"{"log":"aException 1","kubernetes":{"namespace_name":"shop","container_name":"cart","pod_name":"cart-0"}}"#,
    r#"{"log":"aException 2","kubernetes":{"namespace_name":"shop","container_name":"cart","pod_name":"cart-1"}}"#,
    r#"{"log":"bException 3","kubernetes":{"namespace_name":"shop","container_name":"cart","pod_name":"cart-1"}}"#,
    r#"{"log":"aException 4","kubernetes":{"namespace_name":"shop","container_name":"order","pod_name":"order-0"}}"#,
    r#"{"log":"aException 5","kubernetes":{"namespace_name":"shop","container_name":"cart","pod_name":"cart-2"}}"#,
];

#[test]
fn modes_say_which_sightings_count() {
    for (options, expect, note) in [
        (r#"{"mode":"plain"}"#, vec![0, 1, 2, 3, 4], "Host: unknown"),
        (r#"{"mode":"first_seen"}"#, vec![0, 2, 3], "First seen within 24h"),
        (r#"{"mode":"first_seen","within":"90s"}"#, vec![0, 2, 3], "First seen within 90s"),
        (r#"{"mode":"burst","more_than":1}"#, vec![1], "More than 1 times within 5m"),
        (r#"{"mode":"burst","more_than":2}"#, vec![4], "More than 2 times within 5m"),
        (r#"{"mode":"burst"}"#, vec![], ""),
    ] {
        let raised = alerts(options, &SEEN);
        let items: Vec<_> = raised.iter().map(|alert| alert.item.unwrap()).collect();
        assert_eq!(items, expect, "{options}");
        assert!(raised.iter().all(|alert| alert.text.ends_with(note)), "{options}: {:?}", raised[0].text);
    }
}

#[test]
fn what_was_seen_is_remembered_from_batch_to_batch() {
    let mut plugin = configure_notifier::<ExceptionNotifier>(r#"{"mode":"first_seen"}"#).unwrap();
    assert_eq!(plugin.alerts(&SEEN).len(), 3);
    assert_eq!(plugin.tick(u64::MAX).len(), 0);
    assert_eq!(plugin.alerts(&SEEN).len(), 0);
}

#[test]
fn quotes_are_cut_where_the_exception_is_seen() {
    for (quote, log, expect) in [
        (100, "a line\\nan exception\\n", "a line\nan exception"),
        (13, "ééé exception, and more", "ééé exception"),
        (11, "ééé exception, and more", "exception,"),
        (13, "a line\\nb exception: x", "b exception:"),
        (10, "a line\\nb exception: x", "exception:"),
        (4, "an exception", "exce"),
    ] {
        let alert = &alerts(&format!(r#"{{"quote":{quote}}}"#), &[&format!(r#"{{"log":"{log}"}}"#)])[0];
        let (_, quoted) = alert.text.split_once("Host: unknown\n").unwrap();
        assert_eq!(quoted, expect, "{quote} {log}");
    }
    let long = format!(r#"{{"log":"exception {}"}}"#, "😀".repeat(5_000));
    assert!(alerts(r#"{"quote":1500}"#, &[&long])[0].text.len() < 8_192);
}

/// However a line is made, its alert comes, and soon: a plugin that takes too long is stopped, and its alert is lost.
#[test]
fn no_text_is_dear() {
    for piece in
        ["1.", "1:", "1-", "::", "'", "' ", "\\\"", "a1-", "deadbeef:", "exception ", "Exception: 1.1.1.", " ", "é"]
    {
        for (head, tail) in [("Exception: ", ""), ("", " Exception"), ("{\\\"exception\\\":\\\"", "")] {
            let log = piece.repeat((256 << 10) / piece.len()).replace('\\', "\\\\").replace('"', "\\\"");
            let record = format!(r#"{{"log":"{head}{log}{tail}"}}"#);
            let started = std::time::Instant::now();
            assert_eq!(alerts(r#"{"quote":1500}"#, &[&record]).len(), 1, "{head}{piece}{tail}");
            assert!(started.elapsed().as_millis() < 1_000, "{head}{piece}{tail}: {:?}", started.elapsed());
        }
    }
}

#[test]
fn errors_say_what_to_write() {
    for (options, expect) in [
        (r#"{"patterns":[]}"#, "patterns: name at least one word to look for"),
        (r#"{"patterns":["a",""]}"#, "patterns[1]: an empty text is in every record; write the word to look for"),
        (r#"{"quote":5000}"#, "quote: at most 1500 characters of a record are quoted"),
        (r#"{"quote":-1}"#, "quote: expected usize, not -1"),
        (r#"{"color":"green"}"#, "color: expected one such as #00FF00, not \"green\""),
        (r#"{"field":""}"#, "field: a path has at least one key, and no key is empty"),
        (
            r#"{"pattern":"x"}"#,
            "unknown field `pattern`, expected one of `field`, `patterns`, `quote`, `color`, \
          `mode`, `within`, `more_than`",
        ),
        (r#"{"mode":"rare"}"#, "mode: unknown variant `rare`, expected one of `plain`, `first_seen`, `burst`"),
        (r#"{"within":"5m"}"#, "within: is of the modes first_seen and burst; write one of them, or leave it out"),
        (r#"{"mode":"first_seen","more_than":5}"#, "more_than: is of mode burst; write mode: burst, or leave it out"),
        (r#"{"mode":"burst","within":"soon"}"#, "within: expected a time such as 90s, 5m, 24h or 7d, not \"soon\""),
        (r#"{"mode":"burst","more_than":0}"#, "more_than: expected 1 to 1000, not 0"),
        (r#"{"mode":"burst","more_than":1001}"#, "more_than: expected 1 to 1000, not 1001"),
    ] {
        let error = configure_notifier::<ExceptionNotifier>(options).err();
        assert_eq!(error.as_deref(), Some(expect), "{options}");
    }
}
