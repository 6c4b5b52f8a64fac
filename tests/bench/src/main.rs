//! An index that only counts: takes `_bulk` requests on loopback, answers as Elasticsearch does when all went well, and
//! keeps nothing. A process of its own, so that its CPU time is not counted as the indexer's.
//!
//! Its first line of output is its address, `http://127.0.0.1:PORT`. For each line of input it prints
//! `{"requests":…,"documents":…,"bytes":…,"sample":{…}}`: bytes of the documents without their newlines and without
//! the action lines, and the first document. It ends with its input.

mod bulk;
mod connection;

use std::io::{self, BufRead as _};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::thread;

use anyhow::{Context, Result};

use crate::bulk::Totals;

fn main() -> Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port on 127.0.0.1")?;
    println!("http://{}", listener.local_addr()?);
    let totals = Arc::new(Totals::default());
    let counted = totals.clone();
    thread::spawn(move || accept(&listener, &counted));
    for line in io::stdin().lock().lines() {
        line.context("cannot read the input")?;
        println!("{}", totals.to_json());
    }
    Ok(())
}

fn accept(listener: &TcpListener, totals: &Arc<Totals>) {
    for stream in listener.incoming().flatten() {
        let totals = totals.clone();
        thread::spawn(move || {
            // A client that goes away ends its connection and nothing else.
            if let Err(error) = connection::serve(stream, &totals) {
                eprintln!("counting-index: {error:#}");
            }
        });
    }
}
