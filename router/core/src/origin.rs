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

    /// An origin as a consumer knows it: by the id of the header `sluice-origin`, with the fields that the first
    /// document under this id had. `None` where the document is not a JSON object, or nested absurdly deep.
    pub fn of_document(id: u64, document: &[u8]) -> Option<Self> {
        let document = crate::json::readable(document)?;
        let mut object = String::from("{");
        for member in sonic_rs::to_object_iter(document) {
            let (name, value) = member.ok()?;
            if FIELDS.contains(&&*name) {
                if object.len() > 1 {
                    object.push(',');
                }
                object.push('"');
                object.push_str(&name);
                object.push_str("\":");
                object.push_str(value.as_raw_str());
            }
        }
        object.push('}');
        Some(Self { id, key: String::new(), tag: String::new(), object })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_shows_its_origin() {
        for (document, object) in [
            (
                r#"{"log":"x","docker":{"container_id":"c"},"kubernetes": {"a": 1} ,"time":1}"#,
                r#"{"docker":{"container_id":"c"},"kubernetes":{"a": 1}}"#,
            ),
            (r#"{"kubernetes":{"b":"}"}}"#, r#"{"kubernetes":{"b":"}"}}"#),
            (r#"{"log":"x"}"#, "{}"),
            ("{}", "{}"),
        ] {
            let origin = Origin::of_document(7, document.as_bytes()).unwrap();
            assert_eq!((origin.id, origin.object.as_str()), (7, object));
        }
        let deep = r#"{"a":"#.repeat(1_000_000);
        for broken in [deep.as_str(), "", "[]", "1", "null", r#"{"a":1"#, r#"{"a" 1}"#, "{\"a\":\"\u{1}\"}"] {
            assert_eq!(Origin::of_document(7, broken.as_bytes()), None, "{}", &broken[..broken.len().min(20)]);
        }
        assert_eq!(Origin::of_document(7, b"{\"a\":\"\xff\"}"), None);
    }
}
