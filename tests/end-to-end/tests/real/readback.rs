//! Dead letters are read back, by the pipeline that docs/operations.md shows.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use sluice_end_to_end::{Chain, Message, Sluice, committed, elasticsearch, eventually, fill, kafka, messages};
use sluice_servers::Elasticsearch;

/// 2023-11-18: not the day of the documents, so that what is made from the wrong one of both is seen.
const SENT: i64 = 1_700_300_000_000;

/// The config in the section `Reading dead letters back`, for these servers and names.
fn recipe(name: &str, prefix: &str, group: &str) -> Result<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operations.md");
    let text = fs::read_to_string(&path)?;
    let (_, section) = text.split_once("## Reading dead letters back").context("operations.md lacks the recipe")?;
    let (_, after) = section.split_once("```yaml\n").context("the recipe has no config")?;
    let mut config = after.split("```").next().unwrap_or_default().to_owned();
    let (brokers, url) = (kafka()?.bootstrap(), elasticsearch()?.url());
    for (shown, ours) in [
        ("kafka:9092", brokers.as_str()),
        ("https://elasticsearch:9200", url.as_str()),
        ("logstash_prefix: logs", &format!("logstash_prefix: {prefix}")),
        ("topics: [logs-dead]", &format!("topics: [{name}-dead]")),
        ("topic: logs-dead-again", &format!("topic: {name}-dead-again")),
        ("group: logs-read-back", &format!("group: {group}")),
    ] {
        ensure!(config.contains(shown), "the recipe lacks {shown:?}");
        config = config.replace(shown, ours);
    }
    Ok(config)
}

fn write(topic: &str, values: &[String]) -> Result<()> {
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    fill(&kafka()?.bootstrap(), topic, SENT, &values)
}

/// Waits until the group has committed as many messages of the topic.
fn wait_for_offsets(group: &str, topic: &str, count: i64) -> Result<()> {
    let bootstrap = kafka()?.bootstrap();
    eventually("all offsets", || Ok(committed(&bootstrap, group, topic)?.values().sum::<i64>() == count))
}

/// Every document of the indices by index and `_id`, without the prefix of the index's name.
fn documents(elasticsearch: &Elasticsearch, prefix: &str) -> Result<BTreeMap<(String, String), Value>> {
    let indices = format!("{prefix}-2*");
    elasticsearch.refresh(&indices)?;
    let hits = elasticsearch.search(&indices, &json!({ "size": 10_000 }))?;
    let text = |hit: &Value, key: &str| hit[key].as_str().map(str::to_owned).context("a hit without a name");
    hits.into_iter()
        .map(|hit| Ok(((text(&hit, "_index")?.replace(prefix, ""), text(&hit, "_id")?), hit["_source"].clone())))
        .collect()
}

fn reasons(letters: &[Message]) -> Vec<&str> {
    letters.iter().map(|letter| letter.headers["sluice-reason"].as_str()).collect()
}

/// A mapping conflict is mended by another index; the letters become the documents that the messages would have become,
/// each once, however often they are read.
#[test]
fn dead_letters_become_the_documents_that_they_would_have_been() -> Result<()> {
    let (kafka, elasticsearch) = (kafka()?, elasticsearch()?);
    let chain = Chain::new("mended", &kafka.bootstrap(), &elasticsearch.url())?;
    let mapping = |kind: &str| json!({ "mappings": { "properties": { "n": { "type": kind } } } });
    for (index, kind) in [("mended", "integer"), ("mended-again", "keyword"), ("mended-control", "keyword")] {
        elasticsearch.put(&format!("/{index}-2023.11.14"), &mapping(kind))?.success()?;
    }
    let values = (0..100).map(|n| {
        let value = if n % 10 == 3 { format!(r#""no number {n}""#) } else { n.to_string() };
        format!(r#"{{"n":{value},"time":1700000000.25}}"#)
    });
    write("mended", &values.collect::<Vec<_>>())?;
    let indexer = Sluice::run(chain.folder(), "indexer", &chain.indexer_with(""))?;
    wait_for_offsets("mended", "mended", 100)?;
    indexer.stop()?;
    let letters = messages(&kafka.bootstrap(), "mended-dead", 10)?;
    assert_eq!(reasons(&letters), ["document_parsing_exception"; 10]);

    // What all of them become where nothing conflicts.
    let config = chain.indexer_with("").replace("group: mended", "group: mended-control");
    let config = config.replace("logstash_prefix: mended", "logstash_prefix: mended-control");
    let control = Sluice::run(chain.folder(), "control", &config)?;
    wait_for_offsets("mended-control", "mended", 100)?;
    control.stop()?;
    let mut expected = documents(elasticsearch, "mended-control")?;
    expected.retain(|_, source| source["n"].is_string());
    assert_eq!(expected.len(), 10);
    assert!(expected.values().all(|source| source["@timestamp"] == "2023-11-14T22:13:20.250000000+00:00"));

    for round in ["mended-read-back", "mended-read-again"] {
        let reader = Sluice::run(chain.folder(), round, &recipe("mended", "mended-again", round)?)?;
        wait_for_offsets(round, "mended-dead", 10)?;
        let books = reader.stop()?;
        assert_eq!((&books[0]["delivered"], &books[0]["dead_lettered"]), (&json!(10), &json!(0)));
        assert_eq!(documents(elasticsearch, "mended-again")?, expected, "{round}");
    }
    Ok(())
}

/// An index that was made read-only sends its late documents to the dead letters, and takes them when it is open again.
/// The documents of other days are not held up by it.
#[test]
fn what_a_read_only_index_refused_is_read_back() -> Result<()> {
    let (kafka, elasticsearch) = (kafka()?, elasticsearch()?);
    let chain = Chain::new("frozen", &kafka.bootstrap(), &elasticsearch.url())?;
    let old = "/frozen-2023.11.14";
    elasticsearch.put(old, &json!({ "settings": { "index.blocks.write": true } }))?.success()?;
    let day = |n: u64| if n.is_multiple_of(2) { 1_700_000_000 } else { 1_700_100_000 };
    write("frozen", &(0..100).map(|n| format!(r#"{{"n":{n},"time":{}}}"#, day(n))).collect::<Vec<_>>())?;
    let indexer = Sluice::run(chain.folder(), "indexer", &chain.indexer_with(""))?;
    wait_for_offsets("frozen", "frozen", 100)?;
    indexer.stop()?;
    assert_eq!(documents(elasticsearch, "frozen")?.len(), 50);
    let letters = messages(&kafka.bootstrap(), "frozen-dead", 50)?;
    assert_eq!(reasons(&letters), ["cluster_block_exception"; 50]);
    assert!(letters.iter().all(|letter| letter.headers["sluice-status"] == "403"));

    elasticsearch.put(&format!("{old}/_settings"), &json!({ "index.blocks.write": false }))?.success()?;
    let reader = Sluice::run(chain.folder(), "reader", &recipe("frozen", "frozen", "frozen-back")?)?;
    wait_for_offsets("frozen-back", "frozen-dead", 50)?;
    reader.stop()?;
    let documents = documents(elasticsearch, "frozen")?;
    let mut numbers: Vec<_> = documents.values().filter_map(|source| source["n"].as_u64()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..100).collect::<Vec<_>>());
    for ((index, _), source) in &documents {
        let expected = if source["n"].as_u64().is_some_and(|n| n.is_multiple_of(2)) { "14" } else { "16" };
        assert!(index.ends_with(expected), "{index}: {source}");
    }
    Ok(())
}
