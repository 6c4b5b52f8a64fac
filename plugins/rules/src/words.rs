//! Values of options that are one text or several.
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, SeqAccess, Visitor};

/// One text, whole number or boolean, or a list of them: as the texts that records have for them.
pub struct Words(pub Vec<String>);

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut words = Vec::new();
        deserializer.deserialize_any(WordsVisitor { words: &mut words, in_list: false })?;
        if words.is_empty() { Err(de::Error::custom("name at least one text")) } else { Ok(Self(words)) }
    }
}

struct WordsVisitor<'w> {
    words: &'w mut Vec<String>,
    in_list: bool,
}

impl<'de> Visitor<'de> for WordsVisitor<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(if self.in_list { "a text, a whole number or a boolean" } else { "a text or a list of texts" })
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<(), E> {
        self.words.push(text.into());
        Ok(())
    }

    fn visit_bool<E: de::Error>(self, boolean: bool) -> Result<(), E> {
        self.visit_str(if boolean { "true" } else { "false" })
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<(), E> {
        self.visit_str(&number.to_string())
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<(), E> {
        let sign = if number < 0 { "-" } else { "" };
        self.visit_str(&format!("{sign}{}", number.unsigned_abs()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        if self.in_list {
            return Err(de::Error::invalid_type(de::Unexpected::Seq, &self));
        }
        while list.next_element_seed(WordsVisitor { words: self.words, in_list: true })?.is_some() {}
        Ok(())
    }
}

impl<'de> de::DeserializeSeed<'de> for WordsVisitor<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}
