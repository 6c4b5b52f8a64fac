use std::collections::BTreeMap;

use anyhow::{Context, Result};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sluice_end_to_end::{Chain, Sluice, component, elasticsearch, eventually, fill, kafka, messages};
use sluice_node::{Node, Spec, Stream};

const BEGIN: u64 = 1_700_000_000_000_000_000;
/// What must be nowhere behind the plugins.
const SECRETS: [&str; 6] = [
    "bob@shop.example",
    "4111111111111111",
    "4111 1111 1111 1111",
    "ghp_0123456789abcdefABCDEF0123456789abcd",
    "hunter2hunter2",
    "C-123456",
];

fn redact() -> Result<String> {
    let component = component("redact")?.display().to_string();
    let pattern = "{ name: customer, regex: 'C-[0-9]{6}' }";
    Ok(format!("{{ name: redact, component: {component}, config: {{ patterns: [{pattern}] }} }}"))
}

fn promote(config: &str) -> Result<String> {
    Ok(format!("{{ name: promote, component: {}, config: {config} }}", component("json-promote")?.display()))
}

/// Secrets in plain lines, in JSON and beside bytes that are no UTF-8; fields with their types; an edit of the origin.
#[test]
fn no_secret_leaves_the_node_and_fields_are_lifted_with_their_types() -> Result<()> {
    let (kafka, elasticsearch) = (kafka()?, elasticsearch()?);
    let chain = Chain::new("enriched", &kafka.bootstrap(), &elasticsearch.url())?;
    let node = Node::new(chain.folder().join("node"))?;
    let mut web = node.container(Spec::cri("shop", "web-1", "app"))?;
    let mut cart = node.container(Spec::docker("shop", "cart-1", "app"))?;
    web.write(Stream::Stdout, "mail from bob@shop.example, card 4111 1111 1111 1111", BEGIN)?;
    web.write(
        Stream::Stderr,
        r#"{"level":"info","http":{"status":200,"took":1.50},"ok":true,"token":"ghp_0123456789abcdefABCDEF0123456789abcd","card":4111111111111111}"#,
        BEGIN + 1,
    )?;
    web.write(Stream::Stdout, b"caf\xe9 of C-123456", BEGIN + 2)?;
    cart.write(Stream::Stdout, r#"{"level":"warn","owner":"team-a","password":"hunter2hunter2"}"#, BEGIN + 3)?;
    cart.write(Stream::Stdout, "clean, and as it was: é \u{1f525} \\ \"quoted\"", BEGIN + 4)?;
    web.flush()?;
    cart.flush()?;

    let lifted = "{ from: level, to: app.level }, { from: http, to: app.http }, { from: ok, to: app.ok }, { from: owner, to: kubernetes.labels.owner }";
    let plugins = format!("{}, {}", redact()?, promote(&format!("{{ fields: [{lifted}] }}"))?);
    let agent = Sluice::run(chain.folder(), "agent", &chain.agent_with(&plugins))?;
    let indexer = Sluice::run(chain.folder(), "indexer", &chain.indexer_with(""))?;
    // The same files, as they are, to another topic: what identities are without plugins.
    let plain = chain.agent_with("").replace("topic: enriched", "topic: plain").replace("/checkpoints", "/plain");
    let plain = Sluice::run(chain.folder(), "plain", &plain)?;
    let sent = messages(&kafka.bootstrap(), "enriched", 5)?;
    let as_read = messages(&kafka.bootstrap(), "plain", 5)?;
    plain.stop()?;
    eventually("five documents", || {
        elasticsearch.refresh("enriched-*")?;
        Ok(elasticsearch.count("enriched-*")? == 5)
    })?;
    agent.stop()?;
    indexer.stop()?;

    let documents = elasticsearch.get("/enriched-*/_search?size=10")?.success()?.body;
    for secret in SECRETS {
        let is_written = as_read.iter().any(|message| String::from_utf8_lossy(&message.value).contains(secret));
        assert!(is_written, "{secret} was not in the files: the test shows nothing");
        for message in &sent {
            assert!(
                !format!("{message:?} {}", String::from_utf8_lossy(&message.value)).contains(secret),
                "{message:?}"
            );
        }
        assert!(!documents.contains(secret), "{secret} is in the index: {documents}");
    }
    // In base64 a secret has other bytes: the original of a text that was changed must not be there at all.
    assert!(as_read.iter().any(|message| String::from_utf8_lossy(&message.value).contains("log_raw")));
    assert!(!documents.contains("log_raw"), "{documents}");

    let ids = |messages: &[sluice_end_to_end::Message]| -> BTreeMap<String, String> {
        messages.iter().map(|m| (m.headers["sluice-time"].clone(), m.headers["sluice-id"].clone())).collect()
    };
    assert_eq!(ids(&sent), ids(&as_read), "an edit changed an identity");
    let mut hits = elasticsearch.search("enriched-*", &json!({ "size": 10 }))?;
    hits.sort_by_key(|hit| hit["_source"]["@timestamp"].to_string());
    for hit in &hits {
        let source = &hit["_source"];
        let message = sent.iter().find(|message| {
            serde_json::from_slice::<Value>(&message.value).is_ok_and(|value| value["log"] == source["log"])
        });
        let id = &message.context("a document without its message")?.headers["sluice-id"];
        let (known, as_sent) = (hit["_id"].as_str().unwrap_or_default(), hex_to_base64(id)?);
        assert!(known.ends_with(&as_sent), "{known} is not made of {id} ({as_sent})");
    }

    let of = |at: usize, pointer: &str| hits[at]["_source"].pointer(pointer).cloned().unwrap_or_default();
    assert_eq!(of(0, "/log"), "mail from [REDACTED:email], card [REDACTED:credit-card]");
    assert_eq!(of(1, "/app"), json!({ "level": "info", "http": { "status": 200, "took": 1.5 }, "ok": true }));
    assert_eq!(of(2, "/log"), "caf\u{fffd} of [REDACTED:customer]");
    assert_eq!((of(3, "/app/level"), of(3, "/kubernetes/labels/owner")), (json!("warn"), json!("team-a")));
    assert_eq!(of(4, "/log"), "clean, and as it was: é \u{1f525} \\ \"quoted\"\n");
    let mapping = elasticsearch.get("/enriched-2023.11.14/_mapping")?.success()?.json()?;
    let kind = |pointer: &str| {
        mapping.pointer(&format!("/enriched-2023.11.14/mappings/properties/app/properties/{pointer}/type")).cloned()
    };
    assert_eq!(kind("http/properties/status"), Some(json!("long")));
    assert_eq!(kind("http/properties/took"), Some(json!("float")));
    assert_eq!(kind("ok"), Some(json!("boolean")));

    // Digit for digit on the way, and no origin where the origin was edited.
    for message in &sent {
        let text = String::from_utf8_lossy(&message.value);
        assert_eq!(text.contains(r#""took":1.50"#), text.contains("\"took\""), "{text}");
        assert_eq!(message.headers.contains_key("sluice-origin"), !text.contains("team-a"), "{message:?}");
    }
    Ok(())
}

/// Files straight to an index that refuses them: what goes to the dead letters has been redacted, too.
#[test]
fn a_redacted_record_that_the_index_refuses_is_dead_lettered_without_its_secret() -> Result<()> {
    let (kafka, elasticsearch) = (kafka()?, elasticsearch()?);
    let chain = Chain::new("refused", &kafka.bootstrap(), &elasticsearch.url())?;
    let mapping = json!({ "mappings": { "properties": { "stream": { "type": "integer" } } } });
    elasticsearch.put("/refused-all", &mapping)?.success()?;
    let node = Node::new(chain.folder().join("node"))?;
    let mut web = node.container(Spec::cri("shop", "web-1", "app"))?;
    web.write(Stream::Stdout, "mail from bob@shop.example", BEGIN)?;
    web.write(Stream::Stdout, b"caf\xe9 of C-123456", BEGIN + 1)?;
    web.flush()?;
    let sink = format!("elasticsearch: {{ hosts: [{}], index: {{ name: refused-all }} }}", elasticsearch.url());
    let config = chain.agent_with(&redact()?);
    let kafka_sink = config.lines().find(|line| line.contains("acks: 1")).context("no sink")?.to_owned();
    let direct = Sluice::run(chain.folder(), "direct", &config.replace(&kafka_sink, &format!("      {sink}")))?;
    let letters = messages(&kafka.bootstrap(), &chain.dead_letter_topic(), 2)?;
    direct.stop()?;
    assert_eq!(letters.len(), 2);
    for letter in letters {
        let value = String::from_utf8_lossy(&letter.value).into_owned();
        assert!(value.contains("[REDACTED:") && !value.contains("log_raw"), "{value}");
        for secret in SECRETS {
            assert!(!format!("{value} {letter:?}").contains(secret), "{value} {letter:?}");
        }
    }
    Ok(())
}

/// Documents of a topic that Fluentd filled: what stands outside of an edit stays byte for byte, and `_id` is the same.
#[test]
fn documents_are_edited_on_the_indexer_and_nothing_beside() -> Result<()> {
    let (kafka, elasticsearch) = (kafka()?, elasticsearch()?);
    let chain = Chain::new("edited", &kafka.bootstrap(), &elasticsearch.url())?;
    // (as Fluentd wrote it, as the index has it)
    let cases = [
        (
            r#"{ "z":1.10,"log":"mail bob@shop.example" , "big":9007199254740993, "a":"\u00e9\/" ,"n":0}"#,
            r#"{ "z":1.10,"log":"mail [REDACTED:email]" , "big":9007199254740993, "a":"\u00e9\/" ,"n":0}"#,
        ),
        (
            r#"{"n":1,"log":"{\"level\":\"info\",\"http\":{\"status\":200}}","app":{"kept":true}, "e":1E2}"#,
            r#"{"n":1,"log":"{\"level\":\"info\",\"http\":{\"status\":200}}","app":{"kept":true,"level":"info","status":200}, "e":1E2}"#,
        ),
        (
            r#"{"n":2,"log":"caf\ufffd C-123456","log_raw":"Y2Fm6SBDLTEyMzQ1Ng==","x":[1, 2]}"#,
            "{\"n\":2,\"log\":\"caf\u{fffd} [REDACTED:customer]\",\"x\":[1, 2]}",
        ),
        (r#"{"n":3 ,"log":"clean", "e":-0.0}"#, r#"{"n":3 ,"log":"clean", "e":-0.0}"#),
        (
            r#"{"n":4,"message":"bob@shop.example is not in log"}"#,
            r#"{"n":4,"message":"bob@shop.example is not in log"}"#,
        ),
    ];
    let values: Vec<&str> = cases.iter().map(|(value, _)| *value).collect();
    fill(&kafka.bootstrap(), "edited", 1_700_000_000_000, &values)?;
    let config = "{ fields: [{ from: level, to: app.level }, { from: http.status, to: app.status }] }";
    let edited = chain.indexer_with(&format!("{}, {}", redact()?, promote(config)?));
    let plain = chain
        .indexer_with("")
        .replace("group: edited", "group: plain")
        .replace("logstash_prefix: edited", "logstash_prefix: unedited");
    let edited = Sluice::run(chain.folder(), "edited", &edited)?;
    let plain = Sluice::run(chain.folder(), "plain", &plain)?;
    for prefix in ["edited-*", "unedited-*"] {
        eventually("documents", || {
            elasticsearch.refresh(prefix)?;
            Ok(elasticsearch.count(prefix)? == cases.len() as u64)
        })?;
    }
    edited.stop()?;
    plain.stop()?;

    let ids = |indices: &str| -> Result<BTreeMap<u64, Value>> {
        let hits = elasticsearch.search(indices, &json!({ "size": 10 }))?;
        Ok(hits.iter().filter_map(|hit| Some((hit["_source"]["n"].as_u64()?, hit["_id"].clone()))).collect())
    };
    let edited_ids = ids("edited-*")?;
    assert_eq!(edited_ids, ids("unedited-*")?, "an edit changed an _id");
    for (number, (_, expected)) in (0..).zip(cases) {
        let id = edited_ids[&number].as_str().unwrap_or_default();
        let answer = elasticsearch.get(&format!("/edited-2023.11.14/_doc/{id}"))?.success()?.body;
        let source = answer.split_once("\"_source\":").map_or("", |(_, source)| source);
        // Ours stands before what was there.
        let expected = format!("{{\"@timestamp\":\"2023-11-14T22:13:20.000000000+00:00\",{}}}", &expected[1..]);
        assert_eq!(source, expected);
    }
    Ok(())
}

/// The last 16 of the 22 bytes of an `_id`, as they are written there.
fn hex_to_base64(hex: &str) -> Result<String> {
    let bytes = (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16));
    Ok(URL_SAFE_NO_PAD.encode(bytes.collect::<Result<Vec<u8>, _>>()?))
}
