//! The sink against a small HTTP server on loopback that answers as told.

use std::{
    collections::{BTreeMap, VecDeque},
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
};

use flate2::read::GzDecoder;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use sluice_core::{Balance, Ledger};
use tokio::time::{Instant, timeout};

use super::*;
use crate::{
    Auth, Index,
    testing::{Graveyard, config, documents},
};

/// How the server answers one request; later ones get `Items(201)`.
#[derive(Clone, Debug)]
enum Told {
    /// A bulk answer with this status for every document.
    Items(u16),
    /// The first document gets the status, the others 201.
    First(u16),
    Status(u16, &'static str),
    /// Half of the body that was announced, then the connection is closed.
    Cut,
    /// Nothing, until the client gives up.
    Silence,
}

/// A request as it came.
#[derive(Debug)]
struct Seen {
    line: String,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

impl Seen {
    fn documents(&self) -> usize {
        let body = if self.headers.contains_key("content-encoding") {
            let mut plain = Vec::new();
            GzDecoder::new(&self.body[..]).read_to_end(&mut plain).unwrap();
            plain
        } else {
            self.body.clone()
        };
        let lines: Vec<_> = body.split_inclusive(|&byte| byte == b'\n').collect();
        for line in &lines {
            serde_json::from_slice::<serde_json::Value>(line).expect("one JSON value a line");
        }
        lines.len() / 2
    }
}

#[derive(Default)]
struct Script {
    told: VecDeque<Told>,
    seen: Vec<Seen>,
}

/// Serves until the process ends; every connection has a thread. With https by the certificate in `tls/`.
struct Server {
    url: String,
    script: Arc<Mutex<Script>>,
}

impl Server {
    fn start(told: Vec<Told>) -> Self {
        Self::start_with("http", told, |mut connection, script| while serve(&mut connection, script).is_some() {})
    }

    fn start_https() -> Self {
        let certificate = CertificateDer::from_pem_slice(include_bytes!("tls/server.pem")).unwrap();
        let key = PrivateKeyDer::from_pem_slice(include_bytes!("tls/server.key")).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let tls = Arc::new(tls.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap());
        Self::start_with("https", vec![], move |connection, script| {
            let session = rustls::ServerConnection::new(tls.clone()).unwrap();
            let mut connection = rustls::StreamOwned::new(session, connection);
            while serve(&mut connection, script).is_some() {}
        })
    }

    fn start_with(
        scheme: &str,
        told: Vec<Told>,
        serve: impl Fn(TcpStream, &Mutex<Script>) + Clone + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("{scheme}://{}", listener.local_addr().unwrap());
        let script = Arc::new(Mutex::new(Script { told: told.into(), seen: Vec::new() }));
        let shared = script.clone();
        std::thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                let (script, serve) = (shared.clone(), serve.clone());
                std::thread::spawn(move || serve(connection, &script));
            }
        });
        Self { url, script }
    }

    fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut self.script.lock().unwrap().seen)
    }
}

/// Answers one request; `None` when the connection is to be closed.
fn serve(connection: &mut (impl Read + Write), script: &Mutex<Script>) -> Option<()> {
    let mut reader = BufReader::new(&mut *connection);
    let mut lines = reader.by_ref().lines().map_while(Result::ok);
    let line = lines.next()?;
    let header = |text: String| text.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned()));
    let headers: BTreeMap<_, _> = lines.take_while(|text| !text.is_empty()).filter_map(header).collect();
    let mut body = vec![0; headers["content-length"].parse().unwrap()];
    reader.read_exact(&mut body).ok()?;
    let seen = Seen { line, headers, body };
    let count = seen.documents();
    let told = {
        let mut script = script.lock().unwrap();
        script.seen.push(seen);
        script.told.pop_front().unwrap_or(Told::Items(201))
    };
    let items = |statuses: Vec<u16>| {
        let items: Vec<_> = statuses.iter().map(|status| format!(r#"{{"create":{{"status":{status}}}}}"#)).collect();
        format!(r#"{{"errors":false,"items":[{}]}}"#, items.join(","))
    };
    let (status, text) = match told {
        Told::Items(status) => (200, items(vec![status; count])),
        Told::First(status) => (200, items([vec![status], vec![201; count - 1]].concat())),
        Told::Status(status, text) => (status, text.to_owned()),
        Told::Cut => {
            let text = items(vec![201; count]);
            let half = &text[..text.len() / 2];
            write!(connection, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{half}", text.len()).ok()?;
            return None;
        }
        Told::Silence => {
            let _ = connection.read(&mut [0]);
            return None;
        }
    };
    write!(connection, "HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n{text}", text.len()).ok()
}

fn quick(hosts: &[&Server]) -> Config {
    Config {
        hosts: hosts.iter().map(|server| server.url.clone()).collect(),
        index: Index::Name("logs".into()),
        retry_initial: Duration::from_millis(5),
        retry_max: Duration::from_millis(40),
        request_timeout: Duration::from_millis(400),
        ..config()
    }
}

/// Sends `count` documents in one bulk and waits until all have left.
async fn run(config: Config, count: usize) -> (Balance, Arc<Graveyard>, Arc<Counters>) {
    let generation = Generation::new(Arc::new(Ledger::default()));
    let (graveyard, counters) = (Arc::new(Graveyard::default()), config.counters.clone());
    let mut sink = Elastic::open(config, generation.clone(), graveyard.clone()).unwrap();
    let texts: Vec<_> = (0..count).map(|n| format!(r#"{{"log":"secret {n}"}}"#)).collect();
    let texts: Vec<_> = texts.iter().map(String::as_bytes).collect();
    sink.send(documents(&generation, 0, &texts)).await.unwrap();
    sink.flush().await.unwrap();
    timeout(Duration::from_secs(30), generation.settled()).await.expect("not settled");
    (generation.ledger().balance(), graveyard, counters)
}

/// Requests and documents in each, that ten documents take under what the server was told.
async fn check(told: Vec<Told>, expected: &[usize], delivered: u64, error: Option<&str>) {
    let server = Server::start(told.clone());
    let (balance, graveyard, counters) = run(quick(&[&server]), 10).await;
    let seen = server.seen();
    assert_eq!(seen.iter().map(Seen::documents).collect::<Vec<_>>(), expected, "{told:?}");
    assert!(balance.is_balanced(), "{told:?}: {balance}");
    assert_eq!(balance.delivered, delivered, "{told:?}");
    assert_eq!(graveyard.buried().len() as u64, 10 - delivered, "{told:?}");
    for request in seen {
        assert_eq!(
            request.line, "POST /_bulk?filter_path=errors,items.*.status,items.*.error HTTP/1.1",
            "and no other"
        );
    }
    let last = counters.last_error();
    match error {
        None => assert_eq!(last, None, "{told:?}"),
        Some(part) => assert!(last.as_ref().is_some_and(|text| text.contains(part)), "{told:?}: {last:?}"),
    }
    assert!(!last.unwrap_or_default().contains("secret"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers() {
    let refused = r#"{"error":{"type":"security_exception","reason":"secret"},"status":401}"#;
    check(vec![], &[10], 10, None).await;
    check(vec![Told::Items(409)], &[10], 10, None).await;
    check(vec![Told::First(429)], &[10, 1], 10, Some("cannot take some documents now: 429 other")).await;
    check(vec![Told::First(400)], &[10], 9, None).await;
    check(vec![Told::Items(400)], &[10], 0, None).await;
    check(vec![Told::Status(200, "<html>Login")], &[10, 10], 10, Some("not a bulk response (first bytes: <html>"))
        .await;
    check(vec![Told::Status(200, r#"{"errors":fal"#)], &[10, 10], 10, Some("not a bulk response")).await;
    check(vec![Told::Status(401, refused)], &[10, 10], 10, Some("refuses with 401 security_exception: check auth"))
        .await;
    check(vec![Told::Status(503, ""), Told::Status(429, "")], &[10, 10, 10], 10, Some("now: 429")).await;
    check(vec![Told::Status(413, ""), Told::Status(413, "")], &[10, 5, 2, 3, 5], 10, None).await;
    check(vec![Told::Cut], &[10, 10], 10, Some("cannot be reached")).await;
    check(vec![Told::Silence], &[10, 10], 10, Some("does not answer within 400ms")).await;
}

#[tokio::test]
async fn headers() {
    let basic = Auth::Basic { user: "elastic".into(), password: "pässword:1".into() };
    for (auth, gzip, authorization) in [
        (None, false, None),
        (Some(basic), true, Some("Basic ZWxhc3RpYzpww6Rzc3dvcmQ6MQ==")),
        (Some(Auth::ApiKey("aWQ6a2V5".into())), false, Some("ApiKey aWQ6a2V5")),
    ] {
        let server = Server::start(vec![]);
        run(Config { auth, gzip, ..quick(&[&server]) }, 100).await;
        let seen = server.seen().remove(0);
        let header = |name: &str| seen.headers.get(name).map(String::as_str);
        assert_eq!(header("authorization"), authorization);
        assert_eq!(header("content-type"), Some("application/x-ndjson"));
        assert_eq!(header("accept"), Some("application/json"), "no version that an older server would refuse");
        assert_eq!(header("content-encoding"), gzip.then_some("gzip"));
        assert_eq!(seen.documents(), 100);
        assert_eq!(seen.body.len() < 5000, gzip);
    }
}

#[tokio::test]
async fn https_with_a_certificate_of_ones_own() {
    let server = Server::start_https();
    let ca = Some(include_bytes!("tls/ca.pem").to_vec());
    let (balance, ..) = run(Config { ca, ..quick(&[&server]) }, 10).await;
    assert_eq!(balance.delivered, 10);
    assert!(server.url.starts_with("https://"));

    // Without the certificate nobody is believed, and the log says what to look at.
    let generation = Generation::new(Arc::new(Ledger::default()));
    let mut sink = Elastic::open(quick(&[&server]), generation.clone(), Arc::new(Graveyard::default())).unwrap();
    sink.send(documents(&generation, 0, &[b"{}"])).await.unwrap();
    sink.flush().await.unwrap();
    let refused = async {
        while sink.counters().last_error().is_none() {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(30), refused).await.expect("no error");
    let error = sink.counters().last_error().unwrap();
    assert!(error.contains("invalid peer certificate") && error.ends_with("in tls.ca_file"), "{error}");
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_path_in_front_is_kept() {
    let server = Server::start(vec![]);
    let base = quick(&[&server]);
    run(Config { hosts: vec![format!("{}/es/one", server.url)], ..base }, 1).await;
    assert!(server.seen()[0].line.starts_with("POST /es/one/_bulk?"));
}

#[tokio::test]
async fn a_host_that_is_down_does_not_hold_up_the_others() {
    let dead = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let server = Server::start(vec![]);
    let hosts = vec![format!("http://{dead}"), server.url.clone()];
    let config =
        Config { hosts, retry_initial: Duration::from_secs(60), retry_max: Duration::from_secs(60), ..quick(&[]) };
    let began = Instant::now();
    let generation = Generation::new(Arc::new(Ledger::default()));
    let mut sink = Elastic::open(config, generation.clone(), Arc::new(Graveyard::default())).unwrap();
    for first in 0..6 {
        sink.send(documents(&generation, first, &[b"{}"])).await.unwrap();
        sink.flush().await.unwrap();
        timeout(Duration::from_secs(30), generation.settled()).await.expect("not settled");
    }
    assert!(began.elapsed() < Duration::from_secs(30), "the other host is tried at once");
    assert_eq!(server.seen().len(), 6);
    assert_eq!(sink.counters().failed_requests.get(), 1, "the dead one is left alone");
    assert!(sink.counters().last_error().unwrap().contains("cannot be reached"));
}
