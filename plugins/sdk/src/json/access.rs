//! Members of objects and items of lists, one after another.
use serde::de::{self, DeserializeSeed, IntoDeserializer};

use super::error::Error;
use super::reader::Reader;

pub struct Members<'r, 'a> {
    reader: &'r mut Reader<'a>,
    first: bool,
    key: String,
}

impl<'r, 'a> Members<'r, 'a> {
    /// Of an object whose bracket was read.
    pub fn new(reader: &'r mut Reader<'a>) -> Self {
        Self { reader, first: true, key: String::new() }
    }

    /// Reads the next key; false if there is none.
    #[inline(never)]
    fn turn_to_next(&mut self) -> Result<bool, Error> {
        if self.reader.peek() == Some(b'}') {
            return Ok(false);
        }
        if !std::mem::take(&mut self.first) {
            self.reader.expect(b',')?;
        }
        self.key = self.reader.string()?;
        self.reader.expect(b':').map(|()| true)
    }
}

impl<'de> de::MapAccess<'de> for Members<'_, 'de> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        if self.turn_to_next()? { seed.deserialize(self.key.as_str().into_deserializer()).map(Some) } else { Ok(None) }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(&mut *self.reader).map_err(|error| error.under(&self.key))
    }
}

pub struct Items<'r, 'a> {
    reader: &'r mut Reader<'a>,
    index: usize,
}

impl<'r, 'a> Items<'r, 'a> {
    /// Of a list whose bracket was read.
    pub fn new(reader: &'r mut Reader<'a>) -> Self {
        Self { reader, index: 0 }
    }

    /// False if there is no other.
    #[inline(never)]
    fn turn_to_next(&mut self) -> Result<bool, Error> {
        if self.reader.peek() == Some(b']') {
            return Ok(false);
        }
        if self.index > 0 {
            self.reader.expect(b',')?;
        }
        Ok(true)
    }
}

impl<'de> de::SeqAccess<'de> for Items<'_, 'de> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        if !self.turn_to_next()? {
            return Ok(None);
        }
        let item = seed.deserialize(&mut *self.reader).map_err(|error| error.under_item(self.index))?;
        self.index += 1;
        Ok(Some(item))
    }
}
