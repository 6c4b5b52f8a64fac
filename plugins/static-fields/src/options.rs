//! How the plugin is configured.
use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use sluice_plugin::{Edits, Path, Target};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    #[serde(default)]
    pub add: Additions,
    #[serde(default)]
    pub rename: Vec<Renaming>,
    #[serde(default)]
    pub remove: Vec<Path>,
    #[serde(default)]
    pub on_conflict: OnConflict,
}

#[derive(Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnConflict {
    #[default]
    Keep,
    Replace,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Renaming {
    pub from: Path,
    pub to: Path,
}

/// A field and its value.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Addition {
    pub field: Path,
    pub value: Constant,
}

/// `{cluster: eu-1}`, or a list of `{field, value}` where a key has dots.
#[derive(Default)]
pub struct Additions(pub Vec<Addition>);

/// A value that is the same for all records.
#[derive(Debug, PartialEq)]
pub enum Constant {
    Null,
    Boolean(bool),
    Integer(i64),
    Number(f64),
    Text(String),
}

impl Constant {
    pub fn set(&self, target: Target, edits: &mut Edits) {
        match self {
            Self::Null => edits.set_null(target),
            Self::Boolean(boolean) => edits.set_bool(target, *boolean),
            Self::Integer(number) => edits.set_integer(target, *number),
            Self::Number(number) => edits.set_number(target, *number),
            Self::Text(text) => edits.set_text(target, text),
        }
    }
}

impl<'de> Deserialize<'de> for Additions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AdditionsVisitor)
    }
}

struct AdditionsVisitor;

impl<'de> Visitor<'de> for AdditionsVisitor {
    type Value = Additions;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("fields and their values such as {cluster: eu-1}, or a list of {field, value}")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Additions, A::Error> {
        let mut additions = Vec::new();
        while let Some(path) = members.next_key::<String>()? {
            let field = Path::deserialize(path.into_deserializer())?;
            additions.push(Addition { field, value: members.next_value()? });
        }
        Ok(Additions(additions))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Additions, A::Error> {
        let mut additions = Vec::new();
        while let Some(addition) = list.next_element()? {
            additions.push(addition);
        }
        Ok(Additions(additions))
    }
}

impl<'de> Deserialize<'de> for Constant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ConstantVisitor)
    }
}

struct ConstantVisitor;

impl<'de> Visitor<'de> for ConstantVisitor {
    type Value = Constant;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a text, a number, a boolean or null")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Constant, E> {
        Ok(Constant::Null)
    }

    fn visit_bool<E: de::Error>(self, boolean: bool) -> Result<Constant, E> {
        Ok(Constant::Boolean(boolean))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Constant, E> {
        Ok(Constant::Integer(number))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Constant, E> {
        let too_large = || de::Error::invalid_value(de::Unexpected::Unsigned(number), &"a whole number below 2^63");
        i64::try_from(number).map(Constant::Integer).map_err(|_| too_large())
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Constant, E> {
        Ok(Constant::Number(number))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Constant, E> {
        Ok(Constant::Text(text.into()))
    }
}
