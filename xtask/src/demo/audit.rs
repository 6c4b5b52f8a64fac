//! The index against what was printed: every line once, and none that a filter had to drop.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use sluice_node::{Written, number};
use sluice_servers::Elasticsearch;

use super::fate::Fate;

/// Documents an answer; a few MiB.
const PAGE: usize = 5_000;

#[derive(Debug, Default, PartialEq)]
pub(crate) struct Audit {
    pub(crate) documents: u64,
    /// Lines that had to be indexed and are not there.
    pub(crate) missing: Vec<String>,
    /// Lines that are there more than once.
    pub(crate) repeated: Vec<String>,
    /// Documents of lines that a filter had to drop, or that nobody printed.
    pub(crate) unexpected: Vec<String>,
}

/// How often each line of a pod is in the index.
type Seen = BTreeMap<String, Vec<u32>>;

/// Reads every document of the indices that match.
pub(crate) fn audit(node: &Elasticsearch, index: &str, written: &Written) -> Result<Audit> {
    let mut seen: Seen = written.iter().map(|(pod, lines)| (pod.clone(), vec![0; lines.len()])).collect();
    let mut audit = Audit::default();
    let search = json!({ "size": PAGE, "sort": ["_doc"], "_source": ["log", "kubernetes.pod_name"] });
    let mut answer = node.post(&format!("/{index}/_search?scroll=2m"), &search)?.success()?.json()?;
    loop {
        let hits = answer["hits"]["hits"].as_array().context("an answer without hits")?;
        if hits.is_empty() {
            break;
        }
        for hit in hits {
            audit.documents += 1;
            count(&hit["_source"], &mut seen, &mut audit.unexpected);
        }
        let next = json!({ "scroll": "2m", "scroll_id": answer["_scroll_id"] });
        answer = node.post("/_search/scroll", &next)?.success()?.json()?;
    }
    judge(written, &seen, &mut audit);
    Ok(audit)
}

fn count(document: &Value, seen: &mut Seen, unexpected: &mut Vec<String>) {
    let pod = document["kubernetes"]["pod_name"].as_str().unwrap_or_default();
    let line = document["log"].as_str().and_then(number);
    let times = line.and_then(|line| seen.get_mut(pod)?.get_mut(usize::try_from(line).ok()?));
    match times {
        Some(times) => *times += 1,
        None => unexpected.push(document.to_string().chars().take(200).collect()),
    }
}

fn judge(written: &Written, seen: &Seen, audit: &mut Audit) {
    for (pod, lines) in written {
        for (line, level) in lines.iter().enumerate() {
            let fate = Fate::of(*level);
            let times = seen.get(pod).and_then(|times| times.get(line)).copied().unwrap_or_default();
            let place = || format!("{pod} line {line}");
            match (fate, times) {
                (Fate::Indexed, 0) => audit.missing.push(place()),
                (Fate::Indexed, 1) | (Fate::Trace | Fate::Debug, 0) => {}
                (Fate::Indexed, times) => audit.repeated.push(format!("{} ({times} times)", place())),
                (fate, _) => audit.unexpected.push(format!("{} ({fate:?})", place())),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use sluice_node::Level;

    use super::*;

    fn check(documents: &[(&str, &str)], missing: &[&str], repeated: &[&str], unexpected: usize) {
        let written = Written::from([
            ("web".to_owned(), vec![Some(Level::Info), Some(Level::Debug), None]),
            ("cart".to_owned(), vec![Some(Level::Trace), Some(Level::Error)]),
        ]);
        let mut seen: Seen = written.iter().map(|(pod, lines)| (pod.clone(), vec![0; lines.len()])).collect();
        let mut audit = Audit::default();
        for (pod, log) in documents {
            count(&json!({ "log": log, "kubernetes": { "pod_name": pod } }), &mut seen, &mut audit.unexpected);
        }
        judge(&written, &seen, &mut audit);
        assert_eq!(audit.missing, missing, "{documents:?}");
        assert_eq!(audit.repeated, repeated, "{documents:?}");
        assert_eq!(audit.unexpected.len(), unexpected, "{documents:?}");
    }

    #[test]
    fn faults_are_named() {
        let all = [("web", "seq=0"), ("web", "\"seq\":2"), ("cart", "seq=1")];
        check(&all, &[], &[], 0);
        check(&all[1..], &["web line 0"], &[], 0);
        check(&[all[0], all[1], all[2], all[1]], &[], &["web line 2 (2 times)"], 0);
        check(&[all[0], all[1], all[2], ("web", "seq=1"), ("web", "seq=3"), ("x", "seq=0"), ("web", "")], &[], &[], 4);
        check(&[], &["cart line 1", "web line 0", "web line 2"], &[], 0);
    }
}
