//! Counts the documents of `_bulk` bodies and writes the answers.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Result, bail};
use memchr::memchr_iter;

/// Counted over all connections.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    requests: AtomicU64,
    documents: AtomicU64,
    bytes: AtomicU64,
    sample: Mutex<Option<String>>,
}

impl Totals {
    /// Counts a body of action and document lines in turn; returns how many documents it has.
    pub(crate) fn count(&self, body: &[u8]) -> Result<u64> {
        let (mut lines, mut bytes, mut start) = (0u64, 0u64, 0);
        for end in memchr_iter(b'\n', body) {
            if lines == 1 {
                self.keep_sample(&body[start..end]);
            }
            if lines % 2 == 1 {
                bytes += (end - start) as u64;
            }
            lines += 1;
            start = end + 1;
        }
        if start != body.len() || lines % 2 == 1 {
            bail!("a body of {} bytes and {lines} lines is not actions and documents in turn", body.len());
        }
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.documents.fetch_add(lines / 2, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        Ok(lines / 2)
    }

    fn keep_sample(&self, document: &[u8]) {
        let mut sample = self.sample.lock().unwrap_or_else(PoisonError::into_inner);
        sample.get_or_insert_with(|| String::from_utf8_lossy(document).into_owned());
    }

    pub(crate) fn to_json(&self) -> String {
        let sample = self.sample.lock().unwrap_or_else(PoisonError::into_inner).clone();
        format!(
            r#"{{"requests":{},"documents":{},"bytes":{},"sample":{}}}"#,
            self.requests.load(Ordering::Relaxed),
            self.documents.load(Ordering::Relaxed),
            self.bytes.load(Ordering::Relaxed),
            sample.as_deref().unwrap_or("null")
        )
    }
}

/// What Elasticsearch answers to `filter_path=errors,items.*.status,items.*.error` when it took every document.
pub(crate) fn answer(documents: u64) -> Vec<u8> {
    const ITEM: &[u8] = br#"{"create":{"status":201}},"#;
    let mut answer = br#"{"errors":false,"items":["#.to_vec();
    answer.reserve(documents as usize * ITEM.len() + 2);
    for _ in 0..documents {
        answer.extend_from_slice(ITEM);
    }
    if documents > 0 {
        answer.pop();
    }
    answer.extend_from_slice(b"]}");
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_counted() {
        for (body, expect) in [
            ("", Some(0)),
            ("{\"create\":{}}\n{\"a\":1}\n", Some(1)),
            ("{\"create\":{}}\n{\"a\":1}\n{\"create\":{}}\n{}\n", Some(2)),
            ("{\"create\":{}}\n", None),
            ("{\"create\":{}}\n{\"a\":1}", None),
        ] {
            assert_eq!(Totals::default().count(body.as_bytes()).ok(), expect, "{body}");
        }
        let totals = Totals::default();
        totals.count(b"{\"create\":{}}\n{\"a\":1}\n{\"create\":{}}\n{}\n").unwrap();
        totals.count(b"{\"create\":{}}\n{\"a\":22}\n").unwrap();
        assert_eq!(totals.to_json(), r#"{"requests":2,"documents":3,"bytes":17,"sample":{"a":1}}"#);
    }

    #[test]
    fn answers_have_an_item_a_document() {
        for (documents, expect) in [
            (0, r#"{"errors":false,"items":[]}"#),
            (2, r#"{"errors":false,"items":[{"create":{"status":201}},{"create":{"status":201}}]}"#),
        ] {
            assert_eq!(String::from_utf8(answer(documents)).unwrap(), expect);
        }
    }
}
