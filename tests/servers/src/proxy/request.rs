//! A request as it came from a client.

use std::io::{BufRead, Read};

use anyhow::{Context, Result, bail};
use flate2::read::GzDecoder;

/// The head of a request.
pub(super) struct Head {
    pub(super) method: String,
    pub(super) path: String,
    headers: Vec<(String, String)>,
    pub(super) length: usize,
}

impl Head {
    /// Reads up to the empty line; `None` when the client has closed the connection between two requests.
    pub(super) fn read(from: &mut impl BufRead) -> Result<Option<Self>> {
        let Some(first) = line(from)? else { return Ok(None) };
        let mut words = first.split(' ');
        let (Some(method), Some(path)) = (words.next(), words.next()) else { bail!("not a request: {first}") };
        let mut headers = Vec::new();
        loop {
            let text = line(from)?.context("the head of a request is cut off")?;
            if text.is_empty() {
                break;
            }
            let (name, value) = text.split_once(':').with_context(|| format!("not a header: {text}"))?;
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut head = Self { method: method.to_owned(), path: path.to_owned(), headers, length: 0 };
        if head.header("transfer-encoding").is_some() {
            bail!("a request in chunks is not understood");
        }
        head.length = head.header("content-length").map_or(Ok(0), str::parse)?;
        Ok(Some(head))
    }

    pub(super) fn is_bulk(&self) -> bool {
        self.path.split('?').next().is_some_and(|path| path.ends_with("/_bulk"))
    }

    /// The lines to send on: what says what the body is, and who sent it.
    pub(super) fn lines(&self) -> String {
        let sent_on = |name: &str| matches!(name, "content-type" | "content-encoding" | "authorization" | "accept");
        self.headers
            .iter()
            .filter(|(name, _)| sent_on(name))
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect()
    }

    /// Unpacks a body, and forgets that it was packed.
    pub(super) fn unpack(&mut self, body: Vec<u8>) -> Result<Vec<u8>> {
        if self.header("content-encoding").is_none() {
            return Ok(body);
        }
        let mut plain = Vec::new();
        GzDecoder::new(&body[..]).read_to_end(&mut plain).context("the request's body is not gzip")?;
        self.headers.retain(|(name, _)| name != "content-encoding");
        Ok(plain)
    }

    fn header(&self, wanted: &str) -> Option<&str> {
        self.headers.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str())
    }
}

/// One line without its end; `None` at the end of the connection.
fn line(from: &mut impl BufRead) -> Result<Option<String>> {
    let mut text = String::new();
    if from.read_line(&mut text)? == 0 {
        return Ok(None);
    }
    Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned()))
}
