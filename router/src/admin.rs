//! The admin server: `/healthz`, `/readyz`, `/status` and `/metrics` over HTTP, for probes, scrapers and people.
//!
//! It reads, and takes one order from this machine itself: that a plugin goes back to the version before. It has a thread of its own, so that it answers while pipelines are busy, and one that does not
//! answer says that the process is in trouble, not that it has much to do.

mod answer;
pub(crate) mod readiness;
mod rollback;
#[cfg(test)]
mod tests;

use std::{
    convert::Infallible,
    net::{SocketAddr, TcpListener},
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use anyhow::{Context, Result, anyhow};
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{self, TcpStream},
    runtime,
    sync::{Semaphore, oneshot},
    time::{sleep, timeout},
};
use tracing::{debug, info};

use crate::{metrics::Snapshot, process::Observed};

/// What clients may take of the process.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    /// Connections at once; more wait in the system's queue, unaccepted.
    connections: usize,
    /// How long one connection may take from its acceptance to the last byte of its request's head. Short, since
    /// whoever holds a place and asks nothing may keep out the probe that decides whether the process lives.
    head: Duration,
    /// The same to the last byte of its answer.
    time: Duration,
}

const BOUNDS: Bounds = Bounds { connections: 256, head: Duration::from_secs(1), time: Duration::from_secs(10) };
/// What the head of a request may have, in bytes.
const LARGEST_HEAD: usize = 16 << 10;
/// After a connection could not be accepted: usually there are too many open files, which takes time to change.
const BREATH: Duration = Duration::from_millis(100);

/// A server that runs until it is dropped.
#[derive(Debug)]
pub struct AdminServer {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Listens on `listen` from now on, and answers with what `observed` tells at that moment.
///
/// The error names the address and what to do.
pub fn start(listen: SocketAddr, observed: Arc<Observed>) -> Result<AdminServer> {
    let look = observed.clone();
    start_bounded(listen, Arc::new(move || Snapshot::of(&look)), observed, BOUNDS)
}

/// What is to be told now.
type Look = Arc<dyn Fn() -> Snapshot + Send + Sync>;

fn start_bounded(listen: SocketAddr, look: Look, observed: Arc<Observed>, bounds: Bounds) -> Result<AdminServer> {
    let listener = TcpListener::bind(listen).map_err(|error| {
        anyhow!(
            "admin: cannot listen on {listen}: {error}; write another address of this machine to `admin.listen`, \
             or end the process that has it"
        )
    })?;
    let address = listener.local_addr().context("admin: cannot tell its address")?;
    listener.set_nonblocking(true).context("admin: cannot set up its socket")?;
    let runtime = runtime::Builder::new_current_thread().enable_all().build().context("admin: cannot start")?;
    let (stop, stopped) = oneshot::channel();
    let serve = move || {
        runtime.block_on(async {
            tokio::select! {
                _ = stopped => {}
                () = serve(listener, look, observed, bounds) => {}
            }
        });
    };
    let thread = thread::Builder::new().name("admin".into()).spawn(serve).context("admin: cannot start its thread")?;
    info!(%address, "answers /healthz, /readyz, /status and /metrics");
    Ok(AdminServer { address, stop: Some(stop), thread: Some(thread) })
}

impl AdminServer {
    /// Where it listens: with the port that the system chose, if none was given.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for AdminServer {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic there is told already, by the hook that writes it.
            let _ = thread.join();
        }
    }
}

async fn serve(listener: TcpListener, look: Look, observed: Arc<Observed>, bounds: Bounds) {
    let listener = match net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return tracing::error!(%error, "admin: cannot watch its socket; nothing is answered"),
    };
    let room = Arc::new(Semaphore::new(bounds.connections));
    loop {
        let Ok(place) = room.clone().acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, from)) => {
                let connection = connection(stream, from, look.clone(), observed.clone(), bounds);
                tokio::spawn(async move {
                    connection.await;
                    drop(place);
                });
            }
            Err(error) => {
                debug!(%error, "admin: a connection could not be accepted");
                sleep(BREATH).await;
            }
        }
    }
}

/// One request and its answer. Whoever asks again connects again: so a connection ends in bounded time, and none is
/// held by a client that has nothing to ask.
async fn connection(stream: TcpStream, from: SocketAddr, look: Look, observed: Arc<Observed>, bounds: Bounds) {
    let service = service_fn(|request: Request<Incoming>| {
        let (look, observed) = (look.clone(), observed.clone());
        async move {
            Ok::<_, Infallible>(match request.uri().path() {
                rollback::PATH => rollback::answer(from.ip(), request, &observed).await,
                path => answer::to(request.method(), path, &*look),
            })
        }
    });
    let mut http = http1::Builder::new();
    http.keep_alive(false).max_buf_size(LARGEST_HEAD).timer(TokioTimer::new()).header_read_timeout(bounds.head);
    match timeout(bounds.time, http.serve_connection(TokioIo::new(stream), service)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => debug!(%error, "admin: a client went away, or does not speak HTTP"),
        Err(_) => debug!("admin: a client took too long"),
    }
}
