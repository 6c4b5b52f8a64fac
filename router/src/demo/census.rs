//! What of the containers' lines is in the index: how often each, and whether a secret came along.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use serde_json::Value;
use sluice_node::{SECRETS, number};

/// Counted as documents arrive, so that the index need not keep them all: one byte a line.
#[derive(Default)]
pub(super) struct Census(Mutex<Count>);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Count {
    /// Of each pod how often each of its lines is in the index.
    pub seen: BTreeMap<String, Vec<u8>>,
    /// Documents that are no line of a pod, and the first of them.
    pub strange: u64,
    pub stranger: Option<String>,
    /// Documents with a secret in them.
    pub leaked: u64,
}

/// Line numbers beyond this are nobody's: the demo would have run for a year.
const LINES: u64 = 1 << 32;

impl Census {
    /// A new document of the index.
    pub fn look(&self, document: &Value) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).look(document);
    }

    pub fn count(&self) -> Count {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Count {
    fn look(&mut self, document: &Value) {
        self.leaked += u64::from(has_secret(document));
        let pod = document["kubernetes"]["pod_name"].as_str();
        let line = document["log"].as_str().and_then(number).filter(|line| *line < LINES);
        let (Some(pod), Some(line)) = (pod, line.and_then(|line| usize::try_from(line).ok())) else {
            self.strange += 1;
            self.stranger.get_or_insert_with(|| document.to_string().chars().take(200).collect());
            return;
        };
        let lines = self.seen.entry(pod.to_owned()).or_default();
        if lines.len() <= line {
            lines.resize(line + 1, 0);
        }
        lines[line] = lines[line].saturating_add(1);
    }
}

fn has_secret(value: &Value) -> bool {
    match value {
        Value::String(text) => SECRETS.iter().any(|secret| text.contains(secret)),
        Value::Array(items) => items.iter().any(has_secret),
        Value::Object(fields) => fields.values().any(has_secret),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lines_are_counted_and_secrets_are_seen() {
        let census = Census::default();
        let document = |pod: &str, log: &str| json!({ "log": log, "kubernetes": { "pod_name": pod } });
        for (pod, log) in [("web-1", "seq=2"), ("web-1", "{\"seq\":0}"), ("web-1", "seq=2"), ("cart-1", "seq=1")] {
            census.look(&document(pod, log));
        }
        census.look(&document("web-1", "no number"));
        census.look(&document("web-1", "seq=99999999999"));
        census.look(&json!({ "log": "seq=1" }));
        census.look(&json!({ "log": "seq=0", "kubernetes": { "pod_name": "x" }, "lifted": [{ "card": SECRETS[3] }] }));
        let count = census.count();
        assert_eq!(count.seen["web-1"], [1, 0, 2]);
        assert_eq!(count.seen["cart-1"], [0, 1]);
        assert_eq!((count.strange, count.leaked), (3, 1));
        assert!(count.stranger.unwrap().contains("no number"));
    }
}
