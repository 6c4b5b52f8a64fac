//! A `_bulk` body: action and document in turn, and one answer for each.

use serde::Deserialize;
use serde_json::{Value, json};

use super::shelf::{Document, Shelf};

/// The one action that the router sends.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Action {
    create: Target,
}

#[derive(Deserialize)]
struct Target {
    #[serde(rename = "_index")]
    index: String,
    #[serde(rename = "_id")]
    id: String,
}

/// Puts the documents on the shelf. The answer has one item a document, in order: 201 for a new one, 409 for a known
/// one, 400 for what is no JSON object. An error is about the whole body, of which nothing was taken.
pub(super) fn take(body: &[u8], shelf: &mut Shelf, look: &impl Fn(&Value)) -> Result<Value, String> {
    let pairs = pairs(body)?;
    let items: Vec<Value> = pairs.into_iter().map(|(target, source)| create(target, source, shelf, look)).collect();
    let refused = |item: &Value| item["create"]["status"] != 201;
    Ok(json!({ "errors": items.iter().any(refused), "took": 1, "items": items }))
}

fn pairs(body: &[u8]) -> Result<Vec<(Target, &[u8])>, String> {
    let Some(body) = body.strip_suffix(b"\n") else {
        return Err("the bulk request must be terminated by a newline".to_owned());
    };
    let mut lines = body.split(|byte| *byte == b'\n').enumerate();
    let mut pairs = Vec::new();
    while let Some((number, action)) = lines.next() {
        let action: Action = serde_json::from_slice(action)
            .map_err(|error| format!("malformed action on line {}, expected create: {error}", number + 1))?;
        let (_, source) =
            lines.next().ok_or_else(|| format!("no document behind the action on line {}", number + 1))?;
        pairs.push((action.create, source));
    }
    Ok(pairs)
}

fn create(Target { index, id }: Target, source: &[u8], shelf: &mut Shelf, look: &impl Fn(&Value)) -> Value {
    let failed = |status: u16, kind: &str, reason: &str| json!({ "create": { "status": status, "error": { "type": kind, "reason": reason } } });
    let value: Value = match serde_json::from_slice(source) {
        Ok(value @ Value::Object(_)) => value,
        Ok(_) => return failed(400, "document_parsing_exception", "not an object"),
        Err(error) => return failed(400, "document_parsing_exception", &error.to_string()),
    };
    // It was parsed as JSON, and is UTF-8 by that.
    let source = String::from_utf8_lossy(source).into_owned();
    if !shelf.create(Document { index, id, source }) {
        return failed(409, "version_conflict_engine_exception", "document already exists");
    }
    look(&value);
    json!({ "create": { "status": 201 } })
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn statuses(shelf: &mut Shelf, body: &str) -> Result<(Vec<u64>, bool), String> {
        let looks = Cell::new(0);
        let before = shelf.documents;
        let answer = take(body.as_bytes(), shelf, &|_| looks.set(looks.get() + 1))?;
        assert_eq!(shelf.documents - before, looks.get(), "{body}");
        let items = answer["items"].as_array().unwrap();
        let statuses = items.iter().map(|item| item["create"]["status"].as_u64().unwrap()).collect();
        Ok((statuses, answer["errors"].as_bool().unwrap()))
    }

    #[test]
    fn each_document_has_its_answer() {
        let mut shelf = Shelf::default();
        let action = |id: &str| format!("{{\"create\":{{\"_index\":\"logs\",\"_id\":\"{id}\"}}}}\n");
        let (a, b) = (action("a"), action("b"));
        for (body, expect) in [
            (format!("{a}{{\"n\":1}}\n"), (vec![201], false)),
            (format!("{a}{{\"n\":1}}\n{b}{{\"n\":2}}\n"), (vec![409, 201], true)),
            (format!("{}[1]\n{}nonsense\n", action("c"), action("d")), (vec![400, 400], true)),
            (format!("{}{{\"n\":3}}\n{}{{\"n\":3}}\n", action("e"), action("e")), (vec![201, 409], true)),
        ] {
            assert_eq!(statuses(&mut shelf, &body), Ok(expect), "{body}");
        }
        assert_eq!((shelf.documents, shelf.repeats), (3, 2));
    }

    #[test]
    fn a_wrong_body_is_refused_whole() {
        let mut shelf = Shelf::default();
        let good = "{\"create\":{\"_index\":\"logs\",\"_id\":\"a\"}}\n{}\n";
        for (body, expect) in [
            ("", "terminated by a newline"),
            ("{}", "terminated by a newline"),
            ("{\"index\":{}}\n{}\n", "line 1, expected create"),
            ("{\"create\":{\"_index\":\"logs\"}}\n{}\n", "line 1, expected create"),
            ("{\"create\":{\"_index\":\"logs\",\"_id\":\"b\"}}\n", "no document behind the action on line 1"),
            (&format!("{good}nonsense\n{{}}\n"), "line 3, expected create"),
        ] {
            let error = statuses(&mut shelf, body).unwrap_err();
            assert!(error.contains(expect), "{body}: {error}");
        }
        assert_eq!(shelf.documents, 0);
    }
}
