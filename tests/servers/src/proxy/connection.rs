//! One client's requests, one after another.

use std::io::{BufReader, Read, Write};
use std::net::TcpStream;
use std::thread;

use anyhow::{Context, Result};

use super::bulk::{self, Bulk};
use super::fault::Fault;
use super::request::Head;
use super::{Shared, lock};
use crate::http::Response;

const JSON: &str = "application/json";

/// Answers until the client has gone, or a fault closes the connection.
pub(super) fn serve(shared: &Shared, number: u64, client: TcpStream) -> Result<()> {
    client.set_nodelay(true).context("cannot set up a connection")?;
    let mut reader = BufReader::new(client.try_clone().context("cannot share a connection")?);
    while let Some(mut head) = Head::read(&mut reader)? {
        if head.is_bulk() {
            match serve_bulk(shared, &mut head, &mut reader, &client)? {
                After::GoOn => {}
                After::Close => return Ok(()),
                After::Silence => {
                    shared.set_silent(number);
                    // The end of the connection, by either side: nothing else is sent by a client that waits.
                    let _ = (&client).read(&mut [0]);
                    return Ok(());
                }
            }
        } else {
            let body = read_body(&mut reader, head.length)?;
            let answer = shared.index.forward(&head.method, &head.path, &head.lines(), &body)?;
            write_answer(&client, answer.status, JSON, &answer.body)?;
        }
    }
    Ok(())
}

/// What becomes of the connection after a request.
enum After {
    GoOn,
    Close,
    Silence,
}

fn serve_bulk(shared: &Shared, head: &mut Head, from: &mut impl Read, client: &TcpStream) -> Result<After> {
    let fault = lock(&shared.rules).next();
    {
        let mut tally = lock(&shared.tally);
        tally.bulks += 1;
        *tally.faults.entry(fault.name()).or_default() += 1;
    }
    if fault == Fault::CutRequest {
        read_body(from, head.length / 2)?;
        return Ok(After::Close);
    }
    let body = read_body(from, head.length)?;
    let body = head.unpack(body)?;
    let bulk = Bulk::parse(&body)?;
    match fault {
        Fault::Status(status) => {
            lock(&shared.tally).items_refused += bulk.len() as u64;
            write_answer(client, status, JSON, &bulk::refused(status))?;
        }
        Fault::WebPage => write_answer(client, 200, "text/html", "<html><body>It works!</body></html>")?,
        Fault::Items { share, status } => refuse_items(shared, head, client, &bulk, share, status)?,
        Fault::Silence { sent_on: false } => return Ok(After::Silence),
        Fault::Delay(time) => {
            thread::sleep(time);
            return answer(shared, &fault, head, &body, bulk.len(), client);
        }
        _ => return answer(shared, &fault, head, &body, bulk.len(), client),
    }
    Ok(After::GoOn)
}

/// Sends the whole request on, and gives back as much of the answer as the fault leaves.
fn answer(shared: &Shared, fault: &Fault, head: &Head, body: &[u8], items: usize, client: &TcpStream) -> Result<After> {
    let Response { status, body: text } = send_on(shared, head, body, items)?;
    match fault {
        Fault::CutAnswer => {
            write_announced(client, status, JSON, text.len(), half(&text))?;
            return Ok(After::Close);
        }
        Fault::Silence { .. } => return Ok(After::Silence),
        Fault::TruncatedAnswer => write_answer(client, status, JSON, half(&text))?,
        Fault::MissingItem => write_answer(client, status, JSON, &bulk::without_last(&text)?)?,
        Fault::CloseAfterAnswer => {
            write_answer(client, status, JSON, &text)?;
            return Ok(After::Close);
        }
        _ => write_answer(client, status, JSON, &text)?,
    }
    Ok(After::GoOn)
}

/// Sends on what is not refused, and answers for all of it.
fn refuse_items(shared: &Shared, head: &Head, client: &TcpStream, bulk: &Bulk, share: f64, status: u16) -> Result<()> {
    let refused = lock(&shared.rules).choose(bulk.len(), share);
    let count = refused.iter().filter(|refused| **refused).count();
    let answer = if count < bulk.len() {
        let answer = send_on(shared, head, &bulk.without(&refused), bulk.len() - count)?;
        if answer.status != 200 {
            return write_answer(client, answer.status, JSON, &answer.body);
        }
        Some(answer.body)
    } else {
        None
    };
    lock(&shared.tally).items_refused += count as u64;
    write_answer(client, 200, JSON, &bulk.weave(&refused, status, answer.as_deref())?)
}

fn send_on(shared: &Shared, head: &Head, body: &[u8], items: usize) -> Result<Response> {
    {
        let mut tally = lock(&shared.tally);
        tally.sent_on += 1;
        tally.items_sent_on += items as u64;
    }
    let answer = shared.index.forward(&head.method, &head.path, &head.lines(), body);
    if answer.is_err() {
        lock(&shared.tally).unreachable += 1;
    }
    answer
}

fn read_body(from: &mut impl Read, length: usize) -> Result<Vec<u8>> {
    let mut body = vec![0; length];
    from.read_exact(&mut body).context("a request is cut off")?;
    Ok(body)
}

fn write_answer(client: &TcpStream, status: u16, kind: &str, body: &str) -> Result<()> {
    write_announced(client, status, kind, body.len(), body)
}

/// Writes an answer whose head announces `length` bytes.
fn write_announced(mut client: &TcpStream, status: u16, kind: &str, length: usize, body: &str) -> Result<()> {
    let head = format!("HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n");
    client.write_all(&[head.as_bytes(), body.as_bytes()].concat()).context("the client has gone")
}

fn half(text: &str) -> &str {
    &text[..text.floor_char_boundary(text.len() / 2)]
}
