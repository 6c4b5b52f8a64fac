//! The index against what was printed: every line once, and none that a filter had to drop.

use anyhow::Result;
use serde_json::Value;
use sluice_node::{Lines, Stream, Tally, Way, Written, number};
use sluice_servers::Elasticsearch;

use super::fate::Fate;

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

/// Reads every document of the indices that match.
pub(crate) fn audit(node: &Elasticsearch, index: &str, written: &Written) -> Result<Audit> {
    let (mut tally, mut audit) = (Tally::new(written), Audit::default());
    audit.documents = node.scan(index, &["log", "kubernetes.pod_name"], |document| {
        count(document, &mut tally, &mut audit.unexpected);
    })?;
    judge(written, &tally, &mut audit);
    Ok(audit)
}

fn count(document: &Value, tally: &mut Tally, unexpected: &mut Vec<String>) {
    let pod = document["kubernetes"]["pod_name"].as_str().unwrap_or_default();
    // In the index the order of a stream's lines is nobody's concern.
    let way = Way { stream: Stream::Stdout, partition: 0 };
    if !tally.count(pod, way, document["log"].as_str().and_then(number)) {
        unexpected.push(document.to_string().chars().take(200).collect());
    }
}

fn judge(written: &Written, tally: &Tally, audit: &mut Audit) {
    let verdict = tally.judge(written, |level| Fate::of(level) == Fate::Indexed);
    let named = |lines: Lines| lines.into_iter().map(|(pod, line)| format!("{pod} line {line}"));
    audit.missing.extend(named(verdict.missing));
    audit.repeated.extend(named(verdict.repeated));
    audit.unexpected.extend(named(verdict.unexpected).map(|line| format!("{line}, which had to be dropped")));
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sluice_node::Level;

    use super::*;

    fn check(documents: &[(&str, &str)], missing: &[&str], repeated: &[&str], unexpected: usize) {
        let written = Written::from([
            ("web".to_owned(), vec![Some(Level::Info), Some(Level::Debug), None]),
            ("cart".to_owned(), vec![Some(Level::Trace), Some(Level::Error)]),
        ]);
        let (mut tally, mut audit) = (Tally::new(&written), Audit::default());
        for (pod, log) in documents {
            count(&json!({ "log": log, "kubernetes": { "pod_name": pod } }), &mut tally, &mut audit.unexpected);
        }
        judge(&written, &tally, &mut audit);
        assert_eq!(audit.missing, missing, "{documents:?}");
        assert_eq!(audit.repeated, repeated, "{documents:?}");
        assert_eq!(audit.unexpected.len(), unexpected, "{documents:?}");
    }

    #[test]
    fn faults_are_named() {
        let all = [("web", "seq=0"), ("web", "\"seq\":2"), ("cart", "seq=1")];
        check(&all, &[], &[], 0);
        check(&all[1..], &["web line 0"], &[], 0);
        check(&[all[0], all[1], all[2], all[1]], &[], &["web line 2"], 0);
        check(&[all[0], all[1], all[2], ("web", "seq=1"), ("web", "seq=3"), ("x", "seq=0"), ("web", "")], &[], &[], 4);
        check(&[], &["cart line 1", "web line 0", "web line 2"], &[], 0);
    }
}
