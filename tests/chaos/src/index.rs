//! What the index holds: looked at every second while lines flow, and read whole at the end.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError, RwLock};
use std::thread;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use sluice_node::{Stream, Tally, Way, number};
use sluice_servers::Elasticsearch;

use crate::config::INDICES;
use crate::diary::Diary;
use crate::recovery::Look;

const LOOK: Duration = Duration::from_secs(1);

/// One shard without copies, whose documents can be found soon.
pub fn prepare(node: &Elasticsearch) -> Result<()> {
    let template = json!({
        "index_patterns": [INDICES],
        "template": { "settings": { "number_of_shards": 1, "number_of_replicas": 0, "refresh_interval": "1s" } },
    });
    node.put("/_index_template/chaos", &template)?.success()?;
    Ok(())
}

/// Looks every second until `end`. A node that is down or silent is not looked at.
pub fn watch(node: &RwLock<Elasticsearch>, diary: &Diary, looks: &Mutex<Vec<Look>>, end: &AtomicBool) {
    // Times in the index are those of the wall.
    let begin = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().saturating_sub(diary.now());
    while !end.load(Ordering::Relaxed) {
        let node = node.read().unwrap_or_else(PoisonError::into_inner);
        // An error is that of a node that is away, and the next look comes soon.
        if let Ok((documents, newest)) = look(&node) {
            let newest = newest.into_iter().map(|(pod, time)| (pod, time.saturating_sub(begin))).collect();
            let look = Look { at: diary.now(), documents, newest };
            looks.lock().unwrap_or_else(PoisonError::into_inner).push(look);
        }
        drop(node);
        thread::sleep(LOOK);
    }
}

/// How many documents there are, and when the newest of each pod was printed, since 1970.
fn look(node: &Elasticsearch) -> Result<(u64, BTreeMap<String, Duration>)> {
    node.refresh(INDICES)?;
    let search = json!({
        "size": 0,
        "track_total_hits": true,
        "aggs": { "pods": {
            "terms": { "field": "kubernetes.pod_name.keyword", "size": 1000 },
            "aggs": { "newest": { "max": { "field": "@timestamp" } } },
        } },
    });
    let path = format!("/{INDICES}/_search?ignore_unavailable=true");
    let answer = node.post(&path, &search)?.success()?.json()?;
    let documents = answer["hits"]["total"]["value"].as_u64().context("an answer without a number of documents")?;
    let pods = answer["aggregations"]["pods"]["buckets"].as_array().map(Vec::as_slice).unwrap_or_default();
    let newest = pods.iter().filter_map(|pod| {
        let time = Duration::from_secs_f64(pod["newest"]["value"].as_f64()?.max(0.0) / 1000.0);
        Some((pod["key"].as_str()?.to_owned(), time))
    });
    Ok((documents, newest.collect()))
}

/// Counts every document; returns how many there are.
pub fn count(node: &Elasticsearch, tally: &mut Tally) -> Result<u64> {
    node.refresh(INDICES)?;
    node.scan(INDICES, &["log", "stream", "kubernetes.pod_name"], |document| tell(document, 0, tally))
}

/// Counts the line of a record, as it is on Kafka and in the index.
pub fn tell(record: &Value, partition: i32, tally: &mut Tally) {
    let pod = record["kubernetes"]["pod_name"].as_str().unwrap_or_default();
    let stream = if record["stream"] == "stderr" { Stream::Stderr } else { Stream::Stdout };
    tally.count(pod, Way { stream, partition }, record["log"].as_str().and_then(number));
}
