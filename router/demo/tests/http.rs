//! The stand-ins as a client sees them: over a socket.

#![allow(clippy::unwrap_used, reason = "clippy knows tests by `cfg(test)`, which helpers of this file do not have")]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::Compression;
use flate2::write::GzEncoder;
use sluice_demo::{Index, Webhook};

/// Head and body of the answer.
fn ask(url: &str, request: &str, headers: &str, body: &[u8]) -> (String, String) {
    let address = url.strip_prefix("http://").unwrap().split('/').next().unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    let length = body.len();
    let head =
        format!("{request} HTTP/1.1\r\nhost: demo\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n");
    stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

#[test]
fn an_index_that_keeps_documents() {
    let looks = Arc::new(AtomicU64::new(0));
    let counted = looks.clone();
    let index = Index::start(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
    })
    .unwrap();
    let (head, body) = ask(&index.url(), "GET /", "", b"");
    assert!(head.starts_with("HTTP/1.1 200") && head.contains("x-elastic-product: Elasticsearch"), "{head}");
    assert!(body.contains(r#""number":"8."#), "{body}");

    let bulk = "{\"create\":{\"_index\":\"logs\",\"_id\":\"1\"}}\n{\"log\":\"a\"}\n";
    let (_, body) = ask(&index.url(), "POST /_bulk?filter_path=errors,items.*.status", "", bulk.as_bytes());
    assert!(body.contains(r#""errors":false"#) && body.contains(r#""status":201"#), "{body}");
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(bulk.as_bytes()).unwrap();
    let (_, body) = ask(&index.url(), "POST /_bulk", "content-encoding: gzip\r\n", &packed.finish().unwrap());
    assert!(body.contains(r#""errors":true"#) && body.contains(r#""status":409"#), "{body}");
    assert_eq!((index.documents(), index.repeats(), looks.load(Ordering::Relaxed)), (1, 1, 1));

    let (head, body) = ask(&index.url(), "POST /_bulk", "content-encoding: gzip\r\n", bulk.as_bytes());
    assert!(head.starts_with("HTTP/1.1 400") && body.contains("no gzip"), "{head} {body}");
    let (_, body) = ask(&index.url(), "GET /logs/_search", "", b"");
    assert!(body.contains(r#""_source":{"log":"a"}"#), "{body}");
    let (head, body) = ask(&index.url(), "DELETE /logs", "", b"");
    assert!(head.starts_with("HTTP/1.1 404") && body.contains("knows _bulk"), "{head} {body}");
    assert_eq!(index.latest(|_| true).unwrap().source, r#"{"log":"a"}"#);
}

#[test]
fn a_webhook_that_asks_to_wait_now_and_then() {
    let webhook = Webhook::start().unwrap();
    let path = webhook.url().splitn(4, '/').last().unwrap().to_owned();
    let mut refused = 0;
    for _ in 0..16 {
        let (head, body) = ask(&webhook.url(), &format!("POST /{path}"), "", br#"{"attachments":[{"text":"boom"}]}"#);
        if head.starts_with("HTTP/1.1 429") {
            assert!(head.contains("retry-after: 1"), "{head}");
            refused += 1;
        } else {
            assert!(head.starts_with("HTTP/1.1 200") && body == "ok", "{head} {body}");
        }
    }
    assert_eq!((refused, webhook.refused(), webhook.posted()), (2, 2, 14));
    assert_eq!(webhook.latest(3).len(), 3);
}
