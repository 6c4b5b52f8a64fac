//! A JSON deserializer for options: a tenth of the size of a general one in a component, and its errors name the key.
//!
//! Integers are those of 64 bits; other numbers have up to 15 digits and an exponent up to 22, so that they are exact.
use std::borrow::Cow;
use std::fmt::{self, Display};

use serde::de::{self, DeserializeOwned, DeserializeSeed, Expected, IntoDeserializer, Unexpected, Visitor};

/// Reads one JSON value. The error names the key: `rules[2].pattern: expected a string, not 5`.
pub fn read<T: DeserializeOwned>(json: &str) -> Result<T, String> {
    let mut reader = Reader { json, at: 0 };
    let value = T::deserialize(&mut reader).map_err(|error| error.to_string())?;
    reader.skip_space();
    if reader.at == json.len() { Ok(value) } else { Err("options go on after their end".into()) }
}

struct Reader<'a> {
    json: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    /// What was not read yet. (A text that is cut by brackets brings 4 kB with it, to tell of a wrong place.)
    fn rest(&self) -> &'a str {
        self.json.get(self.at..).unwrap_or_default()
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_ascii_start().len();
    }

    fn peek(&mut self) -> Option<u8> {
        self.skip_space();
        self.json.as_bytes().get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, byte: u8) -> Result<(), Error> {
        if self.eat(byte) { Ok(()) } else { Err(self.malformed()) }
    }

    fn malformed(&self) -> Error {
        Error { path: String::new(), reason: format!("malformed JSON at byte {}", self.at) }
    }

    /// The word at the cursor: a number or a literal.
    fn word(&mut self) -> &'a str {
        self.skip_space();
        let rest = self.rest();
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.');
        let word = rest.get(..rest.as_bytes().iter().take_while(|byte| is_part(byte)).count()).unwrap_or_default();
        self.at += word.len();
        word
    }

    fn string(&mut self) -> Result<Cow<'a, str>, Error> {
        self.expect(b'"')?;
        let mut text = Cow::Borrowed("");
        loop {
            let rest = self.rest();
            let plain = rest.bytes().take_while(|byte| !matches!(byte, b'"' | b'\\')).count();
            let piece = rest.get(..plain).unwrap_or_default();
            self.at += plain + 1;
            if text.is_empty() {
                text = Cow::Borrowed(piece)
            } else {
                text.to_mut().push_str(piece)
            }
            match rest.as_bytes().get(plain) {
                Some(b'"') => return Ok(text),
                Some(_) => {
                    let escaped = self.escape()?;
                    text.to_mut().push(escaped);
                }
                None => return Err(self.malformed()),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Error> {
        let letter = self.json.as_bytes().get(self.at).copied();
        self.at += usize::from(letter.is_some_and(|byte| byte.is_ascii()));
        Ok(match letter {
            Some(b'n') => '\n',
            Some(b't') => '\t',
            Some(b'r') => '\r',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(mark @ (b'"' | b'\\' | b'/')) => mark as char,
            Some(b'u') => {
                let high = self.hex4()?;
                let paired = (0xD800..0xDC00).contains(&high) && self.rest().starts_with("\\u");
                let code = if paired {
                    self.at += 2;
                    0x10000 + ((high - 0xD800) << 10) + self.hex4()?.wrapping_sub(0xDC00) % 0x400
                } else {
                    high
                };
                char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            _ => return Err(self.malformed()),
        })
    }

    fn hex4(&mut self) -> Result<u32, Error> {
        let digits = self.json.get(self.at..self.at + 4).ok_or_else(|| self.malformed())?;
        self.at += 4;
        u32::from_str_radix(digits, 16).map_err(|_| self.malformed())
    }
}

/// A value as far as it is read before its type is asked for.
enum Token<'a> {
    Text(Cow<'a, str>),
    /// Up to the bracket.
    Object,
    /// Up to the bracket.
    List,
    Null,
    Boolean(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
}

impl<'a> Reader<'a> {
    // Apart from `deserialize_any`, of which there is one for each type.
    #[inline(never)]
    fn token(&mut self) -> Result<Token<'a>, Error> {
        Ok(match self.peek() {
            Some(b'"') => Token::Text(self.string()?),
            Some(b'{') => {
                self.at += 1;
                Token::Object
            }
            Some(b'[') => {
                self.at += 1;
                Token::List
            }
            _ => match self.word() {
                "null" => Token::Null,
                "true" => Token::Boolean(true),
                "false" => Token::Boolean(false),
                word => match (word.parse(), word.parse()) {
                    (Ok(number), _) => Token::Unsigned(number),
                    (_, Ok(number)) => Token::Signed(number),
                    _ => Token::Float(float(word).ok_or_else(|| self.malformed())?),
                },
            },
        })
    }
}

impl<'de> de::Deserializer<'de> for &mut Reader<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.token()? {
            Token::Text(text) => visitor.visit_str(&text),
            Token::Object => {
                let value = visitor.visit_map(Members { reader: self, first: true, key: Cow::Borrowed("") })?;
                self.expect(b'}').map(|()| value)
            }
            Token::List => {
                let value = visitor.visit_seq(Items { reader: self, index: 0 })?;
                self.expect(b']').map(|()| value)
            }
            Token::Null => visitor.visit_unit(),
            Token::Boolean(boolean) => visitor.visit_bool(boolean),
            Token::Unsigned(number) => visitor.visit_u64(number),
            Token::Signed(number) => visitor.visit_i64(number),
            Token::Float(number) => visitor.visit_f64(number),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.peek() == Some(b'n') { self.deserialize_any(visitor) } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    /// `"name"` or `{"name": value}`.
    fn deserialize_enum<V: Visitor<'de>>(self, _: &str, _: &[&str], visitor: V) -> Result<V::Value, Error> {
        if !self.eat(b'{') {
            let name = self.string()?;
            return visitor.visit_enum(name.into_deserializer());
        }
        let value = visitor.visit_enum(de::value::MapAccessDeserializer::new(Members {
            reader: self,
            first: true,
            key: Cow::Borrowed(""),
        }))?;
        self.expect(b'}').map(|()| value)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier ignored_any
    }
}

/// Exact where digits and power of ten are: one division or multiplication of exact numbers rounds once.
fn float(word: &str) -> Option<f64> {
    let (sign, rest) = word.strip_prefix('-').map_or((1.0, word), |rest| (-1.0, rest));
    let (digits, exponent) = rest.split_once(['e', 'E']).unwrap_or((rest, "0"));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let exponent = exponent.parse::<i32>().ok()?.checked_sub(fraction.len() as i32)?;
    let digits = whole.bytes().chain(fraction.bytes());
    let number = digits.map(|byte| byte.wrapping_sub(b'0')).try_fold(0u64, |number, digit| {
        (digit < 10 && number < 100_000_000_000_000).then(|| number * 10 + u64::from(digit))
    })? as f64;
    let power = (0..exponent.unsigned_abs().min(23)).fold(1.0, |power, _| power * 10.0);
    match exponent {
        _ if whole.is_empty() => None,
        0..=22 => Some(sign * number * power),
        -22..0 => Some(sign * number / power),
        _ => None,
    }
}

struct Members<'r, 'a> {
    reader: &'r mut Reader<'a>,
    first: bool,
    key: Cow<'a, str>,
}

impl Members<'_, '_> {
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
        if self.turn_to_next()? { seed.deserialize(self.key.as_ref().into_deserializer()).map(Some) } else { Ok(None) }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(&mut *self.reader).map_err(|error| error.under(&self.key))
    }
}

struct Items<'r, 'a> {
    reader: &'r mut Reader<'a>,
    index: usize,
}

impl Items<'_, '_> {
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

#[derive(Debug)]
struct Error {
    path: String,
    reason: String,
}

impl Error {
    #[inline(never)]
    fn under_item(self, index: usize) -> Self {
        self.under(&format!("[{index}]"))
    }

    /// The same error, seen from one level further up.
    #[inline(never)]
    fn under(self, key: &str) -> Self {
        let dot = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        Self { path: format!("{key}{dot}{}", self.path), reason: self.reason }
    }

    #[inline(never)]
    fn mismatch(found: Unexpected, expected: &dyn Expected) -> Self {
        let found = match found {
            Unexpected::Bool(value) => value.to_string(),
            Unexpected::Unsigned(number) => number.to_string(),
            Unexpected::Signed(number) => number.to_string(),
            Unexpected::Float(_) => "this number".into(),
            Unexpected::Str(text) => format!("\"{text}\""),
            Unexpected::Unit | Unexpected::Option => "null".into(),
            Unexpected::Seq => "a list".into(),
            Unexpected::Map => "an object".into(),
            _ => "this".into(),
        };
        de::Error::custom(format_args!("expected {expected}, not {found}"))
    }
}

impl de::Error for Error {
    fn custom<T: Display>(message: T) -> Self {
        Self { path: String::new(), reason: message.to_string() }
    }

    fn invalid_type(found: Unexpected, expected: &dyn Expected) -> Self {
        Self::mismatch(found, expected)
    }

    fn invalid_value(found: Unexpected, expected: &dyn Expected) -> Self {
        Self::mismatch(found, expected)
    }
}

impl Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let colon = if self.path.is_empty() { "" } else { ": " };
        write!(f, "{}{colon}{}", self.path, self.reason)
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use std::collections::BTreeMap;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields, rename_all = "snake_case")]
    enum Rule {
        Email,
        Custom { pattern: String, size: Option<u8> },
        Share(f64),
        Keys(Vec<String>),
    }

    #[test]
    fn values_of_every_type() {
        let json = r#" { "a" : [ "email" , {"custom":{"pattern":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00é","size":null}} ],
                        "b" : [{"share":-0.25}, {"share":1.5e3}, {"share":7}, {"keys":["x"]}, {"keys":[]}] } "#;
        let read: BTreeMap<String, Vec<Rule>> = read(json).unwrap();
        let pattern = "\"\\/\u{8}\u{c}\n\r\té😀é".to_string();
        assert_eq!(read["a"], [Rule::Email, Rule::Custom { pattern, size: None }]);
        let keys = vec!["x".to_string()];
        let expect = [Rule::Share(-0.25), Rule::Share(1500.0), Rule::Share(7.0), Rule::Keys(keys), Rule::Keys(vec![])];
        assert_eq!(read["b"], expect);
    }

    #[test]
    fn errors_name_the_key() {
        for (json, expect) in [
            (r#"[{"custom":{"size":1}}]"#, "[0].custom: missing field `pattern`"),
            (r#"[{"custom":{"pattern":5}}]"#, "[0].custom.pattern: expected a string, not 5"),
            (r#"["email",{"custom":{"pattern":"x","size":300}}]"#, "[1].custom.size: expected u8, not 300"),
            (r#"[{"keys":["x",{}]}]"#, "[0].keys[1]: expected a string, not an object"),
            (r#"["mail"]"#, "[0]: unknown variant `mail`, expected one of `email`, `custom`, `share`, `keys`"),
        ] {
            assert_eq!(read::<Vec<Rule>>(json).unwrap_err(), expect, "{json}");
        }
    }

    #[test]
    fn malformed_json_is_an_error() {
        for json in [
            "",
            "[",
            "[1",
            "[1,",
            "[1 2]",
            "\"",
            "\"\\",
            "\"\\x\"",
            "\"\\u12",
            "\"\\ué\"",
            "\"\\é\"",
            "nul",
            "--1",
            "1e",
            "{}x",
            "[1]]",
            "{\"a\"}",
            "{1:2}",
            "[1,]",
            "{\"a\":1,}",
        ] {
            assert!(read::<serde_json::Value>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn agrees_with_serde_json() {
        for json in [
            "0",
            "-1",
            "18446744073709551615",
            "-9223372036854775808",
            "0.1",
            "123.456e-5",
            "1E22",
            r#"{"a":[{},[],null,true,false,"\ud800"]}"#,
        ] {
            let ours: serde_json::Value = read(json).unwrap();
            if let Ok(theirs) = serde_json::from_str::<serde_json::Value>(json) {
                assert_eq!(ours, theirs, "{json}");
            }
        }
    }
}
