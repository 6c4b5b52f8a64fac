//! What a sink is told; plain values, checked by whoever reads the config file.

use std::{fmt, sync::Arc, time::Duration};

use sluice_core::{AllowList, encode::Encoding};

use crate::Counters;

/// Where documents go, and how.
#[derive(Clone, Debug)]
pub struct Config {
    /// `http://host:9200` or `https://…` each, a path in front of `_bulk` allowed, without credentials. Requests go
    /// round; a host that cannot be reached is left out for a while.
    pub hosts: Vec<String>,
    pub index: Index,
    /// The other indices that a plugin may name; what is to go to one besides goes to the dead letters.
    pub allowed_indices: AllowList,
    /// Puts the Kafka topic's name under `tag_key`, as Fluentd's `kafka_group` with `include_tag_key` does: in the
    /// place of a value that the document has at top level, else as its last member. Records of a file have no topic
    /// and stay as they are.
    pub include_tag_key: bool,
    pub tag_key: String,
    pub auth: Option<Auth>,
    /// PEM certificates to trust beside the public ones.
    pub ca: Option<Vec<u8>>,
    /// Compresses request bodies.
    pub gzip: bool,
    /// A bulk is sent this long after its first document at the latest.
    pub interval: Duration,
    /// A bulk is sent when its body would grow beyond this; a larger document goes alone.
    pub bytes: usize,
    /// Bulks under way at once, those that wait for their next attempt included. At least 1.
    pub concurrency: usize,
    /// Bytes of bodies that are filled, under way or wait for their next attempt; [`crate::Elastic`] takes no more
    /// until there is room.
    pub max_in_flight: usize,
    /// From the start of a request to the end of its answer.
    pub request_timeout: Duration,
    /// The first delay before a bulk is tried again; doubles up to `retry_max`, for ever.
    pub retry_initial: Duration,
    pub retry_max: Duration,
    /// For batches of lines, which become documents here.
    pub encoding: Encoding,
    /// What the sink counts into; share one over the generations of a pipeline.
    pub counters: Arc<Counters>,
}

/// Which index a document goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Index {
    /// `prefix`, `separator` and the document's UTC date in `date_format` (strftime), all in lower case.
    Logstash { prefix: String, separator: String, date_format: String },
    /// An index, an alias or a data stream.
    Name(String),
}

/// Who the sink is to the index. Neither `Debug` nor any error shows the secret.
#[derive(Clone, PartialEq, Eq)]
pub enum Auth {
    Basic {
        user: String,
        password: String,
    },
    /// In the form that Elasticsearch calls `encoded`.
    ApiKey(String),
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Auth::Basic { .. } => "Basic(…)",
            Auth::ApiKey(_) => "ApiKey(…)",
        })
    }
}
