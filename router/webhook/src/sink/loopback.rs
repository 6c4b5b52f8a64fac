//! The sink against a small HTTP server on loopback that answers as told.

use std::{
    collections::{BTreeMap, VecDeque},
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
};

use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use sluice_core::Balance;

use super::*;
use crate::{
    Url,
    testing::{Buried, Graveyard, alert, config, documents, generation},
};

/// What no text of the sink may show.
const TOKEN: &str = "XsecretX0123456789";

/// How the server answers one request; later ones are taken.
#[derive(Clone, Debug)]
enum Told {
    /// Status, one header, text.
    Answer(u16, &'static str, String),
    /// The status line and the announcement of a longer body, then the connection is closed.
    Cut(u16),
    /// Nothing, until the client gives up.
    Silence,
    /// The connection is closed without a word.
    Hangup,
}

/// A request as it came.
#[derive(Debug)]
struct Seen {
    line: String,
    headers: BTreeMap<String, String>,
    body: String,
}

#[derive(Default)]
struct Script {
    told: VecDeque<Told>,
    seen: Vec<Seen>,
    connections: usize,
}

/// Serves until the process ends; every connection has a thread.
struct Server {
    url: String,
    script: Arc<Mutex<Script>>,
}

impl Server {
    fn start(told: Vec<Told>) -> Self {
        Self::start_with("http", told, |mut connection, script| while serve(&mut connection, script).is_some() {})
    }

    /// With the certificate in `tls/`.
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
        let url = format!("{scheme}://{}/services/T0/B0/{TOKEN}?hook={TOKEN}", listener.local_addr().unwrap());
        let script = Arc::new(Mutex::new(Script { told: told.into(), ..Script::default() }));
        let shared = script.clone();
        std::thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                shared.lock().unwrap().connections += 1;
                let (script, serve) = (shared.clone(), serve.clone());
                std::thread::spawn(move || serve(connection, &script));
            }
        });
        Self { url, script }
    }

    fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut self.script.lock().unwrap().seen)
    }

    fn config(&self) -> Config {
        Config {
            url: Url::parse(&self.url).unwrap(),
            retry_initial: Duration::from_millis(5),
            retry_max: Duration::from_millis(40),
            ..config()
        }
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
    let told = {
        let mut script = script.lock().unwrap();
        script.seen.push(Seen { line, headers, body: String::from_utf8(body).unwrap() });
        script.told.pop_front().unwrap_or(Told::Answer(200, "", "ok".into()))
    };
    match told {
        Told::Answer(status, header, text) => {
            let header = if header.is_empty() { String::new() } else { format!("{header}\r\n") };
            let answer = format!("HTTP/1.1 {status} X\r\n{header}content-length: {}\r\n\r\n{text}", text.len());
            connection.write_all(answer.as_bytes()).ok()
        }
        Told::Cut(status) => {
            write!(connection, "HTTP/1.1 {status} X\r\ncontent-length: 100\r\n\r\nok").ok()?;
            None
        }
        Told::Silence => {
            let _ = connection.read(&mut [0]);
            None
        }
        Told::Hangup => None,
    }
}

/// What came of some alerts about as many records.
struct Outcome {
    balance: Balance,
    buried: Vec<Buried>,
    counters: crate::Snapshot,
    debug: String,
}

async fn run(config: Config, alerts: usize) -> Outcome {
    let (generation, graveyard, counters) = (generation(), Arc::new(Graveyard::default()), config.counters.clone());
    let mut sink = Slack::open(config, generation.clone(), Some(graveyard.clone())).unwrap();
    let mut batch = documents(&generation, 0, &vec![&br#"{"log":"an exception"}"#[..]; alerts]);
    batch.raise((0..alerts as u32).map(|item| alert(Some(item), &format!("f{item}"))).collect());
    let debug = format!("{sink:?}");
    sink.send(batch).await.unwrap();
    timeout(Duration::from_secs(60), generation.settled()).await.expect("not settled");
    let balance = generation.ledger().balance();
    assert!(balance.is_balanced(), "{balance}");
    Outcome { balance, buried: graveyard.buried(), counters: counters.snapshot(), debug }
}

/// Requests that one alert takes under these answers, and what is said of it at last.
async fn check(told: Vec<Told>, requests: usize, is_delivered: bool, error: Option<&str>) {
    let server = Server::start(told.clone());
    // Waited for only where the server is silent.
    let is_silent = told.iter().any(|told| matches!(told, Told::Silence));
    let request_timeout = Duration::from_millis(if is_silent { 400 } else { 30_000 });
    let Outcome { balance, buried, counters, debug } = run(Config { request_timeout, ..server.config() }, 1).await;
    assert_eq!(server.seen().len(), requests, "{told:?}");
    assert_eq!((balance.delivered == 1, buried.is_empty()), (is_delivered, is_delivered), "{told:?}: {balance}");
    match error {
        None => assert_eq!(counters.last_error, None, "{told:?}"),
        Some(part) => assert!(counters.last_error.as_ref().is_some_and(|text| text.contains(part)), "{counters:?}"),
    }
    let texts = format!("{debug} {counters:?} {buried:?}");
    assert!(!texts.contains("secret"), "{texts}");
}

/// Everything that is logged on this thread while the guard lives, at any level.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn start() -> (Self, tracing::subscriber::DefaultGuard) {
        let log = Self::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE);
        let subscriber = subscriber.with_writer(move || writer.clone()).with_ansi(false).finish();
        (log, tracing::subscriber::set_default(subscriber))
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn answers() {
    let (log, _guard) = Log::start();
    let status = |status, text: &str| Told::Answer(status, "", text.to_owned());
    let echo = || format!("Cannot POST /services/T0/B0/{TOKEN}?hook={TOKEN}");
    check(vec![], 1, true, None).await;
    check(vec![status(204, "")], 1, true, None).await;
    check(vec![status(500, "rollup_error")], 2, true, Some("cannot take messages now (500 rollup_error)")).await;
    check(vec![status(404, "no_service")], 2, true, Some("gone or forbidden (404 no_service); create a new one")).await;
    check(vec![status(404, &echo())], 2, true, Some("gone or forbidden (404)")).await;
    check(vec![status(400, "invalid_payload")], 1, false, Some("refused a message (400 invalid_payload)")).await;
    check(vec![status(400, &echo())], 1, false, Some("refused a message (400)")).await;
    check(vec![Told::Silence], 2, true, Some("does not answer within 400ms (request_timeout)")).await;
    check(vec![status(503, ""), Told::Hangup, status(503, "")], 4, true, Some("(503)")).await;
    check(vec![status(503, ""), Told::Hangup], 3, true, Some("cannot be reached")).await;
    check(vec![Told::Cut(200)], 1, true, None).await;
    check(vec![Told::Cut(500)], 2, true, Some("(500 ok)")).await;
    let text = log.text();
    assert!(text.contains("slack sink: the webhook takes messages again"), "{text}");
    assert!(text.contains("(400 invalid_payload); its record goes to the dead letters"), "{text}");
    assert!(!text.contains("secret") && !text.contains("exception"), "{text}");
}

#[tokio::test]
async fn what_is_sent() {
    let server = Server::start(vec![]);
    let outcome = run(server.config(), 30).await;
    assert_eq!(outcome.balance.delivered, 30);
    let seen = server.seen();
    assert_eq!(seen.len(), 30);
    for (at, request) in seen.iter().enumerate() {
        assert_eq!(request.line, format!("POST /services/T0/B0/{TOKEN}?hook={TOKEN} HTTP/1.1"));
        assert_eq!(request.headers["content-type"], "application/json");
        assert_eq!(request.body, format!(r##"{{"attachments":[{{"text":"f{at}","color":"#00FF00"}}]}}"##));
    }
    // Connections are kept, though one that is not back in the pool yet may be passed over.
    let connections = server.script.lock().unwrap().connections;
    assert!(connections < 15, "{connections}");
}

#[tokio::test]
async fn a_pause_is_kept() {
    let server = Server::start(vec![Told::Answer(429, "Retry-After: 1", "rate_limited".into())]);
    let began = Instant::now();
    let outcome = run(server.config(), 1).await;
    assert!(began.elapsed() >= Duration::from_secs(1));
    assert_eq!((server.seen().len(), outcome.counters.posted, outcome.counters.retries), (2, 1, 1));
    assert_eq!(outcome.counters.suppressed_until, Some(crate::testing::NOW + 1_000_000_000));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Server::start(vec![]);
    let location: &'static str = format!("Location: {}", elsewhere.url).leak();
    let server =
        Server::start(vec![Told::Answer(302, location, String::new()), Told::Answer(307, location, String::new())]);
    let outcome = run(server.config(), 1).await;
    assert_eq!((server.seen().len(), elsewhere.seen().len()), (3, 0));
    assert!(outcome.counters.last_error.is_some_and(|text| text.contains("307, a redirect, which is not followed")));
}

#[tokio::test]
async fn https_is_verified() {
    let server = Server::start_https();
    let ca = Some(include_bytes!("tls/ca.pem").to_vec());
    let outcome = run(Config { ca, ..server.config() }, 2).await;
    assert_eq!((outcome.balance.delivered, server.seen().len()), (2, 2));

    // Without the certificate nobody is believed: nothing is sent, and the log says what to look at.
    let (log, _guard) = Log::start();
    let generation = generation();
    let mut sink = Slack::open(server.config(), generation.clone(), None::<Arc<Graveyard>>).unwrap();
    let mut batch = documents(&generation, 0, &[b"{}"]);
    batch.raise(vec![alert(Some(0), "f")]);
    sink.send(batch).await.unwrap();
    let refused = async {
        while sink.counters().snapshot().last_error.is_none() {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(30), refused).await.expect("no error");
    let error = sink.counters().snapshot().last_error.unwrap();
    assert!(
        error.contains("invalid peer certificate") && error.ends_with("check tls.ca_file in the config"),
        "{error}"
    );
    assert_eq!((server.seen().len(), generation.in_flight()), (0, 1));
    assert!(!log.text().contains("secret"), "{}", log.text());
}

#[test]
fn a_wrong_certificate_is_told_without_secrets() {
    let server = Server::start(vec![]);
    for ca in ["secret", "-----BEGIN CERTIFICATE-----\nsecret\n-----END CERTIFICATE-----\n"] {
        let config = Config { ca: Some(ca.into()), ..server.config() };
        let failure = Slack::open(config, generation(), None::<Arc<Graveyard>>).unwrap_err();
        assert_eq!(failure.kind, sluice_core::Kind::Fatal);
        assert!(failure.text.starts_with("tls.ca_file: ") && !failure.text.contains("secret"), "{failure}");
    }
}
