//! An HTTP/1.1 server on loopback, on a thread of its own.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use tokio::runtime;
use tokio::sync::oneshot;

use crate::Error;

/// The largest body that is taken; what is larger is answered with 413.
const LARGEST: usize = 64 * 1024 * 1024;

/// What a client asks for.
pub(crate) struct Asked {
    pub method: Method,
    /// Without the query.
    pub path: String,
    /// Whether the body is in gzip.
    pub gzip: bool,
    pub body: Bytes,
}

/// Status, headers and body of an answer.
pub(crate) struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

/// Answers until it is dropped.
pub(crate) struct Endpoint {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Endpoint {
    /// `name` is for errors and the thread.
    pub(crate) fn start(
        name: &'static str,
        answer: impl Fn(Asked) -> Answer + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        let failed = |error| Error::Listen { name, error };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let runtime = runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let listener = {
            let _inside = runtime.enter();
            tokio::net::TcpListener::from_std(listener).map_err(failed)?
        };
        let (stop, stopped) = oneshot::channel();
        let serve = move || {
            runtime.block_on(async {
                tokio::select! {
                    () = accept(&listener, Arc::new(answer)) => {}
                    _ = stopped => {}
                }
            });
        };
        let thread = thread::Builder::new().name(name.to_ascii_lowercase()).spawn(serve).map_err(failed)?;
        Ok(Self { address, stop: Some(stop), thread: Some(thread) })
    }

    /// `http://127.0.0.1:port`
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        drop(self.stop.take());
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

async fn accept<A>(listener: &tokio::net::TcpListener, answer: Arc<A>)
where
    A: Fn(Asked) -> Answer + Send + Sync + 'static,
{
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of descriptors: the client tries again, and so do we.
                tracing::warn!(%error, "a stand-in could not accept a connection");
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                continue;
            }
        };
        let answer = answer.clone();
        tokio::spawn(async move {
            let service = service_fn(|request| respond(request, &*answer));
            // A client that goes in the middle of a request has nobody left to tell.
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn respond(
    request: Request<Incoming>,
    answer: &impl Fn(Asked) -> Answer,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let answer = match Limited::new(body, LARGEST).collect().await {
        Ok(body) => answer(Asked {
            method: head.method,
            path: head.uri.path().to_owned(),
            gzip: head.headers.get("content-encoding").is_some_and(|encoding| encoding == "gzip"),
            body: body.to_bytes(),
        }),
        Err(_) => Answer { status: 413, headers: Vec::new(), body: Vec::new() },
    };
    let mut response = Response::builder().status(answer.status);
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    // Statuses and headers are this crate's own and sound; an empty answer is what is left if they were not.
    Ok(response.body(Full::from(answer.body)).unwrap_or_default())
}
