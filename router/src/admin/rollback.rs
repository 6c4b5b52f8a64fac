//! The one request that changes something: a plugin goes back to the version before.

use std::{net::IpAddr, sync::Arc, time::Duration};

use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::{CONTENT_TYPE, HOST},
};
use serde::Deserialize;
use serde_json::json;
use tokio::time::timeout;

use super::answer::{JSON, not_allowed, response};
use crate::process::Observed;

pub(super) const PATH: &str = "/rollback";
/// Bytes that an order may have.
const LARGEST: usize = 4 << 10;
/// How long an order may take. Components are compiled on the thread that carries it out.
const PATIENCE: Duration = Duration::from_secs(4);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    pipeline: String,
    plugin: String,
}

/// 200 when it was done, 409 when it cannot be; the body says what or why.
pub(super) async fn answer(
    from: IpAddr,
    request: Request<Incoming>,
    observed: &Arc<Observed>,
) -> Response<Full<Bytes>> {
    if request.method() != Method::POST {
        return not_allowed("this is an order; use POST, or `sluice plugin rollback PIPELINE PLUGIN`", "POST");
    }
    if let Err(why) = allowed(from, &request) {
        return told(StatusCode::FORBIDDEN, Err(why.into()));
    }
    let order = match Limited::new(request.into_body(), LARGEST).collect().await {
        Ok(body) => serde_json::from_slice::<Order>(&body.to_bytes()),
        Err(error) => return told(StatusCode::BAD_REQUEST, Err(format!("the order cannot be read: {error}"))),
    };
    let order = match order {
        Ok(order) => order,
        Err(error) => {
            let why = format!("not an order: {error}; write {{\"pipeline\": \"…\", \"plugin\": \"…\"}}");
            return told(StatusCode::BAD_REQUEST, Err(why));
        }
    };
    match timeout(PATIENCE, observed.orders().give(order.pipeline, order.plugin)).await {
        Ok(Ok(Ok(done))) => told(StatusCode::OK, Ok(done)),
        Ok(Ok(Err(why))) => told(StatusCode::CONFLICT, Err(why)),
        Ok(Err(_)) => told(StatusCode::SERVICE_UNAVAILABLE, Err("the process stops".into())),
        Err(_) => {
            let why = "the order is not carried out yet; look with `sluice status`";
            told(StatusCode::GATEWAY_TIMEOUT, Err(why.into()))
        }
    }
}

/// Whoever is in the process's network namespace may give orders, and no web page that such a person looks at: a
/// browser asks first before it sends JSON elsewhere, and names the host that it believes to talk to.
fn allowed(from: IpAddr, request: &Request<Incoming>) -> Result<(), &'static str> {
    if !from.to_canonical().is_loopback() {
        return Err("orders are taken from this machine's loopback address only; in Kubernetes type \
                    `kubectl exec POD -- sluice plugin rollback PIPELINE PLUGIN`");
    }
    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if header(CONTENT_TYPE) != JSON {
        return Err("an order is JSON; send it with `content-type: application/json`");
    }
    if !is_own(header(HOST)) {
        return Err("an order names this machine as its host: an address, or localhost");
    }
    Ok(())
}

/// An address or `localhost`, with a port or none.
fn is_own(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let name = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    name == "localhost" || name.parse::<IpAddr>().is_ok()
}

fn told(status: StatusCode, what: Result<String, String>) -> Response<Full<Bytes>> {
    let body = match what {
        Ok(done) => json!({ "done": done }),
        Err(error) => json!({ "error": error }),
    };
    response(status, JSON, body.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_of_this_machine() {
        for (host, expected) in [
            ("localhost", true),
            ("localhost:9600", true),
            ("127.0.0.1:9600", true),
            ("[::1]:9600", true),
            ("10.0.0.7", true),
            ("evil.example:9600", false),
            ("localhost.evil.example", false),
            ("", false),
        ] {
            assert_eq!(is_own(host), expected, "{host}");
        }
    }
}
