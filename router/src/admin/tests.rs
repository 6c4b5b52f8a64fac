use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Instant,
};

use serde_json::{Value, json};
use sluice_core::{Failure, supervisor::State};

use super::*;
use crate::{metrics, process::ReloadStatus};

/// Long enough for any machine; what waits for it is a failure.
const PATIENCE: Duration = Duration::from_secs(20);

fn serving(snapshot: Snapshot, bounds: Bounds) -> AdminServer {
    start_bounded(([127, 0, 0, 1], 0).into(), Arc::new(move || snapshot.clone()), Arc::default(), bounds).unwrap()
}

fn connect(server: &AdminServer) -> TcpStream {
    let stream = TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// What comes until the server closes.
fn rest(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    // A reset is an end, too: what was not read of a request makes one of the close.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8(answer).unwrap()
}

struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

fn ask(server: &AdminServer, method: &str, path: &str) -> Answer {
    let mut stream = connect(server);
    write!(stream, "{method} {path} HTTP/1.1\r\nHost: sluice\r\n\r\n").unwrap();
    let answer = rest(stream);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{method} {path}: {answer:?}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}

#[test]
fn paths_and_methods() {
    let server = serving(metrics::tests::snapshot(), BOUNDS);
    let (json, text) = ("application/json", "text/plain; version=0.0.4; charset=utf-8");
    for (method, path, status, content) in [
        ("GET", "/healthz", 200, json),
        ("GET", "/readyz", 200, json),
        ("GET", "/status", 200, json),
        ("GET", "/metrics", 200, text),
        ("GET", "/metrics?collect=all", 200, text),
        ("HEAD", "/healthz", 200, json),
        ("HEAD", "/metrics", 200, text),
        ("PUT", "/status", 405, json),
        ("POST", "/healthz", 405, json),
        ("DELETE", "/metrics", 405, json),
        ("OPTIONS", "/readyz", 405, json),
        ("GET", "/", 404, json),
        ("GET", "/healthz/", 404, json),
        ("GET", "/../readyz", 404, json),
        ("POST", "/config", 404, json),
    ] {
        let answer = ask(&server, method, path);
        let of = format!("{method} {path}");
        assert_eq!((answer.status, answer.header("content-type")), (status, Some(content)), "{of}");
        assert_eq!(answer.header("allow").is_some(), status == 405, "{of}");
        assert_eq!(answer.header("connection"), Some("close"), "{of}");
        let length: usize = answer.header("content-length").unwrap().parse().unwrap();
        assert!(length > 0, "{of}");
        assert_eq!(answer.body.len(), if method == "HEAD" { 0 } else { length }, "{of}");
    }
}

#[test]
fn a_scrape_is_understood() {
    let server = serving(metrics::tests::snapshot(), BOUNDS);
    let scraped = metrics::tests::parse(&ask(&server, "GET", "/metrics").body);
    let delivered = &scraped["sluice_records_delivered_total"];
    assert_eq!(delivered.kind, "counter");
    assert_eq!(delivered.values.iter().map(|(_, value)| value).sum::<f64>(), 100.0);
}

/// The answers of `/healthz` and `/readyz` when one thing of a good state is changed.
fn check(change: impl Fn(&mut Snapshot), alive: u16, ready: u16, reasons: Value, notes: Value) {
    let mut snapshot = metrics::tests::snapshot();
    change(&mut snapshot);
    let server = serving(snapshot, BOUNDS);
    let readiness = ask(&server, "GET", "/readyz");
    let body: Value = serde_json::from_str(&readiness.body).unwrap();
    assert_eq!(body, json!({ "ready": ready == 200, "reasons": reasons, "notes": notes }));
    assert_eq!(readiness.status, ready, "{body}");
    let health = ask(&server, "GET", "/healthz");
    assert_eq!(health.status, alive, "{}", health.body);
    let body: Value = serde_json::from_str(&health.body).unwrap();
    assert_eq!(body["alive"], json!(alive == 200));
    assert_eq!(body["reasons"].as_array().unwrap().is_empty(), alive == 200, "{body}");
}

#[test]
fn who_is_ready_and_who_is_not_and_why() {
    let ship = |component: &str, text: &str| json!({ "pipeline": "ship", "component": component, "text": text });
    let state = |state: State| move |snapshot: &mut Snapshot| snapshot.pipelines[0].state = state.clone();
    let failure = |kind: fn(String, String) -> Failure| kind("kafka sink".into(), "topic logs: is missing".into());
    check(|_| {}, 200, 200, json!([]), json!([]));
    check(state(State::Starting), 200, 503, json!([ship("pipeline", "starting")]), json!([]));
    check(state(State::Stopped), 200, 503, json!([ship("pipeline", "stopped")]), json!([]));
    check(
        state(State::Restarting(failure(Failure::transient))),
        200,
        503,
        json!([ship("kafka sink", "topic logs: is missing; the pipeline starts again")]),
        json!([]),
    );
    check(
        state(State::Failed(failure(Failure::fatal))),
        503,
        503,
        json!([ship("kafka sink", "topic logs: is missing; failed for good, the process stops")]),
        json!([]),
    );
    check(
        |snapshot| snapshot.pipelines[0].halted = Some("plugin redact: `enrich` failed: trap".into()),
        200,
        503,
        json!([ship("plugins", "halted: plugin redact: `enrich` failed: trap")]),
        json!([]),
    );
    check(
        |snapshot| snapshot.is_stopping = true,
        200,
        503,
        json!([{ "component": "process", "text": "stopping" }]),
        json!([]),
    );
    check(
        |snapshot| snapshot.pipelines.clear(),
        200,
        503,
        json!([{ "component": "process", "text": "starting: its pipelines are being built" }]),
        json!([]),
    );
    check(
        |snapshot| {
            let text = "sluice.yaml:3:5: unknown key".into();
            snapshot.reload = ReloadStatus { last_ok: false, text, ..ReloadStatus::default() };
        },
        200,
        200,
        json!([]),
        json!([{ "component": "reload", "text": "sluice.yaml:3:5: unknown key" }]),
    );
    check(
        |snapshot| {
            snapshot.pipelines[0].state = State::Starting;
            snapshot.pipelines[1].halted = Some("why".into());
        },
        200,
        503,
        json!([
            ship("pipeline", "starting"),
            { "pipeline": "index", "component": "plugins", "text": "halted: why" },
        ]),
        json!([]),
    );
}

#[test]
fn a_slow_client_holds_up_nobody() {
    let server = serving(metrics::tests::snapshot(), Bounds { head: BOUNDS.time, ..BOUNDS });
    let mut slow = connect(&server);
    slow.write_all(b"GET /metrics HTTP/1.1\r\nHost: slu").unwrap();
    let silent = connect(&server);
    assert_eq!(ask(&server, "GET", "/healthz").status, 200);
    slow.write_all(b"ice\r\n\r\n").unwrap();
    assert!(rest(slow).starts_with("HTTP/1.1 200 OK\r\n"));
    drop(silent);
}

#[test]
fn connections_are_bounded_and_end() {
    let (short, long) = (Duration::from_millis(300), 2 * PATIENCE);
    for (head, time) in [(short, long), (long, short)] {
        let server = serving(metrics::tests::snapshot(), Bounds { connections: 2, head, time });
        let began = Instant::now();
        let mut silent = [connect(&server), connect(&server)];
        silent[1].write_all(b"GET /metrics HTTP/1.1\r\n").unwrap();
        // No place is left until one of them is turned out.
        assert_eq!(ask(&server, "GET", "/healthz").status, 200);
        assert!(began.elapsed() >= short, "answered after {:?}", began.elapsed());
        for stream in silent {
            assert_eq!(rest(stream), "");
        }
        assert!(began.elapsed() < PATIENCE);
    }
}

/// A liveness probe has a second or two, and what it does not hear in time costs the process its life.
#[test]
fn a_probe_is_answered_in_time_whoever_is_idle() {
    let server = serving(metrics::tests::snapshot(), BOUNDS);
    // More than there are places: the first of them are turned out before the probe gets one.
    for (idle, within) in [(64, Duration::from_secs(2)), (BOUNDS.connections + 40, BOUNDS.time / 2)] {
        let held: Vec<TcpStream> = (0..idle).map(|_| connect(&server)).collect();
        let began = Instant::now();
        assert_eq!(ask(&server, "GET", "/healthz").status, 200);
        assert!(began.elapsed() < within, "{idle} idle: answered after {:?}", began.elapsed());
        drop(held);
    }
}

#[test]
fn what_is_no_request_is_turned_away() {
    let server = serving(metrics::tests::snapshot(), BOUNDS);
    let long = format!("GET /healthz HTTP/1.1\r\nHost: {}\r\n\r\n", "a".repeat(LARGEST_HEAD + 1));
    for (request, expected) in [
        ("\r\n\r\nhello\r\n\r\n", "HTTP/1.1 400 "),
        ("\u{16}\u{3}\u{1} a client that speaks TLS\r\n\r\n", "HTTP/1.1 400 "),
        ("GET /healthz HTTP/9.9\r\n\r\n", "HTTP/1.1 400 "),
        (&long, "HTTP/1.1 431 "),
    ] {
        let mut stream = connect(&server);
        let _ = stream.write_all(request.as_bytes());
        let answer = rest(stream);
        assert!(answer.starts_with(expected), "{}: {answer:?}", &request[..10]);
        assert_eq!(ask(&server, "GET", "/healthz").status, 200);
    }
}

#[test]
fn an_address_that_is_taken_is_named() {
    let server = serving(metrics::tests::snapshot(), BOUNDS);
    let error = start_bounded(server.address(), Arc::new(metrics::tests::snapshot), Arc::default(), BOUNDS)
        .unwrap_err()
        .to_string();
    let expected =
        format!("admin: cannot listen on {}: Address already in use (os error 98); write another", server.address());
    assert!(error.starts_with(&expected), "{error}");
}

#[test]
fn a_dropped_server_is_gone() {
    let server = serving(metrics::tests::snapshot(), BOUNDS);
    let (address, open) = (server.address(), connect(&server));
    drop(server);
    assert_eq!(rest(open), "");
    assert!(TcpStream::connect(address).is_err());
}
