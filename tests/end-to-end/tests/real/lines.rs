//! Numbered lines: written by containers, looked for in the index.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use sluice_end_to_end::eventually;
use sluice_node::{Container, Format, Node, Spec, Stream};
use sluice_servers::Elasticsearch;

/// 2023-11-14T22:13:20Z, when the numbered lines begin.
const BEGIN: u64 = 1_700_000_000_000_000_000;

/// Containers that write lines numbered from 0, each container a share; every tenth line is `debug`.
pub struct Writers {
    containers: Vec<Container>,
    next: u64,
}

impl Writers {
    pub fn new(node: &Node, containers: usize) -> Result<Self> {
        let containers = (0..containers).map(|number| {
            let format = if number % 2 == 0 { Format::Cri } else { Format::DockerJson };
            let pod = format!("pod-{number}");
            node.container(Spec { namespace: "load".into(), pod, container: "app".into(), format })
        });
        Ok(Self { containers: containers.collect::<Result<_, _>>()?, next: 0 })
    }

    /// Writes `count` more lines, spread over the containers.
    pub fn write(&mut self, count: u64) -> Result<()> {
        for _ in 0..count {
            let number = self.next;
            let level = if is_debug(number) { "debug" } else { "info" };
            let text = format!(
                r#"{{"level":"{level}","n":{number},"text":"a line of a usual length, such as services write"}}"#
            );
            let stream = if number.is_multiple_of(3) { Stream::Stderr } else { Stream::Stdout };
            let container = (number % self.containers.len() as u64) as usize;
            self.containers[container].write(stream, &text, BEGIN + number * 1_000_000)?;
            self.next += 1;
        }
        Ok(self.containers.iter_mut().try_for_each(Container::flush)?)
    }

    /// Rotates every container's file by renaming it, as kubelet does.
    pub fn rotate(&mut self) -> Result<()> {
        Ok(self.containers.iter_mut().try_for_each(|container| container.rotate().map(drop))?)
    }

    /// Lines that must be in the index: all but the debug ones.
    pub fn expected(&self) -> u64 {
        (0..self.next).filter(|number| !is_debug(*number)).count() as u64
    }

    /// Waits until as many documents are there as there must be; fails with the numbers of those that are not.
    pub fn wait_for_all(&self, elasticsearch: &Elasticsearch, indices: &str) -> Result<()> {
        let waited = eventually("all documents", || {
            elasticsearch.refresh(indices)?;
            Ok(elasticsearch.count(indices)? >= self.expected())
        });
        if waited.is_err() {
            self.assert_each_once(elasticsearch, indices)?;
        }
        waited
    }

    /// Fails unless every expected line is in the indices exactly once, and no other.
    pub fn assert_each_once(&self, elasticsearch: &Elasticsearch, indices: &str) -> Result<()> {
        let mut seen = BTreeMap::<u64, u32>::new();
        for document in all(elasticsearch, indices)? {
            *seen.entry(number(&document)?).or_default() += 1;
        }
        let missing: Vec<u64> = (0..self.next).filter(|n| !is_debug(*n) && !seen.contains_key(n)).collect();
        let again: Vec<(&u64, &u32)> = seen.iter().filter(|(_, count)| **count > 1).collect();
        let wrong: Vec<&u64> = seen.keys().filter(|n| is_debug(**n) || **n >= self.next).collect();
        assert!(
            missing.is_empty(),
            "{} lines are missing, the first {:?}",
            missing.len(),
            &missing[..missing.len().min(10)]
        );
        assert!(
            again.is_empty(),
            "{} lines are there more than once: {:?}",
            again.len(),
            &again[..again.len().min(10)]
        );
        assert!(wrong.is_empty(), "lines that should not be there: {wrong:?}");
        Ok(())
    }
}

fn is_debug(number: u64) -> bool {
    number % 10 == 9
}

/// The number of a document's line.
pub fn number(document: &Value) -> Result<u64> {
    let text = document["log"].as_str().context("a document without `log`")?;
    let line: Value = serde_json::from_str(text)?;
    line["n"].as_u64().context("a line without its number")
}

/// Every document of the indices.
fn all(elasticsearch: &Elasticsearch, indices: &str) -> Result<Vec<Value>> {
    elasticsearch.refresh(indices)?;
    let first = json!({ "size": 5000, "_source": ["log"], "sort": ["_doc"] });
    let mut page = elasticsearch.post(&format!("/{indices}/_search?scroll=1m"), &first)?.success()?.json()?;
    let mut documents = Vec::new();
    loop {
        let hits = page["hits"]["hits"].as_array().context("a page without hits")?;
        if hits.is_empty() {
            return Ok(documents);
        }
        documents.extend(hits.iter().map(|hit| hit["_source"].clone()));
        let next = json!({ "scroll": "1m", "scroll_id": page["_scroll_id"] });
        page = elasticsearch.post("/_search/scroll", &next)?.success()?.json()?;
    }
}
