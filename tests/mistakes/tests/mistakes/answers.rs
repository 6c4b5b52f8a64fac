//! What an index answers to two documents. HOST stands for the server; where nothing else is said, it takes the next
//! request.

use std::sync::Arc;

use sluice_core::{Generation, pipeline::Sink};
use sluice_elastic::Elastic;
use sluice_mistakes::{Mistake, differences, mistake};

use crate::{
    books::{Letters, documents, generation, settled},
    log::Log,
    records::index,
    server::{Server, Told},
};

const CREDENTIALS: &str = r#"{"error":{"type":"security_exception","reason":"secret"},"status":401}"#;
const MISSING: &str = r#"{"error":{"type":"index_not_found_exception","reason":"no such index"},"status":404}"#;

pub const TABLE: &[Mistake<&[Told]>] = &[
    mistake(
        "a page of a proxy",
        &[Told::Answer(200, "", "<html><body>Login</body></html>")],
        "WARN elasticsearch sink: HOST answered something that is not a bulk response (first bytes: \
         <html><body>Login</body></html>); check that the host is an index and not a proxy; documents wait and \
         are tried again, none is skipped\n\
         read 2 = delivered 2 + dropped 0 + dead-lettered 0 + in flight 0; expired 0; requests: 2",
    ),
    mistake(
        "an answer that ends in the middle",
        &[Told::Answer(200, "", r#"{"errors":false,"items":[{"create""#)],
        "WARN elasticsearch sink: HOST answered something that is not a bulk response (34 bytes of broken or \
         other json); check that the host is an index and not a proxy; documents wait and are tried again, none \
         is skipped\n\
         read 2 = delivered 2 + dropped 0 + dead-lettered 0 + in flight 0; expired 0; requests: 2",
    ),
    mistake(
        "an answer about fewer documents than were sent",
        &[Told::OneLess],
        "WARN elasticsearch sink: HOST answered for another number of documents than it was sent; check that the \
         host is an index and not a proxy; documents wait and are tried again, none is skipped\n\
         read 2 = delivered 2 + dropped 0 + dead-lettered 0 + in flight 0; expired 0; requests: 2",
    ),
    mistake(
        "401",
        &[Told::Answer(401, "", CREDENTIALS)],
        "WARN elasticsearch sink: HOST refuses with 401 security_exception: check auth in the config, and that \
         its role may create documents in the index and the index itself; documents wait and are tried again, \
         none is skipped\n\
         read 2 = delivered 2 + dropped 0 + dead-lettered 0 + in flight 0; expired 0; requests: 2",
    ),
    mistake(
        "403 without a body",
        &[Told::Answer(403, "", "")],
        "WARN elasticsearch sink: HOST refuses with 403 an empty body: check auth in the config, and that its \
         role may create documents in the index and the index itself; documents wait and are tried again, none \
         is skipped\n\
         read 2 = delivered 2 + dropped 0 + dead-lettered 0 + in flight 0; expired 0; requests: 2",
    ),
    mistake(
        "404 for the request",
        &[Told::Answer(404, "", MISSING)],
        "WARN elasticsearch sink: HOST refuses the request with 404 index_not_found_exception; check the host's \
         address and path; documents wait and are tried again, none is skipped\n\
         read 2 = delivered 2 + dropped 0 + dead-lettered 0 + in flight 0; expired 0; requests: 2",
    ),
    mistake(
        "404 for a document, since its index is missing",
        &[Told::First(
            r#"{"create":{"status":404,"error":{"type":"index_not_found_exception","reason":"no such index"}}}"#,
        )],
        "WARN elasticsearch sink: HOST cannot take some documents now: 404 index_not_found_exception; the index \
         is missing and is not made by itself; create it or allow auto-creation; documents wait and are tried \
         again, none is skipped\n\
         read 2 = delivered 2 + dropped 0 + dead-lettered 0 + in flight 0; expired 0; requests: 2",
    ),
    mistake(
        "413 for two documents together",
        &[Told::Answer(413, "", "")],
        "read 2 = delivered 2 + dropped 0 + dead-lettered 0 + in flight 0; expired 0; requests: 3",
    ),
    mistake(
        "413 for a document alone",
        &[Told::Answer(413, "", ""), Told::Answer(413, "", "")],
        "WARN a document goes to the dead letters; later ones for this reason are only counted \
         reason=\"too_large\" place=logs/0\n\
         dead letter, reason too_large (413): the server does not take a request that is as large as this \
         document alone\n\
         read 2 = delivered 1 + dropped 0 + dead-lettered 1 (too_large 1) + in flight 0; expired 0; requests: 3",
    ),
    mistake(
        "429 for the request",
        &[Told::Answer(429, "", "")],
        "WARN elasticsearch sink: HOST cannot take a bulk now: 429 an empty body; documents wait and are tried \
         again, none is skipped\n\
         read 2 = delivered 2 + dropped 0 + dead-lettered 0 + in flight 0; expired 0; requests: 2",
    ),
    mistake(
        "503",
        &[Told::Answer(503, "", "upstream down")],
        "WARN elasticsearch sink: HOST cannot take a bulk now: 503 first bytes: upstream down; documents wait \
         and are tried again, none is skipped\n\
         read 2 = delivered 2 + dropped 0 + dead-lettered 0 + in flight 0; expired 0; requests: 2",
    ),
    mistake(
        "429 for one document",
        &[Told::First(r#"{"create":{"status":429,"error":{"type":"es_rejected_execution_exception","reason":"x"}}}"#)],
        "WARN elasticsearch sink: HOST cannot take some documents now: 429 es_rejected_execution_exception; \
         documents wait and are tried again, none is skipped\n\
         read 2 = delivered 2 + dropped 0 + dead-lettered 0 + in flight 0; expired 0; requests: 2",
    ),
    mistake(
        "a field of another type than the index has",
        &[Told::First(
            r#"{"create":{"status":400,"error":{"type":"document_parsing_exception","reason":"[1:9] failed to parse field [n] of type [long]","caused_by":{"type":"illegal_argument_exception","reason":"For input string: \"x\""}}}}"#,
        )],
        "WARN a document goes to the dead letters; later ones for this reason are only counted \
         reason=\"document_parsing_exception\" place=logs/0\n\
         dead letter, reason document_parsing_exception (400): document_parsing_exception: [1:9] failed to parse \
         field [n] of type [long]; caused by illegal_argument_exception: For input string: \"x\"\n\
         read 2 = delivered 1 + dropped 0 + dead-lettered 1 (document_parsing_exception 1) + in flight 0; \
         expired 0; requests: 1",
    ),
    mistake(
        "an index that is closed to writing",
        &[Told::First(
            r#"{"create":{"status":403,"error":{"type":"cluster_block_exception","reason":"index [logs] blocked by: [FORBIDDEN/12/index read-only / allow delete (api)];"}}}"#,
        )],
        "WARN elasticsearch sink: HOST cannot take some documents now: 403 cluster_block_exception; the cluster \
         or a full disk blocks writing; check disk watermarks and cluster blocks; documents wait and are tried \
         again, none is skipped\n\
         read 2 = delivered 2 + dropped 0 + dead-lettered 0 + in flight 0; expired 0; requests: 2",
    ),
    mistake(
        "a document that is there already",
        &[Told::First(
            r#"{"create":{"status":409,"error":{"type":"version_conflict_engine_exception","reason":"x"}}}"#,
        )],
        "read 2 = delivered 2 + dropped 0 + dead-lettered 0 + in flight 0; expired 0; requests: 1",
    ),
    mistake(
        "the connection is closed without an answer",
        &[Told::Hangup],
        "WARN elasticsearch sink: HOST cannot be reached: connection closed before message completed; documents wait and \
         are tried again, none is skipped\n\
         read 2 = delivered 2 + dropped 0 + dead-lettered 0 + in flight 0; expired 0; requests: 2",
    ),
    mistake(
        "no answer in time",
        &[Told::Silence],
        "WARN elasticsearch sink: HOST does not answer within 2s (request_timeout); documents wait and are tried again, \
         none is skipped\n\
         read 2 = delivered 2 + dropped 0 + dead-lettered 0 + in flight 0; expired 0; requests: 2",
    ),
];

/// What is logged, the dead letters and the books. No text but a dead letter's may quote a document.
pub fn outcome(log: &Log, generation: &Generation, letters: &Letters, server: &Server) -> String {
    let warnings: Vec<String> = log.lines().into_iter().filter(|line| !line.starts_with("INFO")).collect();
    assert!(!warnings.concat().contains("secret"), "{warnings:?}");
    let letters = letters.said().into_iter().map(|(_, said)| said);
    let books = format!("{}; requests: {}", generation.ledger().balance(), server.bodies().len());
    let lines: Vec<String> = warnings.into_iter().chain(letters).chain([books]).collect();
    lines.join("\n").replace(&server.url, "HOST")
}

#[tokio::test]
async fn answers() {
    let mut found = Vec::new();
    for Mistake { given, .. } in TABLE {
        let (log, _guard) = Log::start();
        let (server, generation, letters) = (Server::start(given), generation(), Arc::new(Letters::default()));
        let mut sink = Elastic::open(index(&server), generation.clone(), letters.clone()).unwrap();
        sink.send(documents(&generation, &[r#"{"n":"secret"}"#, r#"{"n":2}"#])).await.unwrap();
        sink.flush().await.unwrap();
        settled(&generation).await;
        found.push(outcome(&log, &generation, &letters, &server));
    }
    assert_eq!(differences(TABLE, &found), "");
}
