//! From a line to Slack: the notifier and the sink as the config puts them together.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    thread,
};

use serde_json::Value;

use crate::world::{World, component, eventually};

const EXCEPTION: &str = "java.lang.IllegalStateException: the till is empty";

#[test]
fn an_exception_is_posted_and_its_repeat_told_and_no_secret_is_in_the_log() {
    let world = World::new(&["logs"]);
    let (address, posts) = webhook();
    fs::write(world.path("slack-url"), format!("http://{address}/services/T000/B000/s3cr3t-token\n")).unwrap();
    let (brokers, notifier) = (world.brokers(), component("exception-notifier").display().to_string());
    let config = format!(
        "pipelines:
{ship}  alert:
    source: {{ kafka: {{ brokers: [{brokers}], group: alerts, topics: [logs] }} }}
    plugins: [{{ name: exceptions, component: {notifier} }}]
    sink: {{ slack: {{ webhook: {{ file: {url} }}, max_age: off }} }}
{dead_letter}",
        ship = world.pipeline("ship", "", "logs"),
        url = world.path("slack-url").display(),
        dead_letter = world.dead_letter(),
    );
    world.write("sluice.yaml", &config);
    fs::create_dir_all(world.path("logs")).unwrap();
    let lines = ["all is well", EXCEPTION, "still well", EXCEPTION];
    let lines = lines.map(|line| format!("2026-01-01T00:00:00.000000000Z stdout F {line}\n")).concat();
    fs::write(world.path(&format!("logs/ship_shop_till-{}.log", "0".repeat(64))), lines).unwrap();

    let sluice = world.run("sluice.yaml");
    let mut received: Vec<Value> = Vec::new();
    eventually("a post", || {
        received.extend(posts.try_iter());
        !received.is_empty()
    });
    let books = sluice.stop(&["ship", "alert"]);
    received.extend(posts.try_iter());

    let texts: Vec<&str> = received.iter().filter_map(|post| post["attachments"][0]["text"].as_str()).collect();
    let first = "Found problem in log\nContainer: till\nNamespace: shop \nPod: ship \nHost: unknown";
    assert_eq!((texts.len(), texts[0]), (2, first), "{texts:?}");
    assert!(texts[1].starts_with(&format!("{first}\nRepeated 1 time in the last ")), "{texts:?}");
    assert_eq!((&books[1]["read"], &books[1]["delivered"], &books[1]["dropped"]), (&4.into(), &1.into(), &3.into()));
    let log = fs::read_to_string(world.path("log")).unwrap();
    assert!(!log.contains("s3cr3t") && !log.contains("IllegalState"), "{log}");
}

/// A receiver that takes every post.
fn webhook() -> (String, mpsc::Receiver<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (sender, posts) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            if let Some(post) = take(stream)
                && sender.send(post).is_err()
            {
                return;
            }
        }
    });
    (address, posts)
}

fn take(mut stream: TcpStream) -> Option<Value> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let line = line.trim().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok").ok()?;
    serde_json::from_slice(&body).ok()
}
