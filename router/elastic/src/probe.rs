//! Asks each host who it is, as `GET /` answers. Nothing is written.

use std::{sync::Arc, time::Duration};

use elasticsearch::http::{
    Method,
    headers::{HeaderMap, HeaderValue, USER_AGENT},
    transport::Transport,
};
use serde_json::Value;
use sluice_core::Failure;

use crate::{
    Config,
    hosts::{connect, explain},
};

/// One host and what became of the question.
#[derive(Debug, PartialEq, Eq)]
pub struct Host {
    /// Its address, without credentials.
    pub name: Arc<str>,
    pub answer: Answer,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    Index {
        /// `elasticsearch`, or what it calls its distribution, such as `opensearch`.
        product: String,
        version: String,
    },
    /// It wants other credentials, or some (401).
    Unauthorized,
    /// These credentials may not ask this; they may be good for writing (403).
    Forbidden,
    /// Something that is no index we know.
    Other { status: u16 },
    /// The reason, as in `cannot be reached: Connection refused`.
    Unreachable(String),
}

/// Asks all hosts at once, each for `within` at most; the answers are in the order of `config.hosts`.
///
/// # Errors
/// Fatal if an address, the credentials or the certificates cannot be used.
pub async fn probe(config: &Config, within: Duration) -> Result<Vec<Host>, Failure> {
    let hosts = config.hosts.iter().map(|url| connect(url, config)).collect::<Result<Vec<_>, _>>()?;
    let asked: Vec<_> = hosts
        .into_iter()
        .map(|(name, transport)| (name, tokio::spawn(async move { ask(&transport, within).await })))
        .collect();
    let mut answers = Vec::with_capacity(asked.len());
    for (name, answer) in asked {
        let answer = answer.await.unwrap_or_else(|_| Answer::Unreachable("cannot be asked".into()));
        answers.push(Host { name, answer });
    }
    Ok(answers)
}

async fn ask(transport: &Transport, within: Duration) -> Answer {
    let silent = || Answer::Unreachable(format!("does not answer within {within:?}"));
    let failed = |error: elasticsearch::Error| if error.is_timeout() { silent() } else { unreachable(&error, within) };
    let exchange = async {
        let mut headers = HeaderMap::new();
        headers.insert(USER_AGENT, HeaderValue::from_static(concat!("sluice/", env!("CARGO_PKG_VERSION"))));
        let request = transport.send(Method::Get, "/", headers, None::<&()>, None::<&str>, Some(within));
        let response = request.await?;
        let status = response.status_code().as_u16();
        response.bytes().await.map(|body| (status, body))
    };
    // The client's own timeout is for a request; this one also bounds the name's look-up and a body that trickles.
    match tokio::time::timeout(within, exchange).await {
        Err(_) => silent(),
        Ok(Err(error)) => failed(error),
        Ok(Ok((401, _))) => Answer::Unauthorized,
        Ok(Ok((403, _))) => Answer::Forbidden,
        Ok(Ok((status, body))) => index(&body).unwrap_or(Answer::Other { status }),
    }
}

fn unreachable(error: &elasticsearch::Error, within: Duration) -> Answer {
    Answer::Unreachable(explain(error, within))
}

fn index(body: &[u8]) -> Option<Answer> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let version = body.get("version")?;
    let text = |key: &str| version.get(key).and_then(Value::as_str).map(short);
    Some(Answer::Index {
        product: text("distribution").unwrap_or_else(|| "elasticsearch".to_owned()),
        version: text("number")?,
    })
}

/// The other side's words, made fit for a line.
fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(50).collect()
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;
    use crate::{Auth, testing::config};

    /// A server that answers every request with `response` and keeps what it was asked.
    async fn server(response: &'static str) -> (String, tokio::task::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 4096];
            let read = stream.read(&mut request).await.unwrap();
            stream.write_all(response.as_bytes()).await.unwrap();
            String::from_utf8_lossy(&request[..read]).into_owned()
        });
        (address.to_string(), asked)
    }

    async fn answer(scheme: &str, response: &'static str) -> Answer {
        let (address, _asked) = server(response).await;
        let config = Config { hosts: vec![format!("{scheme}://{address}")], ..config() };
        probe(&config, Duration::from_secs(5)).await.unwrap().remove(0).answer
    }

    #[tokio::test]
    async fn what_answers_is_told_apart() {
        let index = |product: &str, version: &str| Answer::Index { product: product.into(), version: version.into() };
        for (response, expected) in [
            (
                "HTTP/1.1 200 OK\r\ncontent-length: 30\r\n\r\n{\"version\":{\"number\":\"8.1.2\"}} ",
                index("elasticsearch", "8.1.2"),
            ),
            (
                "HTTP/1.1 200 OK\r\ncontent-length: 59\r\n\r\n{\"version\":{\"distribution\":\"opensearch\",\"number\":\"2.19.1\"}}",
                index("opensearch", "2.19.1"),
            ),
            ("HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n", Answer::Unauthorized),
            ("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n", Answer::Forbidden),
            ("HTTP/1.1 502 Bad Gateway\r\ncontent-length: 4\r\n\r\nnope", Answer::Other { status: 502 }),
            ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}", Answer::Other { status: 200 }),
        ] {
            assert_eq!(answer("http", response).await, expected, "{response}");
        }
    }

    #[tokio::test]
    async fn credentials_and_path_are_used() {
        let (address, asked) = server("HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n").await;
        let auth = Some(Auth::Basic { user: "elastic".into(), password: "hunter2".into() });
        let config = Config { hosts: vec![format!("http://{address}/behind/a/proxy/")], auth, ..config() };
        let hosts = probe(&config, Duration::from_secs(5)).await.unwrap();
        assert_eq!(&*hosts[0].name, format!("http://{address}/behind/a/proxy"));
        let request = asked.await.unwrap().to_lowercase();
        assert!(request.starts_with("get /behind/a/proxy/ "), "{request}");
        assert!(request.contains("authorization: basic "), "{request}");
    }

    #[tokio::test]
    async fn what_cannot_be_reached_says_why() {
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let config = Config { hosts: vec![format!("http://{free}")], ..config() };
        let hosts = probe(&config, Duration::from_secs(5)).await.unwrap();
        let Answer::Unreachable(why) = &hosts[0].answer else { panic!("{hosts:?}") };
        assert!(why.starts_with("cannot be reached: Connection refused"), "{why}");
        let no_tls = answer("https", "HTTP/1.1 400 Bad Request\r\n\r\n").await;
        let Answer::Unreachable(why) = &no_tls else { panic!("{no_tls:?}") };
        assert!(why.starts_with("cannot be reached: ") && why.contains("InvalidContentType"), "{why}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_host_that_says_nothing_is_not_waited_for_long() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = format!("http://{}", listener.local_addr().unwrap());
        let hosts = probe(&Config { hosts: vec![host], ..config() }, Duration::from_secs(10)).await.unwrap();
        assert_eq!(hosts[0].answer, Answer::Unreachable("does not answer within 10s".into()));
    }
}
