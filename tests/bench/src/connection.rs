//! As much of HTTP/1.1 as the indexer speaks: requests one after another, bodies with a length.

use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::TcpStream;

use anyhow::{Context, Result, bail};

use crate::bulk::{Totals, answer};

/// Answers requests until the client closes the connection.
pub(crate) fn serve(stream: TcpStream, totals: &Totals) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut writer = stream.try_clone()?;
    let mut reader = BufReader::with_capacity(256 * 1024, stream);
    let mut body = Vec::new();
    while let Some(length) = read_head(&mut reader)? {
        body.resize(length, 0);
        reader.read_exact(&mut body).context("a body ends too early")?;
        let answer = answer(totals.count(&body)?);
        let head = format!(
            "HTTP/1.1 200 OK\r\nX-elastic-product: Elasticsearch\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            answer.len()
        );
        writer.write_all(&[head.as_bytes(), &answer].concat())?;
    }
    Ok(())
}

/// The length of the body that follows; `None` if the client has closed the connection.
fn read_head(reader: &mut impl BufRead) -> Result<Option<usize>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let path = line.split([' ', '?']).nth(1);
    if path != Some("/_bulk") {
        bail!("only /_bulk is answered, not {}", line.trim());
    }
    let mut length = 0;
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            bail!("a head ends too early");
        }
        let Some((name, value)) = line.split_once(':') else { return Ok(Some(length)) };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().context("a content-length that is no number")?,
            "content-encoding" | "transfer-encoding" => bail!("only plain bodies are counted: {}", line.trim()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_read() {
        for (head, expect) in [
            ("POST /_bulk?filter_path=errors HTTP/1.1\r\nHost: x\r\nContent-Length: 12\r\n\r\n", Some(Some(12))),
            ("POST /_bulk HTTP/1.1\r\n\r\n", Some(Some(0))),
            ("", Some(None)),
            ("GET / HTTP/1.1\r\n\r\n", None),
            ("POST /_bulk HTTP/1.1\r\nhost: x\r\n", None),
            ("POST /_bulk HTTP/1.1\r\ncontent-encoding: gzip\r\n\r\n", None),
            ("POST /_bulk HTTP/1.1\r\ncontent-length: many\r\n\r\n", None),
        ] {
            assert_eq!(read_head(&mut head.as_bytes()).ok(), expect, "{head}");
        }
    }
}
