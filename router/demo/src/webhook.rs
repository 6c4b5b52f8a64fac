//! A stand-in for Slack: takes messages, and refuses one now and then because it came too soon.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use serde_json::Value;

use crate::Error;
use crate::endpoint::{Answer, Asked, Endpoint};

/// Messages kept to be shown.
const KEPT: usize = 200;
/// Of so many requests one is refused.
const REFUSED: u64 = 6;
/// What a refusal asks to wait, in seconds.
const RETRY_AFTER: &str = "1";
/// As Slack's; the rest of the URL is what must stay secret.
const PATH: &str = "/services/T00000000/B00000000/demo";

/// A message that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    pub at: Instant,
    /// The texts of its attachments, or its own, one below the other.
    pub text: String,
}

/// A running stand-in; ends when it is dropped.
pub struct Webhook {
    endpoint: Endpoint,
    board: Arc<Mutex<Board>>,
}

#[derive(Default)]
struct Board {
    requests: u64,
    posted: u64,
    refused: u64,
    posts: VecDeque<Post>,
}

impl Webhook {
    pub fn start() -> Result<Self, Error> {
        let board = Arc::new(Mutex::new(Board::default()));
        let taking = board.clone();
        let endpoint = Endpoint::start("Slack", move |asked| {
            taking.lock().unwrap_or_else(PoisonError::into_inner).answer(&asked)
        })?;
        Ok(Self { endpoint, board })
    }

    /// Where to post to.
    pub fn url(&self) -> String {
        format!("{}{PATH}", self.endpoint.url())
    }

    /// Messages that were taken.
    pub fn posted(&self) -> u64 {
        self.board().posted
    }

    /// Requests answered with 429.
    pub fn refused(&self) -> u64 {
        self.board().refused
    }

    /// The messages taken last, the newest first.
    pub fn latest(&self, count: usize) -> Vec<Post> {
        self.board().posts.iter().take(count).cloned().collect()
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Board {
    fn answer(&mut self, asked: &Asked) -> Answer {
        let plain = |status: u16, text: &str| Answer { status, headers: Vec::new(), body: text.as_bytes().to_vec() };
        if asked.path != PATH {
            return plain(404, "no_service");
        }
        self.requests += 1;
        if self.requests.is_multiple_of(REFUSED) {
            self.refused += 1;
            let headers = vec![("retry-after", RETRY_AFTER.to_owned())];
            return Answer { headers, ..plain(429, "rate_limited") };
        }
        let Some(text) = text(&asked.body) else { return plain(400, "invalid_payload") };
        self.posted += 1;
        self.posts.push_front(Post { at: Instant::now(), text });
        self.posts.truncate(KEPT);
        plain(200, "ok")
    }
}

/// `None` if it is no message, or one without text.
fn text(body: &[u8]) -> Option<String> {
    let message: Value = serde_json::from_slice(body).ok()?;
    let attachments = message["attachments"].as_array().into_iter().flatten();
    let texts = attachments.map(|attachment| &attachment["text"]).chain([&message["text"]]);
    let texts: Vec<&str> = texts.filter_map(Value::as_str).collect();
    (!texts.is_empty()).then(|| texts.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_taken_and_every_sixth_request_is_refused() {
        let mut board = Board::default();
        let mut ask = |path: &str, body: &str| {
            let body = body.to_owned().into();
            let asked = Asked { method: hyper::Method::POST, path: path.into(), gzip: false, body };
            let answer = board.answer(&asked);
            (answer.status, answer.headers.iter().any(|(name, _)| *name == "retry-after"))
        };
        let message = r##"{"attachments":[{"text":"Found problem","color":"#00FF00"}]}"##;
        for (path, body, expect) in [
            (PATH, message, 200),
            (PATH, r#"{"text":"plain"}"#, 200),
            (PATH, "nonsense", 400),
            (PATH, r#"{"attachments":[]}"#, 400),
            ("/elsewhere", message, 404),
            (PATH, message, 200),
            (PATH, message, 429),
            (PATH, message, 200),
        ] {
            assert_eq!(ask(path, body), (expect, expect == 429), "{path} {body}");
        }
        assert_eq!((board.posted, board.refused), (4, 1));
        let texts: Vec<&str> = board.posts.iter().map(|post| post.text.as_str()).collect();
        assert_eq!(texts[..2], ["Found problem", "Found problem"]);
        assert_eq!(texts[2..], ["plain", "Found problem"]);
    }

    #[test]
    fn posts_are_bounded() {
        let mut board = Board::default();
        let body: bytes::Bytes = r#"{"text":"again"}"#.into();
        for _ in 0..2 * KEPT {
            let asked = Asked { method: hyper::Method::POST, path: PATH.into(), gzip: false, body: body.clone() };
            board.answer(&asked);
        }
        assert_eq!(board.posts.len(), KEPT);
    }
}
