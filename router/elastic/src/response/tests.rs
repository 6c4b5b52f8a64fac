use proptest::prelude::*;

use super::*;

fn items(items: &[&str]) -> Vec<u8> {
    format!(r#"{{"took":3,"errors":true,"items":[{}]}}"#, items.join(",")).into_bytes()
}

fn item(status: u16, kind: &str) -> String {
    format!(
        r#"{{"create":{{"_index":"logs","status":{status},"error":{{"type":"{kind}","reason":"field [secret]"}}}}}}"#
    )
}

fn block(status: u16, reason: &str) -> String {
    item(status, "cluster_block_exception").replace("field [secret]", reason)
}

#[derive(Debug, PartialEq)]
enum Fate {
    New,
    Repeated,
    Again,
    Rejected,
}

fn fate(item: &str) -> Fate {
    match read(200, &items(&[item]), 1) {
        Answer::Items(outcomes) => match &outcomes[..] {
            [Outcome::Delivered { repeated: false }] => Fate::New,
            [Outcome::Delivered { repeated: true }] => Fate::Repeated,
            [Outcome::Again(_)] => Fate::Again,
            [Outcome::Rejected(_)] => Fate::Rejected,
            other => panic!("{other:?}"),
        },
        other => panic!("{item}: {other:?}"),
    }
}

#[test]
fn each_document_has_its_own_fate() {
    for (item, expected) in [
        (r#"{"create":{"status":201}}"#.to_owned(), Fate::New),
        (r#"{"create":{"_id":"x","result":"created","status":200,"_shards":{"failed":1}}}"#.to_owned(), Fate::New),
        (r#"{"create":{"status":409}}"#.to_owned(), Fate::Repeated),
        (item(409, "version_conflict_engine_exception"), Fate::Repeated),
        (item(409, "document_already_exists_exception"), Fate::Repeated),
        (item(409, "index_primary_shard_not_allocated_exception"), Fate::Again),
        // A success with an error is asked again; if the document is there, the next answer says so.
        (item(201, "strange"), Fate::Again),
        (item(429, "es_rejected_execution_exception"), Fate::Again),
        (item(429, "rejected_execution_exception"), Fate::Again),
        (item(429, "circuit_breaking_exception"), Fate::Again),
        (item(500, "null_pointer_exception"), Fate::Again),
        (item(503, "unavailable_shards_exception"), Fate::Again),
        (item(408, "timeout"), Fate::Again),
        (item(302, "strange"), Fate::Again),
        (item(0, "strange"), Fate::Again),
        // Statuses of 4xx that are not about the document.
        (item(401, "security_exception"), Fate::Again),
        (item(403, "security_exception"), Fate::Again),
        (item(403, "cluster_block_exception"), Fate::Again),
        (block(403, "blocked by: [FORBIDDEN/6/cluster read-only (api)];"), Fate::Again),
        (block(429, "index [a] blocked by: [TOO_MANY_REQUESTS/12/disk usage exceeded flood-stage];"), Fate::Again),
        (block(403, "index [a] blocked by: [FORBIDDEN/12/index read-only / allow delete (api)];"), Fate::Again),
        (item(403, "index_create_block_exception"), Fate::Again),
        (item(404, "index_not_found_exception"), Fate::Again),
        (item(400, "invalid_index_name_exception"), Fate::Again),
        (item(400, "validation_exception"), Fate::Again),
        // This document, for ever.
        (item(400, "document_parsing_exception"), Fate::Rejected),
        (item(400, "mapper_parsing_exception"), Fate::Rejected),
        (item(400, "illegal_argument_exception"), Fate::Rejected),
        (item(400, "index_closed_exception"), Fate::Rejected),
        (item(403, "strange"), Fate::Rejected),
        // An index that was made read-only on purpose: this document is late for ever.
        (block(403, "index [logs-12] blocked by: [FORBIDDEN/8/index write (api)];"), Fate::Rejected),
        (block(403, "index [a] blocked by: [FORBIDDEN/5/index read-only (api)];"), Fate::Rejected),
        (item(413, "too_long"), Fate::Rejected),
        (r#"{"create":{"status":400}}"#.to_owned(), Fate::Rejected),
    ] {
        assert_eq!(fate(&item), expected, "{item}");
    }
}

#[test]
fn a_refusal_says_why_to_the_dead_letter_only() {
    let causes = r#"{"create":{"status":400,"error":{"type":"document_parsing_exception","reason":"field [a]","caused_by":{"type":"number_format_exception","reason":"For input string: \"secret\""}}}}"#;
    for (item, kind, detail) in [
        (
            causes.to_owned(),
            "document_parsing_exception",
            "document_parsing_exception: field [a]; caused by number_format_exception: For input string: \"secret\"",
        ),
        (r#"{"create":{"status":400,"error":"old secret"}}"#.into(), "other", "old secret"),
        (r#"{"create":{"status":400,"error":{"type":"Secret Type"}}}"#.into(), "other", "Secret Type"),
        (r#"{"create":{"status":400,"error":{"type":["secret"],"reason":7}}}"#.into(), "other", ""),
        (r#"{"create":{"status":400}}"#.into(), "other", ""),
    ] {
        let Answer::Items(outcomes) = read(200, &items(&[&item]), 1) else { panic!("{item}") };
        let [Outcome::Rejected(refusal)] = &outcomes[..] else { panic!("{outcomes:?}") };
        assert_eq!((refusal.kind.as_str(), refusal.detail.as_str()), (kind, detail), "{item}");
        assert!(!refusal.describe().to_lowercase().contains("secret"), "{}", refusal.describe());
    }
    let long = item(400, "a").replace("field", &"é".repeat(5000));
    let Answer::Items(outcomes) = read(200, &items(&[&long]), 1) else { panic!("{long}") };
    assert!(matches!(&outcomes[..], [Outcome::Rejected(refusal)] if refusal.detail.len() <= DETAIL));
}

#[test]
fn whole_requests() {
    let ok = r#"{"create":{"status":201}}"#;
    let error = r#"{"error":{"type":"parse_exception","reason":"secret"},"status":400}"#;
    let again = |text: &str| Err(text.to_owned());
    for (status, body, count, expected) in [
        (200, items(&[ok, ok]), 2, Ok(2)),
        (200, items(&[]), 0, Ok(0)),
        (200, items(&[ok]), 2, again("another number of documents")),
        (200, items(&[ok, ok]), 1, again("another number of documents")),
        (200, items(&[r#"{"index":{"status":201}}"#]), 1, again("not a bulk response")),
        (200, items(&[r#"{"create":{"status":201},"index":{"status":201}}"#]), 1, again("not a bulk response")),
        (200, items(&[r#"{"create":{"status":201,"status":400}}"#]), 1, again("not a bulk response")),
        (200, items(&[r#"{"create":{"status":"201"}}"#]), 1, again("not a bulk response")),
        (200, items(&[r#"{"create":{}}"#]), 1, again("not a bulk response")),
        (200, items(&[r#"{"create":201}"#]), 1, again("not a bulk response")),
        (200, items(&["201"]), 1, again("not a bulk response")),
        (200, br#"{"errors":false}"#.to_vec(), 1, again("not a bulk response (16 bytes of broken or other json)")),
        (200, items(&[ok])[..30].to_vec(), 1, again("not a bulk response (30 bytes of broken or other json)")),
        (200, [items(&[ok]), b"x".to_vec()].concat(), 1, again("not a bulk response")),
        (200, b"".to_vec(), 1, again("not a bulk response (an empty body)")),
        (200, b" <html>\n<b>Login".to_vec(), 1, again("not a bulk response (first bytes: <html> <b>Login)")),
        (200, b"echo: {\"log\":\"secret\"}".to_vec(), 1, again("(first bytes: echo:)")),
        (200, b"\xff\x00text".to_vec(), 1, again("(first bytes:   text)")),
        (413, b"".to_vec(), 2, Ok(usize::MAX)),
        (401, b"".to_vec(), 1, again("refuses with 401 an empty body: check auth")),
        (403, error.into(), 1, again("refuses with 403 parse_exception: check auth")),
        (429, error.into(), 1, again("cannot take a bulk now: 429 parse_exception")),
        (408, b"".to_vec(), 1, again("cannot take a bulk now: 408")),
        (503, b"<h1>503".to_vec(), 1, again("cannot take a bulk now: 503 first bytes: <h1>503")),
        (400, b"".to_vec(), 1, again("refuses the request with 400 an empty body; check the host's address")),
        (400, br#"{"error":"no handler found for secret"}"#.to_vec(), 1, again("refuses the request with 400 other")),
        (400, error.replace("parse", "security").into(), 1, again("refuses the request with 400 security_exception")),
        (404, b"".to_vec(), 1, again("refuses the request with 404")),
        (302, b"".to_vec(), 1, again("refuses the request with 302")),
        (101, b"".to_vec(), 1, again("refuses the request with 101")),
    ] {
        let shown = String::from_utf8_lossy(&body).into_owned();
        match (read(status, &body, count), expected) {
            (Answer::Items(outcomes), Ok(count)) => assert_eq!(outcomes.len(), count, "{status} {shown}"),
            (Answer::TooLarge, Ok(usize::MAX)) => {}
            (Answer::Again(text), Err(part)) => {
                assert!(text.contains(&part), "{status} {shown}: {text}");
                assert!(!text.contains("secret"), "{text}");
            }
            (answer, _) => panic!("{status} {shown}: {answer:?}"),
        }
    }
}

/// What an index says of a whole request may be for one of its documents; it is told like the refusal of that document.
#[test]
fn a_whole_request_refused_for_what_is_in_it() {
    let body = br#"{"error":{"root_cause":[],"type":"action_request_validation_exception","reason":"1: id is too long"},"status":400}"#;
    let Answer::Refused(refusal) = read(400, body, 3) else { panic!("{:?}", read(400, body, 3)) };
    assert_eq!((refusal.status, &*refusal.kind), (400, "action_request_validation_exception"));
    assert_eq!(refusal.detail, "action_request_validation_exception: 1: id is too long");
    assert!(!refusal.describe_whole().contains("too long"), "{}", refusal.describe_whole());
}

/// An item of an answer, sound or not, and whether it says by itself that the document is there.
fn any_item() -> impl Strategy<Value = (String, bool)> {
    let status = prop_oneof![Just(200u16), Just(201), Just(409), Just(400), Just(429), Just(503), any::<u16>()];
    let error = prop_oneof![
        Just(""),
        Just(r#","error":{"type":"version_conflict_engine_exception"}"#),
        Just(r#","error":{"type":"document_parsing_exception","reason":"x"}"#),
        Just(r#","error":null"#),
        Just(r#","error":[]"#),
    ];
    (prop_oneof![9 => Just("create"), 1 => Just("index")], status, error).prop_map(|(name, status, error)| {
        (format!(r#"{{"{name}":{{"status":{status}{error}}}}}"#), matches!(status, 200..=299 | 409))
    })
}

proptest! {
    #[test]
    fn no_document_is_delivered_without_its_own_word(
        answer in prop::collection::vec(any_item(), 0..6), count in 0usize..6, cut in prop::option::of(0usize..200),
        status in prop_oneof![Just(200u16), any::<u16>()],
    ) {
        let texts: Vec<_> = answer.iter().map(|(text, _)| text.as_str()).collect();
        let mut body = items(&texts);
        body.truncate(cut.unwrap_or(usize::MAX));
        if let Answer::Items(outcomes) = read(status, &body, count) {
            prop_assert_eq!(outcomes.len(), count);
            prop_assert!((200..300).contains(&status));
            for (outcome, (_, there)) in outcomes.iter().zip(&answer) {
                let delivered = matches!(outcome, Outcome::Delivered { .. });
                prop_assert!(*there || !delivered);
            }
        }
    }

    #[test]
    fn any_bytes_are_read(status: u16, body in prop::collection::vec(any::<u8>(), 0..200), count in 0usize..3) {
        if let Answer::Items(outcomes) = read(status, &body, count) {
            prop_assert_eq!(outcomes.len(), count);
        }
    }
}
