//! What all records of one container share, held and encoded once.

use xxhash_rust::xxh3::xxh3_64;

/// The origin of records: a container with its pod, namespace and node.
///
/// `object` is the JSON object of the fields that are the same for every record of the origin; a sink writes its
/// members into each record as they stand, and a plugin gets them as one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Hash of `object` and `tag`; travels as the Kafka header `sluice-origin`. 0 for an origin that is not known.
    pub id: u64,
    /// What keeps the records of a container on one partition: the container id, or the log file's name without one.
    pub key: String,
    /// Fluentd's tag, such as `kubernetes.var.log.containers.web-1_shop_app-….log`; empty where there is none.
    pub tag: String,
    /// `{"docker":{…},"kubernetes":{…}}` without spaces; `{}` for an origin that is not known.
    pub object: String,
}

/// The fields of a document that belong to its origin.
pub const FIELDS: [&str; 2] = ["docker", "kubernetes"];

impl Origin {
    /// `object` must be a JSON object without white space around it.
    pub fn new(key: impl Into<String>, tag: impl Into<String>, object: impl Into<String>) -> Self {
        let (key, tag, object) = (key.into(), tag.into(), object.into());
        let id = xxh3_64(format!("{tag}\0{object}").as_bytes()).max(1);
        Self { id, key, tag, object }
    }

    /// The origin of documents that say nothing of it: every field is looked up in the document itself.
    pub fn unknown() -> Self {
        Self { id: 0, key: String::new(), tag: String::new(), object: "{}".into() }
    }

    /// An origin as a consumer knows it: by the id of the header, with the fields of the first document that had it.
    pub fn known(id: u64, object: impl Into<String>) -> Self {
        Self { id, key: String::new(), tag: String::new(), object: object.into() }
    }

    /// True where `object` says all that records of this origin hold under [`FIELDS`].
    pub fn is_known(&self) -> bool {
        self.id != 0
    }

    /// The members of `object` without its braces; empty for none.
    pub fn members(&self) -> &str {
        self.object.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or_default()
    }
}
