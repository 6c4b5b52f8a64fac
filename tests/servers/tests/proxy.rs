//! What a proxy that fails as it is told gives its client, and what it sends on: by an index that only writes down.

#![allow(clippy::unwrap_used, reason = "clippy knows tests by `cfg(test)`, which helpers of this file do not have")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use sluice_servers::{Fault, FaultProxy, Rule, When, wait_until};

const PAIR: &str = "{\"create\":{}}\n{\"n\":0}\n";

/// The number of documents in each bulk that came.
type Came = Arc<Mutex<Vec<usize>>>;

/// Answers every request as an index that takes everything.
fn index() -> (u16, Came) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let came = Came::default();
    let seen = came.clone();
    thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let (_, body) = read_message(&mut BufReader::new(client.try_clone().unwrap())).unwrap();
            let count = body.lines().count() / 2;
            seen.lock().unwrap().push(count);
            let items = vec![r#"{"create":{"status":201}}"#; count].join(",");
            let text = format!(r#"{{"errors":false,"items":[{items}]}}"#);
            write!(client, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{text}", text.len()).unwrap();
        }
    });
    (port, came)
}

/// First line and body; `None` if the connection ends before they do.
fn read_message(from: &mut impl BufRead) -> Option<(String, String)> {
    let (mut first, mut length) = (String::new(), 0);
    from.read_line(&mut first).ok()?;
    loop {
        let mut line = String::new();
        if from.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if let Some(text) = line.trim().strip_prefix("content-length: ") {
            length = text.parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body).ok()?;
    Some((first, String::from_utf8(body).unwrap()))
}

/// A bulk of four documents; status and body of the answer, and whether the connection is still open.
fn ask(proxy: &FaultProxy) -> Option<(u16, String, bool)> {
    let client = connect(proxy);
    let body = PAIR.repeat(4);
    // A connection that is cut may be so before all is written.
    let _ = write!(&client, "POST /_bulk?x HTTP/1.1\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let mut reader = BufReader::new(client.try_clone().unwrap());
    let (first, body) = read_message(&mut reader)?;
    client.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    let is_open = reader.read(&mut [0]).is_err();
    Some((first.split(' ').nth(1).unwrap().parse().unwrap(), body, is_open))
}

fn connect(proxy: &FaultProxy) -> TcpStream {
    TcpStream::connect(proxy.url().strip_prefix("http://").unwrap()).unwrap()
}

#[test]
fn faults_are_what_they_say() {
    let whole = r#"{"errors":false,"items":[{"create":{"status":201}},{"create":{"status":201}},{"create":{"status":201}},{"create":{"status":201}}]}"#;
    let all = |text: &str| Some((200, text.to_owned(), true));
    for (fault, expected, sent_on) in [
        (Fault::None, all(whole), Some(4)),
        (Fault::WebPage, all("<html><body>It works!</body></html>"), None),
        (Fault::TruncatedAnswer, all(&whole[..whole.len() / 2]), Some(4)),
        (Fault::MissingItem, all(&whole.replacen(r#"{"create":{"status":201}},"#, "", 1)), Some(4)),
        (Fault::CloseAfterAnswer, Some((200, whole.to_owned(), false)), Some(4)),
        (Fault::Delay(Duration::from_millis(1)), all(whole), Some(4)),
        (Fault::CutRequest, None, None),
        (Fault::CutAnswer, None, Some(4)),
    ] {
        let (port, came) = index();
        let proxy = FaultProxy::start(port, 1).unwrap();
        proxy.set(fault.clone());
        assert_eq!(ask(&proxy), expected, "{fault:?}");
        assert_eq!(came.lock().unwrap().first().copied(), sent_on, "{fault:?}");
        let tally = proxy.tally();
        assert_eq!((tally.bulks, tally.items_sent_on), (1, sent_on.unwrap_or(0) as u64));
        assert_eq!(tally.faults[fault.name()], 1);
    }
}

#[test]
fn refused_documents_are_not_sent_on() {
    let (port, came) = index();
    let proxy = FaultProxy::start(port, 1).unwrap();
    for (share, at_least) in [(0.5, 1), (1.0, 4)] {
        let before = proxy.tally();
        proxy.set(Fault::Items { share, status: 429 });
        let (status, body, is_open) = ask(&proxy).unwrap();
        let refused = body.matches("es_rejected_execution_exception").count();
        assert!(refused >= at_least && is_open && status == 200, "{body}");
        let tally = proxy.tally();
        assert_eq!((tally.items_refused - before.items_refused) as usize, refused);
        assert_eq!((tally.items_sent_on - before.items_sent_on) as usize, 4 - refused);
    }
    assert_eq!(came.lock().unwrap().len(), 1, "a bulk without a document is not sent");
    proxy.set_rules(vec![Rule { fault: Fault::Status(429), when: When::First(1) }]);
    assert_eq!(ask(&proxy).unwrap().0, 429);
    assert_eq!(ask(&proxy).unwrap().0, 200);
}

#[test]
fn silence_lasts_until_the_proxy_heals() {
    for sent_on in [true, false] {
        let (port, came) = index();
        let proxy = FaultProxy::start(port, 1).unwrap();
        proxy.set(Fault::Silence { sent_on });
        let client = connect(&proxy);
        write!(&client, "POST /_bulk HTTP/1.1\r\ncontent-length: {}\r\n\r\n{PAIR}", PAIR.len()).unwrap();
        wait_until(Duration::from_secs(10), || Ok(proxy.tally().bulks == 1)).unwrap();
        client.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        assert!((&client).read(&mut [0]).is_err(), "no answer, and no end");
        assert_eq!(came.lock().unwrap().len(), usize::from(sent_on));
        // Its connection may be silent only a moment after the request was counted.
        let closed = || {
            proxy.heal();
            Ok(matches!((&client).read(&mut [0]), Ok(0)))
        };
        wait_until(Duration::from_secs(10), closed).unwrap();
        assert!(ask(&proxy).is_some());
    }
}

/// A proxy that ends takes its connections along, and an index that is down is a closed connection.
#[test]
fn ends_are_ends() {
    let (port, _) = index();
    let proxy = FaultProxy::start(port, 1).unwrap();
    let client = connect(&proxy);
    write!(&client, "POST /_bulk HTTP/1.1\r\ncontent-length: {}\r\n\r\n{PAIR}", PAIR.len()).unwrap();
    assert!(read_message(&mut BufReader::new(client.try_clone().unwrap())).is_some());
    drop(proxy);
    assert_eq!((&client).read(&mut [0]).unwrap(), 0);

    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let proxy = FaultProxy::start(free, 1).unwrap();
    assert_eq!(ask(&proxy), None);
    assert_eq!((proxy.tally().sent_on, proxy.tally().unreachable), (1, 1));
}
