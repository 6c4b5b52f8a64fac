//! Takes documents out of a bulk, and puts their refusals into its answer.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

/// A body of pairs of lines: an action that creates, and its document.
pub(super) struct Bulk<'a> {
    pairs: Vec<(&'a [u8], &'a [u8])>,
}

impl<'a> Bulk<'a> {
    pub(super) fn parse(body: &'a [u8]) -> Result<Self> {
        let lines: Vec<&[u8]> = body.split_inclusive(|byte| *byte == b'\n').collect();
        ensure!(lines.len().is_multiple_of(2), "a bulk of {} lines is not made of pairs", lines.len());
        Ok(Self { pairs: lines.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect() })
    }

    pub(super) fn len(&self) -> usize {
        self.pairs.len()
    }

    /// The body without the documents that are refused.
    pub(super) fn without(&self, refused: &[bool]) -> Vec<u8> {
        let kept = self.pairs.iter().zip(refused).filter(|(_, refused)| !**refused);
        kept.flat_map(|((action, document), _)| [*action, *document]).flatten().copied().collect()
    }

    /// The answer to the whole, from the answer to what was sent on (`None` if nothing was).
    pub(super) fn weave(&self, refused: &[bool], status: u16, answer: Option<&str>) -> Result<String> {
        let mut answer: Value = match answer {
            Some(text) => serde_json::from_str(text).with_context(|| format!("not an answer to a bulk: {text}"))?,
            None => json!({ "items": [] }),
        };
        let Value::Array(items) = answer["items"].take() else { anyhow::bail!("an answer without items: {answer}") };
        let mut items = items.into_iter();
        let mut woven = Vec::with_capacity(self.len());
        for refused in refused {
            woven.push(if *refused { refusal(status) } else { items.next().context("too few items in an answer")? });
        }
        ensure!(items.next().is_none(), "too many items in an answer");
        answer["items"] = Value::Array(woven);
        answer["errors"] = Value::Bool(true);
        Ok(answer.to_string())
    }
}

/// What a document gets in the index's place.
fn refusal(status: u16) -> Value {
    json!({ "create": { "status": status, "error": error(status) } })
}

/// The answer to a request that is refused whole.
pub(super) fn refused(status: u16) -> String {
    json!({ "error": error(status), "status": status }).to_string()
}

fn error(status: u16) -> Value {
    let kind = match status {
        400 => "document_parsing_exception",
        401 | 403 => "security_exception",
        413 => "content_too_long_exception",
        429 => "es_rejected_execution_exception",
        503 => "unavailable_shards_exception",
        _ => "exception",
    };
    json!({ "type": kind, "reason": "refused by the proxy" })
}

/// The answer without its last item.
pub(super) fn without_last(answer: &str) -> Result<String> {
    let mut answer: Value = serde_json::from_str(answer).with_context(|| format!("not JSON: {answer}"))?;
    if let Some(items) = answer["items"].as_array_mut() {
        items.pop();
    }
    Ok(answer.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = b"{\"create\":{\"_id\":\"a\"}}\n{\"n\":0}\n{\"create\":{\"_id\":\"b\"}}\n{\"n\":1}\n{\"create\":{}}\n{\"n\":2}\n";

    #[test]
    fn documents_are_taken_out_and_their_refusals_put_in() {
        let bulk = Bulk::parse(BODY).unwrap();
        assert_eq!(bulk.len(), 3);
        let refused = [true, false, true];
        assert_eq!(bulk.without(&refused), b"{\"create\":{\"_id\":\"b\"}}\n{\"n\":1}\n");
        let answer = r#"{"errors":false,"items":[{"create":{"status":201}}]}"#;
        let woven: Value = serde_json::from_str(&bulk.weave(&refused, 429, Some(answer)).unwrap()).unwrap();
        let statuses: Vec<_> = (0..3).map(|at| woven["items"][at]["create"]["status"].as_u64().unwrap()).collect();
        assert_eq!(statuses, [429, 201, 429]);
        assert_eq!(woven["errors"], true);
        assert_eq!(woven["items"][0]["create"]["error"]["type"], "es_rejected_execution_exception");
    }

    #[test]
    fn nothing_need_be_sent_on() {
        let bulk = Bulk::parse(BODY).unwrap();
        assert!(bulk.without(&[true; 3]).is_empty());
        let woven: Value = serde_json::from_str(&bulk.weave(&[true; 3], 503, None).unwrap()).unwrap();
        assert_eq!(woven["items"].as_array().unwrap().len(), 3);
    }

    #[test]
    fn an_answer_that_does_not_fit_is_not_passed_off_as_one() {
        let bulk = Bulk::parse(BODY).unwrap();
        for answer in ["<html>", r#"{"items":[]}"#, r#"{"error":"x"}"#, r#"{"items":[1,2]}"#] {
            assert!(bulk.weave(&[true, false, true], 429, Some(answer)).is_err(), "{answer}");
        }
        assert!(Bulk::parse(b"{}\n").is_err());
        assert_eq!(without_last(r#"{"items":[1,2]}"#).unwrap(), r#"{"items":[1]}"#);
    }
}
