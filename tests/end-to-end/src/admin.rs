//! What a process tells over HTTP: `/healthz`, `/readyz` and `/metrics`.

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use anyhow::{Context, Result, ensure};

/// An answer, whatever its status.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: String,
}

/// Figures by name and labels, as in `sluice_records_read_total{pipeline="ship"}`.
pub type Figures = BTreeMap<String, f64>;

impl Answer {
    /// The figures of a page of `/metrics`; each stands there once.
    pub fn figures(&self) -> Result<Figures> {
        ensure!(self.status == 200, "/metrics answers with {}: {}", self.status, self.body);
        let mut figures = Figures::new();
        for line in self.body.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
            let (name, value) = line.rsplit_once(' ').with_context(|| format!("no figure: {line}"))?;
            ensure!(figures.insert(name.to_owned(), value.parse()?).is_none(), "twice: {name}");
        }
        Ok(figures)
    }
}

pub(crate) fn ask(address: SocketAddr, path: &str) -> Result<Answer> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("an answer without an end of its head")?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).context("an answer without a status")?;
    Ok(Answer { status, body: body.to_owned() })
}
