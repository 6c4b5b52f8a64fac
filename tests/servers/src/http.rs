//! As much of an HTTP client as asking a test server needs: one request a connection, JSON both ways.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::Value;

const TIMEOUT: Duration = Duration::from_secs(30);

/// A server's answer, whatever its status.
#[derive(Clone, Debug)]
pub struct Response {
    pub status: u16,
    pub body: String,
}

impl Response {
    pub fn json(&self) -> Result<Value> {
        serde_json::from_str(&self.body).with_context(|| format!("not JSON (status {}): {}", self.status, self.body))
    }

    /// Fails on any status but 2xx, quoting the answer.
    pub fn success(self) -> Result<Self> {
        if !(200..300).contains(&self.status) {
            bail!("status {}: {}", self.status, self.body);
        }
        Ok(self)
    }
}

pub(crate) struct Client {
    port: u16,
    /// Value of the `authorization` header.
    authorization: Option<String>,
    tls: Option<Arc<ClientConfig>>,
}

impl Client {
    pub(crate) fn new(
        port: u16,
        user: Option<(&str, &str)>,
        authority: Option<&CertificateDer<'static>>,
    ) -> Result<Self> {
        let tls = authority.map(tls).transpose()?;
        let authorization =
            user.map(|(name, password)| format!("Basic {}", STANDARD.encode(format!("{name}:{password}"))));
        Ok(Self { port, authorization, tls })
    }

    /// `kind` is the content type of a body.
    pub(crate) fn send(&self, method: &str, path: &str, kind: &str, body: &str) -> Result<Response> {
        let mut headers = String::new();
        if !body.is_empty() {
            headers.push_str(&format!("content-type: {kind}\r\n"));
        }
        if let Some(value) = &self.authorization {
            headers.push_str(&format!("authorization: {value}\r\n"));
        }
        self.forward(method, path, &headers, body.as_bytes())
    }

    /// `headers` are whole lines, without those of host, connection and length.
    pub(crate) fn forward(&self, method: &str, path: &str, headers: &str, body: &[u8]) -> Result<Response> {
        let (port, length) = (self.port, body.len());
        let mut request = format!(
            "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\ncontent-length: {length}\r\n\
             {headers}\r\n"
        )
        .into_bytes();
        request.extend_from_slice(body);
        self.exchange(&request).and_then(|answer| parse(&answer)).with_context(|| format!("{method} {path}"))
    }

    fn exchange(&self, request: &[u8]) -> Result<Vec<u8>> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        match &self.tls {
            None => talk(stream, request),
            Some(config) => {
                let name = ServerName::from(std::net::IpAddr::from(Ipv4Addr::LOCALHOST));
                talk(StreamOwned::new(ClientConnection::new(Arc::clone(config), name)?, stream), request)
            }
        }
    }
}

fn tls(authority: &CertificateDer<'static>) -> Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    roots.add(authority.clone())?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

fn talk(mut stream: impl Read + Write, request: &[u8]) -> Result<Vec<u8>> {
    stream.write_all(request)?;
    stream.flush()?;
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        // A TLS peer that closes without saying so; the length in the head shows whether something is missing.
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(answer),
        Err(error) => Err(error.into()),
        Ok(_) => Ok(answer),
    }
}

fn parse(answer: &[u8]) -> Result<Response> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").context("the answer has no complete head")?;
    let head = std::str::from_utf8(&answer[..end])?;
    let body = &answer[end + 4..];
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).context("the answer has no status")?;
    let header = |wanted: &str| {
        let mut lines = head.lines().filter_map(|line| line.split_once(':'));
        lines.find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim())
    };
    let body = if header("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
        join_chunks(body)?
    } else {
        if let Some(length) = header("content-length") {
            let length: usize = length.parse()?;
            if body.len() != length {
                bail!("the answer's body has {} bytes instead of {length}", body.len());
            }
        }
        body.to_vec()
    };
    Ok(Response { status, body: String::from_utf8(body)? })
}

fn join_chunks(mut rest: &[u8]) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = rest.windows(2).position(|two| two == b"\r\n").context("a chunk's length is missing")?;
        let text = std::str::from_utf8(&rest[..line])?;
        let length = usize::from_str_radix(text.split(';').next().unwrap_or(text).trim(), 16)?;
        rest = &rest[line + 2..];
        if length == 0 {
            return Ok(body);
        }
        body.extend_from_slice(rest.get(..length).context("a chunk is cut off")?);
        rest = rest.get(length + 2..).context("a chunk has no end")?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_in_every_form() {
        let cases = [
            ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}", Some((200, "{}"))),
            ("HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n", Some((429, ""))),
            ("HTTP/1.0 404 Not Found\r\n\r\nto the end", Some((404, "to the end"))),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n",
                Some((200, "abc0123456789")),
            ),
            ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\ncut", None),
            ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\ncut", None),
            ("HTTP/1.1 200 OK\r\ncontent-le", None),
            ("", None),
        ];
        for (answer, expect) in cases {
            let got = parse(answer.as_bytes()).ok();
            assert_eq!(got.as_ref().map(|response| (response.status, response.body.as_str())), expect, "{answer:?}");
        }
    }
}
