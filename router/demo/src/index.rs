//! A stand-in for Elasticsearch: takes `_bulk` requests with `create`, and keeps what fits.

mod bulk;
mod shelf;

use std::io::Read as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use crate::Error;
use crate::endpoint::{Answer, Asked, Endpoint};

pub use shelf::Document;
use shelf::Shelf;

/// What it says its version is: the one that `./dev demo --real` starts.
const VERSION: &str = "8.19.21";
/// The largest unpacked body, as the one that came.
const LARGEST: u64 = 64 * 1024 * 1024;

/// A running stand-in; ends when it is dropped.
pub struct Index {
    endpoint: Endpoint,
    shelf: Arc<Mutex<Shelf>>,
}

impl Index {
    /// `look` sees each document once, when it is new.
    pub fn start(look: impl Fn(&Value) + Send + Sync + 'static) -> Result<Self, Error> {
        let shelf = Arc::new(Mutex::new(Shelf::default()));
        let taking = shelf.clone();
        let endpoint = Endpoint::start("Elasticsearch", move |asked| answer(asked, &taking, &look))?;
        Ok(Self { endpoint, shelf })
    }

    /// `http://127.0.0.1:port`
    pub fn url(&self) -> String {
        self.endpoint.url()
    }

    /// Documents that were created.
    pub fn documents(&self) -> u64 {
        self.shelf().documents
    }

    /// Documents that were there already, and answered with 409.
    pub fn repeats(&self) -> u64 {
        self.shelf().repeats
    }

    /// The newest of the documents that are kept for which `wanted` holds.
    pub fn latest(&self, wanted: impl Fn(&Document) -> bool) -> Option<Document> {
        self.shelf().latest(wanted).cloned()
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn answer(asked: Asked, shelf: &Mutex<Shelf>, look: &impl Fn(&Value)) -> Answer {
    let mut shelf = shelf.lock().unwrap_or_else(PoisonError::into_inner);
    let last = asked.path.rsplit('/').next().unwrap_or_default();
    match (asked.method.as_str(), last) {
        ("GET" | "HEAD", "") => json(200, &about()),
        ("POST" | "PUT", "_bulk") => match unpacked(&asked).and_then(|body| bulk::take(&body, &mut shelf, look)) {
            Ok(body) => json(200, &body),
            Err(reason) => json(400, &refusal("illegal_argument_exception", &reason, 400)),
        },
        ("GET" | "POST", "_count") => json(200, &json!({ "count": shelf.documents })),
        ("GET" | "POST", "_search") => json(200, &search(&shelf)),
        (method, _) => {
            let reason = format!("the demo's index has no {method} {}; it knows _bulk, _count and _search", asked.path);
            json(404, &refusal("resource_not_found_exception", &reason, 404))
        }
    }
}

fn json(status: u16, body: &Value) -> Answer {
    let headers = vec![
        ("content-type", "application/json".to_owned()),
        // Clients from 8 on talk to nothing that does not say so.
        ("X-elastic-product", "Elasticsearch".to_owned()),
    ];
    Answer { status, headers, body: body.to_string().into_bytes() }
}

fn about() -> Value {
    json!({
        "name": "sluice-demo",
        "cluster_name": "sluice-demo",
        "version": { "number": VERSION, "build_flavor": "default" },
        "tagline": "You Know, for Search",
    })
}

fn refusal(kind: &str, reason: &str, status: u16) -> Value {
    json!({ "error": { "type": kind, "reason": reason }, "status": status })
}

/// The newest ten documents, whatever was searched for.
fn search(shelf: &Shelf) -> Value {
    let hit = |document: &Document| {
        let source: Value = serde_json::from_str(&document.source).unwrap_or_default();
        json!({ "_index": document.index, "_id": document.id, "_source": source })
    };
    let hits: Vec<Value> = shelf.newest().take(10).map(hit).collect();
    json!({ "hits": { "total": { "value": shelf.documents, "relation": "eq" }, "hits": hits } })
}

fn unpacked(asked: &Asked) -> Result<Vec<u8>, String> {
    if !asked.gzip {
        return Ok(asked.body.to_vec());
    }
    let mut body = Vec::new();
    let packed = flate2::read::MultiGzDecoder::new(&asked.body[..]);
    packed.take(LARGEST).read_to_end(&mut body).map_err(|error| format!("the body is no gzip: {error}"))?;
    Ok(body)
}
