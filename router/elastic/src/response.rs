//! What an answer to a bulk request says about each of its documents (`docs/adr/0005-bulk.md` has the table).
//!
//! Pure: bytes in, decisions out. Texts for logs are made of statuses, error types and advice, never of an error's
//! reason, which may quote a document's values.

use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use crate::reasons::is_plain;

/// What to do about a bulk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// One outcome a document, in the order of the request.
    Items(Vec<Outcome>),
    /// The request's body is larger than the server takes.
    TooLarge,
    /// The request is refused as a whole, with 400 and an error of an index's kind: some document in it may be why.
    Refused(Refusal),
    /// Nothing is known of any document, or all were refused for a reason that will pass: all of it again. The text
    /// is for logs.
    Again(String),
}

/// What to do about one document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The index has it; `repeated` if it had it before.
    Delivered { repeated: bool },
    /// Not now: nothing is wrong with the document.
    Again(Refusal),
    /// Never: this very document is what the index does not take.
    Rejected(Refusal),
}

/// Why the index did not take a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub status: u16,
    /// The error's type, such as `document_parsing_exception`; plain (see [`is_plain`]) or `other`.
    pub kind: String,
    /// Type and reason with all causes. May quote the document: for the dead letter only.
    pub detail: String,
}

/// Longest detail that is kept, in bytes.
const DETAIL: usize = 4096;
/// Causes of causes that are told.
const DEPTH: usize = 8;
/// Bytes that are quoted of an answer that is not JSON.
const QUOTED: usize = 48;

/// Errors that are about the cluster or the config and not about the document, though their status says 4xx. To
/// dead-letter these would empty a whole stream into the dead letters until somebody looks.
const NOT_THE_DOCUMENT: [(&str, &str); 6] = [
    (BLOCKED, "the cluster or a full disk blocks writing; check disk watermarks and cluster blocks"),
    ("index_create_block_exception", "the cluster makes no new index; check disk watermarks and cluster blocks"),
    ("index_not_found_exception", "the index is missing and is not made by itself; create it or allow auto-creation"),
    ("invalid_index_name_exception", "the index does not take the name; check index in the config"),
    ("security_exception", CREDENTIALS),
    (
        "validation_exception",
        "the cluster refuses the request, often since it has no shards left; check the shard limit",
    ),
];
/// Writing is blocked: see [`is_closed_for_good`].
const BLOCKED: &str = "cluster_block_exception";
const CREDENTIALS: &str =
    "check auth in the config, and that its role may create documents in the index and the index itself";

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    items: Vec<Item<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Item<'a> {
    #[serde(borrow)]
    create: Verdict<'a>,
}

#[derive(Deserialize)]
struct Verdict<'a> {
    status: u16,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

/// Reads the answer to a bulk of `count` documents.
///
/// No document counts as delivered without a status of its own that says so.
pub fn read(status: u16, body: &[u8], count: usize) -> Answer {
    match status {
        200..=299 => match serde_json::from_slice::<Body>(body) {
            Ok(body) if body.items.len() == count => Answer::Items(body.items.iter().map(outcome).collect()),
            Ok(_) => Answer::Again("answered for another number of documents than it was sent; check that the host is an index and not a proxy".into()),
            Err(_) => Answer::Again(format!(
                "answered something that is not a bulk response ({}); check that the host is an index and not a proxy",
                glimpse(body)
            )),
        },
        413 => Answer::TooLarge,
        400 if let Some(refusal) = refusal_of(body) => Answer::Refused(refusal),
        401 | 403 => Answer::Again(format!("refuses with {status} {}: {CREDENTIALS}", kind_of(body))),
        408 | 429 | 500..=599 => Answer::Again(format!("cannot take a bulk now: {status} {}", kind_of(body))),
        _ => Answer::Again(format!(
            "refuses the request with {status} {}; check the host's address and path",
            kind_of(body)
        )),
    }
}

/// The refusal of a whole request, if its error has a type, as those of an index have; what stands in front of one, or a
/// wrong path, has none.
fn refusal_of(body: &[u8]) -> Option<Refusal> {
    let answer: Value = serde_json::from_slice(body).ok()?;
    let error = &answer["error"];
    let kind = error["type"].as_str().filter(|kind| is_plain(kind))?;
    let is_around = NOT_THE_DOCUMENT.iter().any(|(name, _)| *name == kind);
    (!is_around).then(|| Refusal { status: 400, kind: kind.to_owned(), detail: detail(error) })
}

fn outcome(item: &Item) -> Outcome {
    let Verdict { status, error } = item.create;
    match (status, error) {
        (200..=299, None) => Outcome::Delivered { repeated: false },
        (409, None) => Outcome::Delivered { repeated: true },
        _ => {
            let error = error.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or(Value::Null);
            let refusal = Refusal { status, kind: kind(&error), detail: detail(&error) };
            match status {
                409 if is_repeat(&refusal.kind) => Outcome::Delivered { repeated: true },
                400..=499 if !is_passing(&refusal, &error) => Outcome::Rejected(refusal),
                _ => Outcome::Again(refusal),
            }
        }
    }
}

/// Since every bulk creates by an id that stands for the record, a version conflict means that it is there.
fn is_repeat(kind: &str) -> bool {
    matches!(kind, "version_conflict_engine_exception" | "document_already_exists_exception")
}

/// Whether the same document may be taken later, for a refusal with a status of 4xx.
fn is_passing(Refusal { status, kind, .. }: &Refusal, error: &Value) -> bool {
    match status {
        401 | 408 | 409 | 429 => true,
        _ if kind == BLOCKED => !is_closed_for_good(error["reason"].as_str().unwrap_or_default()),
        _ => NOT_THE_DOCUMENT.iter().any(|(name, _)| name == kind),
    }
}

/// Whether the reason of a block names one index, made read-only by hand or by its lifecycle. A block of the whole
/// cluster does not begin this way; block 12 is the one that is set when a disk is full, and taken away when it no
/// longer is (servers of today send it as 429).
fn is_closed_for_good(reason: &str) -> bool {
    reason.starts_with("index [") && !reason.contains("FORBIDDEN/12/")
}

impl Refusal {
    /// For logs: why documents have to wait, and what to look at.
    pub fn describe(&self) -> String {
        let Self { status, kind, .. } = self;
        let advice = NOT_THE_DOCUMENT.iter().find(|(name, _)| name == kind).map(|(_, advice)| *advice);
        let advice = advice.or((*status == 401).then_some(CREDENTIALS));
        let advice = advice.map(|advice| format!("; {advice}")).unwrap_or_default();
        format!("cannot take some documents now: {status} {kind}{advice}")
    }

    /// The same for a request that is refused as a whole.
    pub fn describe_whole(&self) -> String {
        let Self { status, kind, .. } = self;
        format!("refuses the request with {status} {kind}; check the host's address and path")
    }

    /// Of a document that makes too large a request all by itself.
    pub fn too_large() -> Self {
        let detail = "the server does not take a request that is as large as this document alone".into();
        Self { status: 413, kind: "too_large".into(), detail }
    }
}

fn kind(error: &Value) -> String {
    let kind = error["type"].as_str().filter(|kind| is_plain(kind));
    kind.unwrap_or("other").to_owned()
}

/// `type: reason; caused by type: reason…`
fn detail(error: &Value) -> String {
    let mut text = String::new();
    let mut cause = error;
    for _ in 0..DEPTH {
        if let Some(plain) = cause.as_str() {
            text.push_str(plain);
        }
        text.push_str(cause["type"].as_str().unwrap_or_default());
        if let Some(reason) = cause["reason"].as_str() {
            text.push_str(": ");
            text.push_str(reason);
        }
        cause = &cause["caused_by"];
        if cause.is_null() {
            break;
        }
        text.push_str("; caused by ");
    }
    text.truncate(text.floor_char_boundary(DETAIL));
    text
}

/// The type of the error that a whole request was refused with.
fn kind_of(body: &[u8]) -> String {
    match serde_json::from_slice::<Value>(body) {
        Ok(answer) => kind(&answer["error"]),
        Err(_) => glimpse(body),
    }
}

/// What can be shown of an answer without showing a document: nothing of JSON, the first words of anything else.
fn glimpse(body: &[u8]) -> String {
    let body = body.trim_ascii();
    let shown = body.iter().take(QUOTED).take_while(|byte| !matches!(byte, b'{' | b'[' | b'"'));
    let shown: String = shown.map(|&byte| if byte.is_ascii_graphic() { byte as char } else { ' ' }).collect();
    match (body.len(), shown.as_str()) {
        (0, _) => "an empty body".into(),
        (length, "") => format!("{length} bytes of broken or other json"),
        (_, shown) => format!("first bytes: {}", shown.trim_end()),
    }
}

#[cfg(test)]
#[path = "response/tests.rs"]
mod tests;
