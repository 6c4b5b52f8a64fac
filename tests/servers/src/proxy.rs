//! A proxy in front of a real index that fails as it is told, for bulk requests alone.
//!
//! It knows what it does to each document: what is refused here was never sent on, and what is cut off afterwards is in
//! the index. So a test can say which documents must be there.

mod bulk;
mod connection;
mod fault;
mod request;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result};

use crate::http::Client;
use crate::port::Port;

use fault::Rules;
pub use fault::{Fault, Rule, Tally, When};

/// A proxy on loopback; it ends when it is dropped, and so does every connection through it.
pub struct FaultProxy {
    port: Port,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

/// What the connections share.
struct Shared {
    index: Client,
    rules: Mutex<Rules>,
    tally: Mutex<Tally>,
    /// The open connections, so that they can be closed from outside.
    open: Mutex<BTreeMap<u64, Open>>,
    next: AtomicU64,
    stopping: AtomicBool,
}

struct Open {
    client: TcpStream,
    /// Its client gets no answer.
    is_silent: bool,
}

impl FaultProxy {
    /// Stands in front of the index (plain http) on this port of 127.0.0.1, and passes everything until told otherwise.
    /// `seed` decides what a share falls on.
    pub fn start(index_port: u16, seed: u64) -> Result<Self> {
        let port = Port::reserve()?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port.number())).context("cannot listen as a proxy")?;
        let shared = Arc::new(Shared {
            index: Client::new(index_port, None, None)?,
            rules: Mutex::new(Rules::new(seed)),
            tally: Mutex::default(),
            open: Mutex::default(),
            next: AtomicU64::new(0),
            stopping: AtomicBool::new(false),
        });
        let accepting = thread::spawn({
            let shared = shared.clone();
            move || shared.accept(&listener)
        });
        Ok(Self { port, shared, accepting: Some(accepting) })
    }

    /// `http://127.0.0.1:PORT`, for `hosts` of a config.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port.number())
    }

    /// From now on every bulk request meets this fault.
    pub fn set(&self, fault: Fault) {
        self.set_rules(vec![Rule { fault, when: When::Always }]);
    }

    /// From now on a bulk request meets the fault of the first rule that falls on it, and passes without one. A request
    /// that is under way ends as it began.
    pub fn set_rules(&self, rules: Vec<Rule>) {
        lock(&self.shared.rules).set(rules);
    }

    /// Everything passes again. Connections that were left without an answer are closed.
    pub fn heal(&self) {
        self.set_rules(Vec::new());
        self.shared.close(|open| open.is_silent);
    }

    /// Closes every connection now, whatever is under way on it.
    pub fn cut_all(&self) {
        self.shared.close(|_| true);
    }

    /// What was done since the start.
    pub fn tally(&self) -> Tally {
        lock(&self.shared.tally).clone()
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts; if nobody listens any more, it has ended already.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port.number()));
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
        self.shared.close(|_| true);
    }
}

impl Shared {
    fn accept(self: &Arc<Self>, listener: &TcpListener) {
        for client in listener.incoming() {
            if self.stopping.load(Ordering::SeqCst) {
                return;
            }
            // A client that left before it was accepted is no concern of the others.
            let Ok(client) = client else { continue };
            let shared = self.clone();
            thread::spawn(move || shared.serve(client));
        }
    }

    fn serve(&self, client: TcpStream) {
        let Ok(handle) = client.try_clone() else { return };
        let number = self.next.fetch_add(1, Ordering::SeqCst);
        lock(&self.open).insert(number, Open { client: handle, is_silent: false });
        // An error is the end of the connection, and the client sees it as that.
        let _ = connection::serve(self, number, client);
        lock(&self.open).remove(&number);
    }

    /// This connection's client waits for nothing, until it goes or the proxy heals.
    fn set_silent(&self, number: u64) {
        if let Some(open) = lock(&self.open).get_mut(&number) {
            open.is_silent = true;
        }
    }

    fn close(&self, which: impl Fn(&Open) -> bool) {
        for open in lock(&self.open).values().filter(|open| which(open)) {
            // One that its client has closed is closed.
            let _ = open.client.shutdown(Shutdown::Both);
        }
    }
}

/// A thread that panicked while it held a lock has left whole values behind: each is set in one step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
