//! One entry of the option `fields`.
use std::fmt;

use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{self, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use sluice_plugin::Path;

use crate::undotted;

/// Which field, and where to: a path, which is kept, or `{from: …, to: …}`.
pub struct Lift {
    /// Below the source.
    pub from: Path,
    to: Option<Path>,
}

impl Lift {
    /// Where the field goes: below the prefix, under keys without dots.
    pub fn target(&self, prefix: Option<&Path>, de_dot: Option<&str>) -> Path {
        let below = prefix.map_or(&[][..], |prefix| &prefix.0).iter().cloned();
        let keys = self.to.as_ref().unwrap_or(&self.from).0.iter().map(|key| undotted(key, de_dot).into_owned());
        Path(below.chain(keys).collect())
    }
}

impl<'de> Deserialize<'de> for Lift {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LiftVisitor)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Renamed {
    from: Path,
    to: Path,
}

struct LiftVisitor;

impl<'de> Visitor<'de> for LiftVisitor {
    type Value = Lift;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a path such as \"level\", a list of keys, or {from, to}")
    }

    fn visit_str<E: de::Error>(self, path: &str) -> Result<Lift, E> {
        Ok(Lift { from: Path::deserialize(path.into_deserializer())?, to: None })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, keys: A) -> Result<Lift, A::Error> {
        Ok(Lift { from: Path::deserialize(SeqAccessDeserializer::new(keys))?, to: None })
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Lift, A::Error> {
        let Renamed { from, to } = Renamed::deserialize(MapAccessDeserializer::new(members))?;
        Ok(Lift { from, to: Some(to) })
    }
}
