use anyhow::Result;
use serde_json::json;
use sluice_end_to_end::{Chain, Sluice, elasticsearch, eventually, fill, kafka, messages};
use sluice_servers::{Elasticsearch, ElasticsearchOptions, Fault, FaultProxy};

const TIME: i64 = 1_700_000_000_000;

/// What the mapping does not take, and what is no JSON object, goes to the dead-letter topic as it was; the rest is
/// indexed.
#[test]
fn a_mapping_conflict_is_dead_lettered_and_the_rest_is_indexed() -> Result<()> {
    let (kafka, elasticsearch) = (kafka()?, elasticsearch()?);
    let chain = Chain::new("conflicts", &kafka.bootstrap(), &elasticsearch.url())?;
    let mapping = json!({ "mappings": { "properties": { "n": { "type": "integer" } } } });
    elasticsearch.put("/conflicts-2023.11.14", &mapping)?.success()?;
    let refused = [r#"{"n":"not a number","log":"x"}"#, "not json", r#"["an array"]"#, r#"{"log":"cut"#, ""];
    let values: Vec<String> = (0..200).map(|n| format!(r#"{{"n":{n},"log":"line {n}"}}"#)).collect();
    let mut all: Vec<&str> = values.iter().map(String::as_str).collect();
    for (at, value) in [10, 50, 90, 130, 170].into_iter().zip(refused) {
        all.insert(at, value);
    }
    fill(&kafka.bootstrap(), "conflicts", TIME, &all)?;
    let indexer = Sluice::run(chain.folder(), "indexer", &chain.indexer()?)?;

    let letters = messages(&kafka.bootstrap(), &chain.dead_letter_topic(), 5)?;
    eventually("the rest", || {
        elasticsearch.refresh("conflicts-*")?;
        Ok(elasticsearch.count("conflicts-*")? == 200)
    })?;
    let books = indexer.stop()?;
    assert_eq!((&books[0]["delivered"], &books[0]["dead_lettered"]), (&json!(200), &json!(5)));

    assert_eq!(letters.len(), 5);
    for (at, value) in refused.into_iter().enumerate() {
        let letter = letters.iter().find(|letter| letter.value == value.as_bytes());
        let letter = letter.unwrap_or_else(|| panic!("no dead letter with the bytes of message {value:?}"));
        assert!(letter.headers["sluice-place"].starts_with("conflicts/"));
        if at == 0 {
            assert_eq!(letter.headers["sluice-reason"], "document_parsing_exception");
            assert_eq!(letter.headers["sluice-status"], "400");
            assert!(letter.headers["sluice-detail"].contains("[n]"), "{:?}", letter.headers);
        } else {
            assert_eq!(letter.headers["sluice-reason"], "not_a_json_object");
        }
    }
    Ok(())
}

/// A node with one write thread and a queue of one answers 429 per item and per request; nothing is lost for it.
#[test]
fn items_that_the_index_has_no_room_for_are_sent_again() -> Result<()> {
    let kafka = kafka()?;
    let settings = vec!["thread_pool.write.size: 1".into(), "thread_pool.write.queue_size: 1".into()];
    let elasticsearch = Elasticsearch::start(ElasticsearchOptions { settings, ..ElasticsearchOptions::default() })?;
    let mut chain = Chain::new("crowded", &kafka.bootstrap(), &elasticsearch.url())?;
    chain.index_options = "        flush: { interval: 100ms, bytes: 8KiB, concurrency: 16 }
        retry: { initial: 50ms, max_interval: 500ms }\n"
        .into();
    let values: Vec<String> =
        (0..8_000).map(|n| format!(r#"{{"n":{n},"log":"line {n}","time":1700000000}}"#)).collect();
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    fill(&kafka.bootstrap(), "crowded", TIME, &values)?;
    let indexer = Sluice::run(chain.folder(), "indexer", &chain.indexer()?)?;
    eventually("all documents", || {
        elasticsearch.refresh("crowded-*")?;
        Ok(elasticsearch.count("crowded-*")? == 8_000)
    })?;
    assert!(indexer.said("429")?, "the index never said 429: this test shows nothing");
    let books = indexer.stop()?;
    assert_eq!((&books[0]["delivered"], &books[0]["dead_lettered"]), (&json!(8_000), &json!(0)));
    assert_eq!(elasticsearch.count("crowded-*")?, 8_000);
    Ok(())
}

/// Something that is no index answers with a web page; when the index is there, everything arrives.
#[test]
fn a_web_page_is_no_answer() -> Result<()> {
    let (kafka, elasticsearch) = (kafka()?, elasticsearch()?);
    let front = FaultProxy::start(elasticsearch.port(), 1)?;
    front.set(Fault::WebPage);
    let mut chain = Chain::new("pages", &kafka.bootstrap(), &front.url())?;
    chain.index_options += "        retry: { initial: 100ms, max_interval: 1s }\n";
    fill(&kafka.bootstrap(), "pages", TIME, &[r#"{"log":"a"}"#, r#"{"log":"b"}"#])?;
    let indexer = Sluice::run(chain.folder(), "indexer", &chain.indexer()?)?;
    eventually("a word about the answer", || indexer.said("not a bulk response"))?;
    assert_eq!(elasticsearch.count("pages-*")?, 0);
    front.heal();
    eventually("both documents", || {
        elasticsearch.refresh("pages-*")?;
        Ok(elasticsearch.count("pages-*")? == 2)
    })?;
    indexer.stop()?;
    Ok(())
}
