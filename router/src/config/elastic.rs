//! `elasticsearch` as a sink.

use std::time::Duration;

use super::decode::Block;
use super::hosts;
use super::indexes;
use super::interpolate::Environment;
use super::kinds;
use super::plan::{Auth, BulkCompression, ElasticsearchSink, Flush, Secret};
use super::problem::join;
use super::requests;
use super::secrets::{self, Plain};
use super::units::show_size;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

/// What Elasticsearch takes in one request unless it is told otherwise.
const MOST_IN_A_REQUEST: u64 = 100 * MIB;

const HOUR: Duration = Duration::from_secs(3600);

const COMPRESSIONS: [(&str, BulkCompression); 2] = [("none", BulkCompression::None), ("gzip", BulkCompression::Gzip)];

/// Reads `sink.elasticsearch`.
pub(super) fn sink(block: Block, environment: Environment) -> Option<ElasticsearchSink> {
    let hosts = block.required_list("hosts", "hosts: [https://elasticsearch:9200]", hosts::host);
    let index = indexes::index(&block);
    let tag_key = tag_key(&block);
    let auth = block.child("auth").map(|auth| self::auth(auth, environment));
    let ca_file = requests::ca_file(&block);
    let compression = block.get("compression", kinds::choice(&COMPRESSIONS));
    let flush = flush(&block);
    let max_in_flight = block.get("max_in_flight", kinds::size(KIB, 16 * 1024 * MIB));
    let request_timeout = block.get("request_timeout", kinds::duration(Duration::from_secs(1), HOUR));
    let retry = requests::retry(&block);

    let hosts = hosts.unwrap_or_default();
    contradictions(&block, &hosts, auth.is_some(), block.entry("tls").is_some());
    let max_in_flight = max_in_flight.unwrap_or(64 * MIB);
    if max_in_flight < flush.bytes {
        block.fail(
            "max_in_flight",
            format!(
                "{} holds no request of flush.bytes, which is {}; write that or more",
                show_size(max_in_flight),
                show_size(flush.bytes)
            ),
        );
    }
    block.finish();
    let index = index?;
    Some(ElasticsearchSink {
        hosts,
        index: index.name,
        allowed_indices: index.allowed,
        tag_key,
        auth: match auth {
            Some(auth) => Some(auth?),
            None => None,
        },
        ca_file,
        compression: compression.unwrap_or(BulkCompression::None),
        flush,
        max_in_flight,
        request_timeout: request_timeout.unwrap_or(Duration::from_secs(60)),
        retry,
    })
}

fn tag_key(block: &Block) -> Option<String> {
    let include = block.get("include_tag_key", kinds::boolean).unwrap_or(false);
    let key = block.get("tag_key", kinds::text);
    if key.is_some() && !include {
        block.fail("tag_key", "has no effect; write \"include_tag_key: true\" too, or take it out");
    }
    include.then(|| key.unwrap_or_else(|| "tag".to_owned()))
}

fn auth(block: Block, environment: Environment) -> Option<Auth> {
    let api_key = block.entry("api_key").is_some();
    let basic: Vec<&str> = ["user", "password"].into_iter().filter(|key| block.entry(key).is_some()).collect();
    let auth = match (api_key, basic.is_empty()) {
        (true, _) => {
            for key in basic {
                block.fail(key, "contradicts \"api_key\"; take one of the two out");
            }
            secrets::required(&block, "api_key", Plain::Careless, environment).map(Auth::ApiKey)
        }
        (false, false) => {
            let user = user(&block, environment);
            let password = secrets::required(&block, "password", Plain::Careless, environment);
            user.zip(password).map(|(user, password)| Auth::Basic { user, password })
        }
        (false, true) => {
            if block.all().is_empty() {
                let message = "the block is empty; write \"user\" and \"password\", or \"api_key\"";
                block.findings().error(block.at(), block.path(), message);
            }
            None
        }
    };
    block.finish();
    auth
}

fn user(block: &Block, environment: Environment) -> Option<Secret> {
    let entry = block.required_entry("user", "user: elastic")?;
    let path = join(block.path(), "user");
    secrets::read(block.findings(), &entry.value, entry.at, &path, Plain::Open, environment)
}

fn flush(sink: &Block) -> Flush {
    let mut flush = Flush { interval: Duration::from_secs(5), bytes: 6 * MIB, concurrency: 8 };
    let Some(block) = sink.child("flush") else {
        return flush;
    };
    let interval = block.get("interval", kinds::duration(Duration::from_millis(10), HOUR));
    let bytes = block.get("bytes", kinds::size(KIB, MOST_IN_A_REQUEST));
    let concurrency = block.get("concurrency", kinds::count(1..=256));
    block.finish();
    flush.interval = interval.unwrap_or(flush.interval);
    flush.bytes = bytes.unwrap_or(flush.bytes);
    flush.concurrency = concurrency.unwrap_or(flush.concurrency);
    flush
}

fn contradictions(block: &Block, hosts: &[String], auth: bool, tls: bool) {
    let open: Vec<&String> = hosts.iter().filter(|host| hosts::is_open(host)).collect();
    if let Some(host) = open.first().filter(|_| auth) {
        let message = format!("credentials travel readable to {host}; write https://");
        block.warn("hosts", message);
    }
    if tls && !hosts.is_empty() && hosts.iter().all(|host| host.starts_with("http://")) {
        block.fail("tls", "no host speaks TLS; write https:// in \"hosts\", or take this out");
    }
}
