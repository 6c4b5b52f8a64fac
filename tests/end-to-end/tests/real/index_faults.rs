//! A proxy of ours between the indexer and a real index fails in every way that we know; `readback` has what comes after.

use std::{collections::BTreeSet, time::Duration};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use sluice_end_to_end::{Chain, Sluice, committed, elasticsearch, eventually, fill, kafka, messages};
use sluice_servers::{Elasticsearch, ElasticsearchOptions, Fault, FaultProxy, Rule, When};

const TIME: i64 = 1_700_000_000_000;
const QUICK: &str = "        flush: { interval: 100ms, bytes: 16KiB, concurrency: 4 }
        request_timeout: 1s
        retry: { initial: 50ms, max_interval: 500ms }\n";

/// Numbered documents in a topic, an indexer, and a proxy in front of the index.
struct Trial {
    name: &'static str,
    proxy: FaultProxy,
    indexer: Sluice,
    _chain: Chain,
    written: u64,
}

impl Trial {
    fn start(name: &'static str, index_port: u16, more: &str) -> Result<Self> {
        let proxy = FaultProxy::start(index_port, 5)?;
        let mut chain = Chain::new(name, &kafka()?.bootstrap(), &proxy.url())?;
        chain.index_options = format!("{QUICK}{more}");
        let indexer = Sluice::run(chain.folder(), "indexer", &chain.indexer()?)?;
        Ok(Self { name, proxy, indexer, _chain: chain, written: 0 })
    }

    fn write(&mut self, count: u64) -> Result<()> {
        let values: Vec<String> = (self.written..self.written + count)
            .map(|n| format!(r#"{{"n":{n},"log":"line {n}","time":1700000000}}"#))
            .collect();
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        self.written += count;
        fill(&kafka()?.bootstrap(), self.name, TIME, &values)
    }

    /// How many messages the group has committed.
    fn committed(&self) -> Result<u64> {
        let offsets = committed(&kafka()?.bootstrap(), self.name, self.name)?;
        Ok(offsets.values().map(|offset| u64::try_from(*offset).unwrap_or(0)).sum())
    }

    fn indices(&self) -> String {
        format!("{}-*", self.name)
    }

    fn count(&self, elasticsearch: &Elasticsearch) -> Result<u64> {
        elasticsearch.refresh(&self.indices())?;
        elasticsearch.count(&self.indices())
    }

    /// Waits until everything that was written is indexed and committed.
    fn wait_for_all(&self, elasticsearch: &Elasticsearch) -> Result<()> {
        eventually("all documents", || Ok(self.count(elasticsearch)? == self.written))?;
        eventually("all offsets", || Ok(self.committed()? == self.written))
    }

    /// Ends the indexer: each document is in the index once, no more and no less, and none is a dead letter.
    fn finish(self, elasticsearch: &Elasticsearch) -> Result<()> {
        self.wait_for_all(elasticsearch)?;
        let written = self.written;
        let indices = self.indices();
        let books = self.indexer.stop()?;
        assert_eq!((&books[0]["delivered"], &books[0]["dead_lettered"]), (&json!(written), &json!(0)));
        assert_eq!(numbers(elasticsearch, &indices)?, (0..written).collect::<Vec<_>>());
        Ok(())
    }
}

/// `n` of every document of the indices, in order, each as often as it is there.
fn numbers(elasticsearch: &Elasticsearch, indices: &str) -> Result<Vec<u64>> {
    elasticsearch.refresh(indices)?;
    let hits = elasticsearch.search(indices, &json!({ "size": 10_000, "_source": ["n"], "sort": ["n"] }))?;
    hits.iter().map(|hit| hit["_source"]["n"].as_u64().context("a document without its number")).collect()
}

/// As long as no answer says of a document that the index has it, no offset passes it, whether the index has it or not;
/// when the fault is over, each document is there once.
#[test]
fn nothing_is_delivered_without_an_answer_and_nothing_is_there_twice() -> Result<()> {
    let elasticsearch = elasticsearch()?;
    let mut trial = Trial::start("unanswered", elasticsearch.port(), "")?;
    trial.write(200)?;
    trial.wait_for_all(elasticsearch)?;
    let mut attempts = 0;
    for (fault, reaches_the_index) in [
        (Fault::Status(429), false),
        (Fault::Status(503), false),
        (Fault::Status(502), false),
        (Fault::Status(401), false),
        (Fault::WebPage, false),
        (Fault::Items { share: 1.0, status: 429 }, false),
        (Fault::Items { share: 1.0, status: 503 }, false),
        (Fault::CutRequest, false),
        (Fault::CutAnswer, true),
        (Fault::TruncatedAnswer, true),
        (Fault::MissingItem, true),
        (Fault::Silence { sent_on: false }, false),
        (Fault::Silence { sent_on: true }, true),
    ] {
        let before = trial.written;
        trial.proxy.set(fault.clone());
        let met = |trial: &Trial| trial.proxy.tally().bulks;
        attempts = attempts.max(met(&trial)) + 6;
        trial.write(100)?;
        let what = format!("{fault:?} again and again");
        eventually(&what, || Ok(met(&trial) >= attempts))?;
        assert_eq!(trial.committed()?, before, "{fault:?}: an offset has passed what nobody said is delivered");
        let expected = if reaches_the_index { trial.written } else { before };
        let there = format!("{fault:?}: {expected} documents in the index");
        eventually(&there, || Ok(trial.count(elasticsearch)? == expected))?;
        assert_eq!(trial.committed()?, before, "{fault:?}");
        trial.proxy.heal();
        trial.wait_for_all(elasticsearch).context(format!("after {fault:?}"))?;
    }
    trial.finish(elasticsearch)
}

/// Half of the documents of half of the bulks, whole requests, answers that are cut, connections that are closed without
/// a word: all at once, while documents flow. What is committed is in the index at every look.
#[test]
fn a_storm_of_everything_loses_and_doubles_nothing() -> Result<()> {
    let elasticsearch = elasticsearch()?;
    let mut trial = Trial::start("storm", elasticsearch.port(), "        compression: gzip\n")?;
    trial.proxy.set_rules(
        [
            (Fault::Items { share: 0.5, status: 429 }, 0.5),
            (Fault::Status(429), 0.2),
            (Fault::Items { share: 0.1, status: 503 }, 0.2),
            (Fault::CutAnswer, 0.2),
            (Fault::CutRequest, 0.1),
            (Fault::CloseAfterAnswer, 0.3),
            (Fault::Delay(Duration::from_millis(300)), 0.3),
            (Fault::MissingItem, 0.1),
        ]
        .map(|(fault, share)| Rule { fault, when: When::Share(share) })
        .into(),
    );
    let mut looks = BTreeSet::new();
    for _ in 0..10 {
        trial.write(500)?;
        let committed = trial.committed()?;
        let count = trial.count(elasticsearch)?;
        assert!(committed <= count, "{committed} committed and {count} indexed");
        looks.insert(committed);
        if trial.proxy.tally().bulks % 3 == 0 {
            trial.proxy.cut_all();
        }
    }
    eventually("everything but the last retries", || {
        let committed = trial.committed()?;
        let count = trial.count(elasticsearch)?;
        assert!(committed <= count, "{committed} committed and {count} indexed");
        Ok(count == trial.written)
    })?;
    let tally = trial.proxy.tally();
    assert!(tally.faults.len() >= 7 && tally.items_refused > 500, "{tally:?}: this test shows nothing");
    trial.proxy.heal();
    trial.finish(elasticsearch)
}

/// A disk that is full blocks an index for a while: its documents wait.
#[test]
fn an_index_that_is_blocked_since_a_disk_is_full_is_waited_for() -> Result<()> {
    let elasticsearch = elasticsearch()?;
    let mut trial = Trial::start("blocked", elasticsearch.port(), "")?;
    trial.write(50)?;
    trial.wait_for_all(elasticsearch)?;
    let block = |on: Value| {
        let settings = json!({ "index.blocks.read_only_allow_delete": on });
        elasticsearch.put("/blocked-2023.11.14/_settings", &settings)?.success().map(drop)
    };
    block(json!(true))?;
    trial.write(50)?;
    eventually("a word about the block", || trial.indexer.said("cluster_block_exception"))?;
    assert_eq!((trial.committed()?, trial.count(elasticsearch)?), (50, 50));
    block(Value::Null)?;
    trial.finish(elasticsearch)
}

/// A server that takes small requests only: bulks are sent in parts, and a document that is too large all by itself is a
/// dead letter. The server says so before it has read the request, and hangs up.
#[test]
fn a_request_that_is_too_large_is_sent_in_parts() -> Result<()> {
    let kafka = kafka()?;
    let settings = vec!["http.max_content_length: 20kb".into()];
    let elasticsearch = Elasticsearch::start(ElasticsearchOptions { settings, ..ElasticsearchOptions::default() })?;
    let mut chain = Chain::new("large", &kafka.bootstrap(), &elasticsearch.url())?;
    chain.index_options = "        flush: { interval: 500ms, bytes: 1MiB, concurrency: 2 }
        retry: { initial: 50ms, max_interval: 500ms }\n"
        .into();
    let text = "x".repeat(1_000);
    let mut values: Vec<String> = (0..500).map(|n| format!(r#"{{"n":{n},"log":"{text}"}}"#)).collect();
    values.insert(250, format!(r#"{{"n":500,"log":"{}"}}"#, text.repeat(30)));
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    fill(&kafka.bootstrap(), "large", TIME, &values)?;
    let indexer = Sluice::run(chain.folder(), "indexer", &chain.indexer()?)?;
    eventually("the small ones", || {
        elasticsearch.refresh("large-*")?;
        Ok(elasticsearch.count("large-*")? == 500)
    })?;
    let letters = messages(&kafka.bootstrap(), &chain.dead_letter_topic(), 1)?;
    assert_eq!((letters.len(), letters[0].headers["sluice-reason"].as_str()), (1, "too_large"));
    assert_eq!(letters[0].headers["sluice-status"], "413");
    assert_eq!(letters[0].value, values[250].as_bytes());
    let books = indexer.stop()?;
    assert_eq!((&books[0]["delivered"], &books[0]["dead_lettered"]), (&json!(500), &json!(1)));
    assert_eq!(numbers(&elasticsearch, "large-*")?, (0..500).collect::<Vec<_>>());
    Ok(())
}

/// An index of time series makes the `_id` of a document itself and refuses any other.
#[test]
fn a_refused_id_is_dead_lettered_and_the_rest_is_indexed() -> Result<()> {
    let (kafka, elasticsearch) = (kafka()?, elasticsearch()?);
    let chain = Chain::new("series", &kafka.bootstrap(), &elasticsearch.url())?;
    let series = json!({
        "settings": {
            "index.mode": "time_series", "index.routing_path": ["log"],
            "index.time_series.start_time": "2023-11-14T00:00:00Z", "index.time_series.end_time": "2023-11-15T00:00:00Z"
        },
        "mappings": { "properties": {
            "@timestamp": { "type": "date" }, "log": { "type": "keyword", "time_series_dimension": true }
        } }
    });
    elasticsearch.put("/series-2023.11.14", &series)?.success()?;
    let day = |time: u64, n: u64| format!(r#"{{"n":{n},"log":"line","time":{time}}}"#);
    let refused: Vec<String> = (0..5).map(|n| day(1_700_000_000, n)).collect();
    let values: Vec<String> = refused.iter().cloned().chain((5..100).map(|n| day(1_700_100_000, n))).collect();
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    fill(&kafka.bootstrap(), "series", TIME, &values)?;
    let indexer = Sluice::run(chain.folder(), "indexer", &chain.indexer()?)?;
    let letters = messages(&kafka.bootstrap(), &chain.dead_letter_topic(), 5)?;
    assert_eq!(letters.len(), 5);
    for letter in letters {
        assert!(refused.iter().any(|value| value.as_bytes() == letter.value), "{letter:?}");
        assert_eq!(letter.headers["sluice-status"], "400");
        assert!(letter.headers["sluice-detail"].contains("_id must be unset"), "{:?}", letter.headers);
    }
    eventually("the rest", || Ok(numbers(elasticsearch, "series-*")? == (5..100).collect::<Vec<_>>()))?;
    let books = indexer.stop()?;
    assert_eq!((&books[0]["delivered"], &books[0]["dead_lettered"]), (&json!(95), &json!(5)));
    Ok(())
}
