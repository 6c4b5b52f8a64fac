//! A server on loopback that answers as told.

use std::{
    collections::VecDeque,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

/// How one request is answered; later ones are taken.
#[derive(Clone, Copy, Debug)]
pub enum Told {
    /// Status, a header or nothing, body.
    Answer(u16, &'static str, &'static str),
    /// A bulk answer with this item for the first document and 201 for the others.
    First(&'static str),
    /// A bulk answer with one item less than there were documents.
    OneLess,
    /// The connection is closed without a word.
    Hangup,
    /// Nothing, until the client gives up.
    Silence,
}

#[derive(Default)]
struct Script {
    told: VecDeque<Told>,
    bodies: Vec<Vec<u8>>,
}

/// Serves until the process ends; every connection has a thread.
pub struct Server {
    pub url: String,
    script: Arc<Mutex<Script>>,
}

impl Server {
    pub fn start(told: &[Told]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let script = Arc::new(Mutex::new(Script { told: told.iter().copied().collect(), ..Script::default() }));
        let shared = script.clone();
        thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                let script = shared.clone();
                thread::spawn(move || {
                    let mut connection = BufReader::new(connection);
                    while serve(&mut connection, &script).is_some() {}
                });
            }
        });
        Self { url, script }
    }

    /// The bodies of all requests so far.
    pub fn bodies(&self) -> Vec<Vec<u8>> {
        self.script.lock().unwrap().bodies.clone()
    }
}

/// Answers one request; `None` when the connection is to be closed.
fn serve(connection: &mut BufReader<TcpStream>, script: &Mutex<Script>) -> Option<()> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if connection.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end().to_lowercase().split_once(": ") {
            Some(("content-length", value)) => length = value.parse().unwrap(),
            None if line.trim_end().is_empty() => break,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    connection.read_exact(&mut body).ok()?;
    let documents = body.iter().filter(|byte| **byte == b'\n').count() / 2;
    let told = {
        let mut script = script.lock().unwrap();
        script.bodies.push(body);
        script.told.pop_front()
    };
    let items = |first: &str, count: usize| {
        let created = r#"{"create":{"status":201}}"#;
        let items: Vec<&str> = (0..count).map(|at| if at == 0 { first } else { created }).collect();
        format!(r#"{{"errors":false,"items":[{}]}}"#, items.join(","))
    };
    let taken = items(r#"{"create":{"status":201}}"#, documents);
    let (status, header, body) = match told {
        None => (200, "", taken),
        Some(Told::Answer(status, header, body)) => (status, header, body.to_owned()),
        Some(Told::First(item)) => (200, "", items(item, documents)),
        Some(Told::OneLess) => (200, "", items(r#"{"create":{"status":201}}"#, documents - 1)),
        Some(Told::Hangup) => return None,
        Some(Told::Silence) => {
            let _ = connection.read(&mut [0]);
            return None;
        }
    };
    let header = if header.is_empty() { String::new() } else { format!("{header}\r\n") };
    let answer = format!("HTTP/1.1 {status} X\r\n{header}content-length: {}\r\n\r\n{body}", body.len());
    connection.get_mut().write_all(answer.as_bytes()).ok()
}
