//! The option that names a field.
use std::fmt;

use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};
use sluice_plugin::{Config, Field};

/// `"log.level"`, or a list of keys where a key has dots: `["kubernetes", "labels", "app.kubernetes.io/tier"]`.
pub enum Path {
    Dotted(String),
    Keys(Vec<String>),
}

impl Path {
    pub fn read(&self, config: &mut Config) -> Field {
        match self {
            Self::Dotted(path) => config.read(path),
            Self::Keys(keys) => config.read_path(&keys.iter().map(String::as_str).collect::<Vec<_>>()),
        }
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

    fn visit_str<E>(self, path: &str) -> Result<Path, E> {
        Ok(Path::Dotted(path.to_string()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Path, A::Error> {
        let mut keys = Vec::new();
        while let Some(key) = list.next_element()? {
            keys.push(key);
        }
        Ok(Path::Keys(keys))
    }
}
