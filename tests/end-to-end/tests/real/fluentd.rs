use anyhow::Result;
use serde_json::{Value, json};
use sluice_end_to_end::{Chain, Sluice, elasticsearch, eventually, fill, kafka};

/// No headers and no key; `time` as integer, float and string; or only Kafka's own timestamp.
#[test]
fn a_topic_that_fluentd_filled_is_indexed() -> Result<()> {
    let (kafka, elasticsearch) = (kafka()?, elasticsearch()?);
    let chain = Chain::new("fluentd", &kafka.bootstrap(), &elasticsearch.url())?;
    // As dynamic mapping has it, the first `time` would decide the type, and the others would conflict with it.
    let mapping = json!({ "properties": { "time": { "type": "keyword" } } });
    let template = json!({ "index_patterns": ["fluentd-*"], "template": { "mappings": mapping } });
    elasticsearch.put("/_index_template/fluentd", &template)?.success()?;
    let kafka_time = 1_699_000_000_123;
    fill(
        &kafka.bootstrap(),
        "fluentd",
        kafka_time,
        &[
            r#"{"log":"integer","time":1700000000,"tag":"t"}"#,
            r#"{"log":"float","time":1700000000.25}"#,
            r#"{"log":"number in a string","time":"1700000000"}"#,
            r#"{"log":"rfc 3339","time":"2023-11-14T22:13:20.5Z"}"#,
            r#"{"log":"none"}"#,
            r#"{"log":"its own","@timestamp":"2022-02-02T02:02:02.000Z"}"#,
            "{\n  \"log\": \"pretty\",\n  \"time\": 1700000000\n}",
            r#"{"log":"{\"level\":\"debug\"}","time":1700000000}"#,
        ],
    )?;
    let indexer = Sluice::run(chain.folder(), "indexer", &chain.indexer()?)?;
    eventually("seven documents", || {
        elasticsearch.refresh("fluentd-*")?;
        Ok(elasticsearch.count("fluentd-*")? == 7)
    })?;
    let books = indexer.stop()?;
    assert_eq!((&books[0]["dropped"], &books[0]["dead_lettered"]), (&json!(1), &json!(0)));

    let hits = elasticsearch.search("fluentd-*", &json!({ "size": 20 }))?;
    let of = |log: &str| -> (Value, Value) {
        let hit = hits.iter().find(|hit| hit["_source"]["log"] == log).cloned().unwrap_or_default();
        (hit["_index"].clone(), hit["_source"]["@timestamp"].clone())
    };
    for (log, index, timestamp) in [
        ("integer", "fluentd-2023.11.14", "2023-11-14T22:13:20.000000000+00:00"),
        ("float", "fluentd-2023.11.14", "2023-11-14T22:13:20.250000000+00:00"),
        ("number in a string", "fluentd-2023.11.14", "2023-11-14T22:13:20.000000000+00:00"),
        ("rfc 3339", "fluentd-2023.11.14", "2023-11-14T22:13:20.500000000+00:00"),
        ("none", "fluentd-2023.11.03", "2023-11-03T08:26:40.123000000+00:00"),
        ("its own", "fluentd-2022.02.02", "2022-02-02T02:02:02.000Z"),
        ("pretty", "fluentd-2023.11.14", "2023-11-14T22:13:20.000000000+00:00"),
    ] {
        assert_eq!(of(log), (json!(index), json!(timestamp)), "{log}");
    }

    // Another group reads the same topic again, as after a lost offset: no second document.
    let again = chain.indexer()?.replace("group: fluentd", "group: fluentd-again");
    let indexer = Sluice::run(chain.folder(), "again", &again)?;
    eventually("the same documents", || indexer.said("\"delivered\":7"))?;
    indexer.stop()?;
    elasticsearch.refresh("fluentd-*")?;
    assert_eq!(elasticsearch.count("fluentd-*")?, 7);
    Ok(())
}
