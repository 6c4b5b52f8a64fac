//! Options that name a field.
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, SeqAccess, Visitor};

use crate::config::Config;
use crate::enricher::Target;
use crate::record::Field;

/// The keys of a field, for options: written `"log.level"`, or as a list where a key has dots:
/// `["kubernetes", "labels", "app.kubernetes.io/tier"]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path(pub Vec<String>);

impl Path {
    /// From keys joined with dots.
    pub fn new(path: &str) -> Self {
        Self(path.split('.').map(String::from).collect())
    }

    pub fn read(&self, config: &mut Config) -> Field {
        config.read_keys(self.0.clone())
    }

    pub fn write(&self, config: &mut Config) -> Target {
        config.write_keys(self.0.clone())
    }
}

impl<'de> Deserialize<'de> for Path {
    // Written out: serde's untagged enum would make the component 5 kB larger.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PathVisitor)
    }
}

struct PathVisitor;

impl<'de> Visitor<'de> for PathVisitor {
    type Value = Path;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a path such as \"log.level\" or a list of keys")
    }

    fn visit_str<E: de::Error>(self, path: &str) -> Result<Path, E> {
        named(Path::new(path))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Path, A::Error> {
        let mut keys = Vec::new();
        while let Some(key) = list.next_element()? {
            keys.push(key);
        }
        named(Path(keys))
    }
}

fn named<E: de::Error>(path: Path) -> Result<Path, E> {
    let empty = path.0.is_empty() || path.0.iter().any(String::is_empty);
    if empty { Err(E::custom("a path has at least one key, and no key is empty")) } else { Ok(path) }
}
