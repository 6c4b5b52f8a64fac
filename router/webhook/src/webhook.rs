//! Requests to the webhook over HTTP, on a connection that is kept.

use std::{error::Error, future::Future, time::Duration};

use bytes::Bytes;
use reqwest::{
    Certificate, Client,
    header::{CONTENT_TYPE, RETRY_AFTER},
    redirect::Policy,
};
use sluice_core::Failure;

use crate::{COMPONENT, Config, Url};

/// Bytes that are read of an answer; Slack's are a word.
const LONGEST_ANSWER: usize = 4096;
/// What is kept of it, in bytes.
const LONGEST_TEXT: usize = 200;
/// The key of the certificates in the config.
const CA_FILE: &str = "tls.ca_file";

/// Where messages are posted.
pub trait Endpoint: Send + Sync + 'static {
    /// Posts one message, and returns within the request's timeout.
    fn post(&self, body: Bytes) -> impl Future<Output = Reply> + Send;
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// `text` is the answer's, shortened to one line, without any part of the URL.
    Answered { status: u16, retry_after: Option<String>, text: String },
    /// Without an answer, for this reason: goes on a sentence about the webhook.
    Unreachable(String),
}

/// The webhook of the config.
#[derive(Debug)]
pub struct Webhook {
    client: Client,
    url: Url,
    timeout: Duration,
}

impl Webhook {
    /// Sets up TLS; sends nothing.
    pub fn new(config: &Config) -> Result<Self, Failure> {
        let failure = |key: &str, error: reqwest::Error| {
            Failure::fatal(COMPONENT, format!("{key}: {}", innermost(&error.without_url())))
        };
        // Redirects would carry the message to an address that nobody configured, and a proxy from the environment
        // would be an option that no config shows.
        let mut builder = Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .timeout(config.request_timeout)
            .pool_max_idle_per_host(1)
            .user_agent(concat!("sluice/", env!("CARGO_PKG_VERSION")));
        if let Some(pem) = &config.ca {
            let certificates = Certificate::from_pem_bundle(pem).map_err(|error| failure(CA_FILE, error))?;
            if certificates.is_empty() {
                let text = format!("{CA_FILE}: no certificate in it; name a file with BEGIN CERTIFICATE blocks (PEM)");
                return Err(Failure::fatal(COMPONENT, text));
            }
            builder = certificates.into_iter().fold(builder, |builder, one| builder.add_root_certificate(one));
        }
        let client = builder.build().map_err(|error| failure(CA_FILE, error))?;
        Ok(Self { client, url: config.url.clone(), timeout: config.request_timeout })
    }

    async fn exchange(&self, body: Bytes) -> Result<Reply, reqwest::Error> {
        let request = self.client.post(self.url.address()).header(CONTENT_TYPE, "application/json").body(body);
        let mut response = request.send().await?;
        let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok().map(str::to_owned));
        let status = response.status().as_u16();
        let mut answer = Vec::new();
        // Read to its end where it is short, so that the connection can be used again. The status alone decides: an
        // answer that breaks off behind it does not make a message that was taken one to post again.
        while answer.len() < LONGEST_ANSWER
            && let Ok(Some(chunk)) = response.chunk().await
        {
            answer.extend_from_slice(&chunk);
        }
        answer.truncate(LONGEST_ANSWER);
        let text = one_line(&self.url.redact(&String::from_utf8_lossy(&answer)));
        Ok(Reply::Answered { status, retry_after, text })
    }

    fn explain(&self, error: reqwest::Error) -> String {
        if error.is_timeout() {
            return format!("does not answer within {:?} (request_timeout)", self.timeout);
        }
        let cause = self.url.redact(&innermost(&error.without_url()));
        let advice =
            if cause.contains("ertificate") { format!("; check {CA_FILE} in the config") } else { String::new() };
        format!("cannot be reached: {}{advice}", one_line(&cause))
    }
}

impl Endpoint for Webhook {
    async fn post(&self, body: Bytes) -> Reply {
        self.exchange(body).await.unwrap_or_else(|error| Reply::Unreachable(self.explain(error)))
    }
}

/// The innermost cause alone: what is around it names the request, not the reason.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

fn one_line(text: &str) -> String {
    let words: Vec<_> =
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()).collect();
    let mut line = words.join(" ");
    if line.len() > LONGEST_TEXT {
        line.truncate(line.floor_char_boundary(LONGEST_TEXT));
        line.push('…');
    }
    line
}
