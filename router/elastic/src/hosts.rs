//! The index's hosts: who gets the next request, and who is left alone for a while.

use std::{
    error::Error,
    future::Future,
    io::Write,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use elasticsearch::{
    auth::Credentials,
    cert::{Certificate, CertificateValidation},
    http::{
        Method, Url,
        headers::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue, USER_AGENT},
        transport::{SingleNodeConnectionPool, Transport, TransportBuilder},
    },
};
use flate2::{Compression, write::GzEncoder};
use sluice_core::{Backoff, Failure};
use tokio::time::Instant;

use crate::{Auth, Config};

/// What is asked for in an answer: enough to know the fate of every document, and a tenth of the bytes.
const PATH: &str = "/_bulk?filter_path=errors,items.*.status,items.*.error";
const COMPONENT: &str = "elasticsearch sink";

/// Takes bulk requests; the port between the delivery of bulks and the world.
pub trait Cluster: Send + Sync + 'static {
    /// Sends one body to one host and waits for its answer. Nothing is known of the documents if the future is
    /// dropped.
    fn bulk(&self, body: Bytes) -> impl Future<Output = Reply> + Send;
}

/// What became of a request.
#[derive(Debug)]
pub struct Reply {
    /// The host's URL, without credentials.
    pub host: Arc<str>,
    pub outcome: Exchange,
}

#[derive(Debug)]
pub enum Exchange {
    Answered {
        status: u16,
        body: Bytes,
    },
    /// No answer, or half of one; the index may have the documents all the same. `elsewhere` if another host can be
    /// tried at once.
    Unreachable {
        text: String,
        elsewhere: bool,
    },
}

/// The hosts of the config, each with its own connections.
#[derive(Debug)]
pub struct Hosts {
    hosts: Vec<Host>,
    next: AtomicUsize,
    timeout: Duration,
    gzip: bool,
}

#[derive(Debug)]
struct Host {
    name: Arc<str>,
    transport: Transport,
    away: Mutex<Away>,
}

/// How long a host that could not be reached is passed over.
#[derive(Debug)]
struct Away {
    until: Option<Instant>,
    backoff: Backoff,
}

impl Hosts {
    /// Checks addresses, credentials and certificates; sends nothing.
    pub fn new(config: &Config) -> Result<Self, Failure> {
        let hosts = config.hosts.iter().map(|url| Host::new(url, config)).collect::<Result<Vec<_>, _>>()?;
        if hosts.is_empty() {
            return Err(Failure::fatal(COMPONENT, "no hosts; name at least one such as https://elasticsearch:9200"));
        }
        Ok(Self { hosts, next: AtomicUsize::new(0), timeout: config.request_timeout, gzip: config.gzip })
    }

    /// The next host in turn that is not away; if all are, the one that comes back first.
    fn pick(&self) -> &Host {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        let in_turn = (0..self.hosts.len()).map(|step| &self.hosts[(turn + step) % self.hosts.len()]);
        let now = Instant::now();
        // The first of equal ones: those that are not away count as back now.
        in_turn.min_by_key(|host| host.back_at().map_or(now, |at| at.max(now))).unwrap_or(&self.hosts[0])
    }

    fn any_present(&self) -> bool {
        let now = Instant::now();
        self.hosts.iter().any(|host| host.back_at().is_none_or(|at| at <= now))
    }

    async fn exchange(&self, host: &Host, body: Bytes) -> Result<(u16, Bytes), String> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
        headers.insert(USER_AGENT, HeaderValue::from_static(concat!("sluice/", env!("CARGO_PKG_VERSION"))));
        let body = if self.gzip {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            compress(body).await?
        } else {
            body
        };
        let request = host.transport.send(Method::Post, PATH, headers, None::<&()>, Some(body), Some(self.timeout));
        let response = request.await.map_err(|error| explain(&error, self.timeout))?;
        let status = response.status_code().as_u16();
        let body = response.bytes().await.map_err(|error| explain(&error, self.timeout))?;
        Ok((status, body))
    }
}

/// The innermost cause alone: what is around it names the request, not the reason.
pub(crate) fn explain(error: &elasticsearch::Error, timeout: Duration) -> String {
    if error.is_timeout() {
        return format!("does not answer within {timeout:?} (request_timeout)");
    }
    let mut cause: &dyn Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    let cause = cause.to_string();
    let advice = if cause.contains("ertificate") { "; name the authority that signed it in tls.ca_file" } else { "" };
    format!("cannot be reached: {cause}{advice}")
}

impl Cluster for Hosts {
    async fn bulk(&self, body: Bytes) -> Reply {
        let host = self.pick();
        let outcome = match self.exchange(host, body).await {
            Ok((status, body)) => {
                host.is_back();
                Exchange::Answered { status, body }
            }
            Err(text) => {
                host.is_away();
                Exchange::Unreachable { text, elsewhere: self.any_present() }
            }
        };
        Reply { host: host.name.clone(), outcome }
    }
}

impl Host {
    fn new(url: &str, config: &Config) -> Result<Self, Failure> {
        let (name, transport) = connect(url, config)?;
        let away = Away { until: None, backoff: Backoff::new(config.retry_initial, config.retry_max) };
        Ok(Self { name, transport, away: Mutex::new(away) })
    }

    fn back_at(&self) -> Option<Instant> {
        self.away.lock().unwrap_or_else(PoisonError::into_inner).until
    }

    fn is_back(&self) {
        let mut away = self.away.lock().unwrap_or_else(PoisonError::into_inner);
        away.until = None;
        away.backoff.reset();
    }

    fn is_away(&self) {
        let mut away = self.away.lock().unwrap_or_else(PoisonError::into_inner);
        // Requests that were under way together fail together; that is one failure of the host.
        if away.until.is_none_or(|until| until <= Instant::now()) {
            let delay = away.backoff.next_delay();
            away.until = Some(Instant::now() + delay);
        }
    }
}

/// A host's name without a trailing slash, and the way to it. Sends nothing.
pub(crate) fn connect(url: &str, config: &Config) -> Result<(Arc<str>, Transport), Failure> {
    // The text of a bad address is not shown: it may have a password in it.
    let parsed = Url::parse(url).map_err(|error| Failure::fatal(COMPONENT, format!("hosts: {error}")))?;
    if !matches!(parsed.scheme(), "http" | "https") || !parsed.has_host() {
        return Err(Failure::fatal(COMPONENT, "hosts: an address must begin with http:// or https://"));
    }
    if !parsed.username().is_empty() || parsed.password().is_some() {
        return Err(Failure::fatal(COMPONENT, "hosts: credentials belong into auth, not into an address"));
    }
    let name = parsed.as_str().trim_end_matches('/').into();
    // A proxy from the environment would be an option that no config shows.
    let mut builder =
        TransportBuilder::new(SingleNodeConnectionPool::new(parsed)).disable_proxy().enable_meta_header(false);
    if let Some(auth) = &config.auth {
        builder = builder.auth(credentials(auth)?);
    }
    if let Some(pem) = &config.ca {
        let failure = |error: elasticsearch::Error| Failure::fatal(COMPONENT, format!("ca: {error}"));
        builder = builder.cert_validation(CertificateValidation::Full(Certificate::from_pem(pem).map_err(failure)?));
    }
    let transport = builder.build().map_err(|error| Failure::fatal(COMPONENT, format!("tls: {error}")))?;
    Ok((name, transport))
}

fn credentials(auth: &Auth) -> Result<Credentials, Failure> {
    match auth {
        Auth::Basic { user, password } => Ok(Credentials::Basic(user.clone(), password.clone())),
        // The transport would panic over a key that no header can hold.
        Auth::ApiKey(key) if HeaderValue::try_from(key.as_str()).is_err() => {
            Err(Failure::fatal(COMPONENT, "auth: the API key has characters that no HTTP header takes"))
        }
        Auth::ApiKey(key) => Ok(Credentials::EncodedApiKey(key.clone())),
    }
}

/// On a thread of its own, since a large body takes tens of milliseconds.
async fn compress(body: Bytes) -> Result<Bytes, String> {
    let compress = move || {
        let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
        encoder.write_all(&body)?;
        encoder.finish()
    };
    match tokio::task::spawn_blocking(compress).await {
        Ok(Ok(compressed)) => Ok(compressed.into()),
        Ok(Err(error)) => Err(format!("cannot be sent to: compressing failed: {error}")),
        Err(_) => Err("cannot be sent to: the process is stopping".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::config;

    fn hosts(count: usize) -> Hosts {
        let urls = (0..count).map(|host| format!("http://host{host}:9200/path/")).collect();
        Hosts::new(&Config { hosts: urls, ..config() }).unwrap()
    }

    #[test]
    fn requests_go_round() {
        let hosts = hosts(3);
        let names: Vec<_> = (0..6).map(|_| hosts.pick().name.to_string()).collect();
        let expected: Vec<_> = [0, 1, 2, 0, 1, 2].map(|host| format!("http://host{host}:9200/path")).into();
        assert_eq!(names, expected);
    }

    #[tokio::test(start_paused = true)]
    async fn a_host_that_is_away_is_passed_over_for_a_while() {
        let hosts = hosts(2);
        hosts.hosts[0].is_away();
        assert!((0..4).all(|_| &*hosts.pick().name == "http://host1:9200/path"));
        assert!(hosts.any_present());
        hosts.hosts[1].is_away();
        assert!(!hosts.any_present());
        hosts.hosts[1].is_away();
        let first_back = hosts.hosts.iter().min_by_key(|host| host.back_at()).unwrap().name.clone();
        assert_eq!(hosts.pick().name, first_back, "all are away: the first to come back is tried");
        tokio::time::advance(Duration::from_millis(1200)).await;
        assert!(hosts.any_present(), "failures at the same time are one, and the first delay is over");
        hosts.hosts[0].is_back();
        assert_eq!(hosts.hosts[0].back_at(), None);
    }

    #[test]
    fn a_wrong_config_is_told_without_its_secrets() {
        let base = || Config { hosts: vec!["http://h".into()], ..config() };
        let key = |key: &str| Some(Auth::ApiKey(key.into()));
        for (config, expected) in [
            (Config { hosts: vec![], ..base() }, "no hosts"),
            (Config { hosts: vec!["h:secret".into()], ..base() }, "must begin with http"),
            (Config { hosts: vec!["http://u:secret@h:port".into()], ..base() }, "hosts: invalid port"),
            (Config { hosts: vec!["https://u:secret@h".into()], ..base() }, "belong into auth"),
            (Config { hosts: vec!["ftp://secret".into()], ..base() }, "must begin with http"),
            (Config { auth: key("secret\n"), ..base() }, "API key has characters"),
            (Config { ca: Some(b"secret".to_vec()), ..base() }, "ca: could not find PEM"),
        ] {
            let failure = Hosts::new(&config).unwrap_err();
            assert_eq!(failure.kind, sluice_core::Kind::Fatal);
            assert!(failure.text.contains(expected), "{failure} for {expected}");
            assert!(!failure.to_string().contains("secret"), "{failure}");
        }
    }

    #[test]
    fn no_secret_shows() {
        let basic = Auth::Basic { user: "secret".into(), password: "secret".into() };
        for auth in [basic, Auth::ApiKey("secret".into())] {
            let config = Config { hosts: vec!["http://h".into()], auth: Some(auth), ..config() };
            assert!(!format!("{config:?}").contains("secret"));
        }
    }
}
