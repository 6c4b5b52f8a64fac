//! A JSON deserializer for options: a tenth of the size of a general one in a component, and its errors name the key.
//!
//! Integers are those of 64 bits; other numbers have up to 15 digits and an exponent up to 22, so that they are exact.
use serde::de::{self, DeserializeOwned, IntoDeserializer, Visitor};

mod access;
mod error;
mod number;
mod reader;

use access::{Items, Members};
use error::Error;
use number::Number;
use reader::{Reader, Token};

/// Reads one JSON value. The error names the key: `rules[2].pattern: expected a string, not 5`.
pub fn read<T: DeserializeOwned>(json: &str) -> Result<T, String> {
    let mut reader = Reader::new(json);
    let value = T::deserialize(&mut reader).map_err(Error::into_text)?;
    if reader.is_at_end() { Ok(value) } else { Err("options go on after their end".into()) }
}

/// What is asked for by its type is looked for alone: a visitor is compiled for what it takes, and not for every type of
/// value that could be there instead.
impl<'de> de::Deserializer<'de> for &mut Reader<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.token()? {
            Token::Text(text) => visitor.visit_str(&text),
            Token::Object => self.members(visitor),
            Token::List => self.items(visitor),
            Token::Null => visitor.visit_unit(),
            Token::Boolean(boolean) => visitor.visit_bool(boolean),
            Token::Number(number) => visit_number(number, visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.peek() == Some(b'n') { self.deserialize_any(visitor) } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.token()? {
            Token::Text(text) => visitor.visit_str(&text),
            other => Err(other.refused(&visitor)),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.token()? {
            Token::Boolean(boolean) => visitor.visit_bool(boolean),
            other => Err(other.refused(&visitor)),
        }
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.token()? {
            Token::Number(number) => visit_number(number, visitor),
            other => Err(other.refused(&visitor)),
        }
    }

    fn deserialize_u8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_u64(visitor)
    }

    fn deserialize_u16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_u64(visitor)
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_u64(visitor)
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_u64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_u64(visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.open(b'[', &visitor)?;
        self.items(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.open(b'{', &visitor)?;
        self.members(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(self, _: &str, _: &[&str], visitor: V) -> Result<V::Value, Error> {
        self.deserialize_map(visitor)
    }

    /// `"name"` or `{"name": value}`.
    fn deserialize_enum<V: Visitor<'de>>(self, _: &str, _: &[&str], visitor: V) -> Result<V::Value, Error> {
        if !self.eat(b'{') {
            let name = self.string()?;
            return visitor.visit_enum(name.into_deserializer());
        }
        let value = visitor.visit_enum(de::value::MapAccessDeserializer::new(Members::new(self)))?;
        self.expect(b'}').map(|()| value)
    }

    serde::forward_to_deserialize_any! {
        i8 i16 i32 i128 u128 f32 char bytes byte_buf unit unit_struct tuple tuple_struct identifier ignored_any
    }
}

impl<'de> Reader<'de> {
    /// The members of an object behind its bracket.
    fn members<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Error> {
        let value = visitor.visit_map(Members::new(self))?;
        self.expect(b'}').map(|()| value)
    }

    /// The items of a list behind its bracket.
    fn items<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Error> {
        let value = visitor.visit_seq(Items::new(self))?;
        self.expect(b']').map(|()| value)
    }
}

fn visit_number<'de, V: Visitor<'de>>(number: Number, visitor: V) -> Result<V::Value, Error> {
    match number {
        Number::Unsigned(number) => visitor.visit_u64(number),
        Number::Signed(number) => visitor.visit_i64(number),
        Number::Float(number) => visitor.visit_f64(number),
    }
}

#[cfg(test)]
mod tests;
