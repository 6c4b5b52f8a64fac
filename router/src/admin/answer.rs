//! What is answered to which request.

use http_body_util::Full;
use hyper::{
    Method, Response, StatusCode,
    body::Bytes,
    header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue},
};
use serde_json::json;

use super::readiness;
use crate::{
    metrics::{self, Snapshot},
    status,
};

pub(super) const JSON: &str = "application/json";

/// The answer to a request; of one with HEAD, the server leaves the body out.
pub(super) fn to(method: &Method, path: &str, snapshot: impl Fn() -> Snapshot) -> Response<Full<Bytes>> {
    let answer: fn(&Snapshot) -> Response<Full<Bytes>> = match path {
        "/healthz" => alive,
        "/readyz" => ready,
        "/status" => told,
        "/metrics" => measured,
        _ => {
            let error = "nothing is here; ask for /healthz, /readyz, /status or /metrics, or order /rollback";
            return response(StatusCode::NOT_FOUND, JSON, json!({ "error": error }).to_string());
        }
    };
    if !matches!(*method, Method::GET | Method::HEAD) {
        return not_allowed("this can only be read; use GET", "GET, HEAD");
    }
    answer(&snapshot())
}

pub(super) fn not_allowed(error: &str, allowed: &'static str) -> Response<Full<Bytes>> {
    let mut refusal = response(StatusCode::METHOD_NOT_ALLOWED, JSON, json!({ "error": error }).to_string());
    refusal.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    refusal
}

fn alive(snapshot: &Snapshot) -> Response<Full<Bytes>> {
    let reasons = readiness::failed(snapshot);
    let body = json!({ "alive": reasons.is_empty(), "reasons": reasons });
    response(probe(reasons.is_empty()), JSON, body.to_string())
}

fn ready(snapshot: &Snapshot) -> Response<Full<Bytes>> {
    let reasons = readiness::unready(snapshot);
    let body = json!({ "ready": reasons.is_empty(), "reasons": reasons, "notes": readiness::notes(snapshot) });
    response(probe(reasons.is_empty()), JSON, body.to_string())
}

/// Always 200: what it tells of is in the document.
fn told(snapshot: &Snapshot) -> Response<Full<Bytes>> {
    response(StatusCode::OK, JSON, json!(status::collect(snapshot)).to_string())
}

fn measured(snapshot: &Snapshot) -> Response<Full<Bytes>> {
    response(StatusCode::OK, metrics::CONTENT_TYPE, metrics::page(snapshot))
}

/// What a probe goes by.
fn probe(good: bool) -> StatusCode {
    if good { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
}

pub(super) fn response(status: StatusCode, content: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content));
    // What is true now is not true later.
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
