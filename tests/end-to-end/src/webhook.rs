//! A webhook on loopback that keeps what is posted to it, and answers as it is told.

use std::{
    collections::VecDeque,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Instant,
};

use anyhow::{Context, Result};
use serde_json::Value;

/// The part of the address that nobody may see.
const SECRET: &str = "T00/B00/ZG9udC10ZWxsLWFueW9uZQ";

/// What the webhook does with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Take,
    /// 429, with so many seconds to wait.
    TooMany(u32),
    /// 503.
    Unavailable,
    /// Takes the request and closes the connection without a word.
    HangUp,
}

/// A request to the webhook, and what it got.
#[derive(Clone, Debug)]
pub struct Post {
    pub at: Instant,
    pub answer: Answer,
    /// Method, path and version.
    pub request: String,
    /// Header lines, as they came.
    pub headers: Vec<String>,
    pub body: String,
}

/// It listens until the test process ends.
pub struct Webhook {
    port: u16,
    state: Arc<Mutex<State>>,
}

struct State {
    /// The next answers; when there are no more, `last`.
    answers: VecDeque<Answer>,
    last: Answer,
    posts: Vec<Post>,
}

impl Webhook {
    /// It takes everything, until told otherwise.
    pub fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let state = State { answers: VecDeque::new(), last: Answer::Take, posts: Vec::new() };
        let state = Arc::new(Mutex::new(state));
        let shared = state.clone();
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let shared = shared.clone();
                thread::spawn(move || serve(&connection, &shared));
            }
        });
        Ok(Self { port, state })
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/services/{SECRET}", self.port)
    }

    /// Pieces of the address that give it away.
    pub fn secrets(&self) -> [&'static str; 2] {
        ["ZG9udC10ZWxsLWFueW9uZQ", "T00/B00"]
    }

    /// The next messages get these answers, and all after them `then`.
    pub fn answer(&self, next: &[Answer], then: Answer) {
        let mut state = self.state();
        state.answers = next.iter().copied().collect();
        state.last = then;
    }

    /// Every request so far.
    pub fn posts(&self) -> Vec<Post> {
        self.state().posts.clone()
    }

    /// Bodies of the messages that were taken, in order.
    pub fn taken(&self) -> Vec<String> {
        let taken = self.posts().into_iter().filter(|post| post.answer == Answer::Take);
        taken.map(|post| post.body).collect()
    }

    /// The same as JSON, sorted by text.
    pub fn taken_sorted(&self) -> Result<Vec<Value>> {
        let mut taken: Vec<Value> =
            self.taken().iter().map(|body| serde_json::from_str(body)).collect::<Result<_, _>>()?;
        taken.sort_by_key(Value::to_string);
        Ok(taken)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn serve(connection: &TcpStream, state: &Mutex<State>) -> Result<()> {
    let mut reader = BufReader::new(connection);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        match line.trim_end() {
            "" => break,
            line => head.push(line.to_owned()),
        }
    }
    let length = head.iter().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body)?;
    let answer = {
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = state.answers.pop_front().unwrap_or(state.last);
        let request = (!head.is_empty()).then(|| head.remove(0)).context("a request without a line")?;
        let body = String::from_utf8(body)?;
        state.posts.push(Post { at: Instant::now(), answer, request, headers: head, body });
        answer
    };
    let head = match answer {
        Answer::Take => "200 OK\r\n".to_owned(),
        Answer::TooMany(seconds) => format!("429 Too Many Requests\r\nretry-after: {seconds}\r\n"),
        Answer::Unavailable => "503 Service Unavailable\r\n".to_owned(),
        Answer::HangUp => return Ok(()),
    };
    let mut connection = connection;
    Ok(write!(connection, "HTTP/1.1 {head}content-length: 2\r\nconnection: close\r\n\r\nok")?)
}
