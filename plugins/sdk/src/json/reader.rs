//! JSON, piece by piece.
use serde::de::{Expected, Unexpected};

use super::error::Error;
use super::number::Number;

pub struct Reader<'a> {
    json: &'a str,
    at: usize,
}

/// A value as far as it is read before its type is asked for.
pub enum Token {
    Text(String),
    /// Up to the bracket.
    Object,
    /// Up to the bracket.
    List,
    Null,
    Boolean(bool),
    Number(Number),
}

impl Token {
    /// The error that something else was expected.
    #[inline(never)]
    pub fn refused(self, expected: &dyn Expected) -> Error {
        let found = match &self {
            Self::Text(text) => Unexpected::Str(text),
            Self::Object => Unexpected::Map,
            Self::List => Unexpected::Seq,
            Self::Null => Unexpected::Unit,
            Self::Boolean(boolean) => Unexpected::Bool(*boolean),
            Self::Number(Number::Unsigned(number)) => Unexpected::Unsigned(*number),
            Self::Number(Number::Signed(number)) => Unexpected::Signed(*number),
            Self::Number(Number::Float(number)) => Unexpected::Float(*number),
        };
        Error::mismatch(found, expected)
    }
}

impl<'a> Reader<'a> {
    pub fn new(json: &'a str) -> Self {
        Self { json, at: 0 }
    }

    pub fn is_at_end(&mut self) -> bool {
        self.peek().is_none()
    }

    /// What was not read yet. (A text that is cut by brackets brings 4 kB with it, to tell of a wrong place.)
    fn rest(&self) -> &'a str {
        self.json.get(self.at..).unwrap_or_default()
    }

    #[inline(never)]
    pub fn peek(&mut self) -> Option<u8> {
        let bytes = self.json.as_bytes();
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = bytes.get(self.at) {
            self.at += 1;
        }
        bytes.get(self.at).copied()
    }

    pub fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    #[inline(never)]
    pub fn expect(&mut self, byte: u8) -> Result<(), Error> {
        if self.eat(byte) { Ok(()) } else { Err(self.malformed()) }
    }

    /// Reads the bracket of an object or a list.
    #[inline(never)]
    pub fn open(&mut self, bracket: u8, expected: &dyn Expected) -> Result<(), Error> {
        if self.eat(bracket) { Ok(()) } else { Err(self.token()?.refused(expected)) }
    }

    fn malformed(&self) -> Error {
        Error::malformed(self.at)
    }

    // Apart from the functions of the deserializer, of which there is one for each type.
    #[inline(never)]
    pub fn token(&mut self) -> Result<Token, Error> {
        let first = self.peek();
        if first == Some(b'"') {
            return self.string().map(Token::Text);
        }
        if let Some(bracket @ (b'{' | b'[')) = first {
            self.at += 1;
            return Ok(if bracket == b'{' { Token::Object } else { Token::List });
        }
        Ok(match self.word() {
            "null" => Token::Null,
            "true" => Token::Boolean(true),
            "false" => Token::Boolean(false),
            word => Token::Number(Number::parse(word).ok_or_else(|| self.malformed())?),
        })
    }

    /// The word at the cursor: a number or a literal.
    fn word(&mut self) -> &'a str {
        let rest = self.rest();
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.');
        let word = rest.get(..rest.as_bytes().iter().take_while(|byte| is_part(byte)).count()).unwrap_or_default();
        self.at += word.len();
        word
    }

    #[inline(never)]
    pub fn string(&mut self) -> Result<String, Error> {
        self.expect(b'"')?;
        let mut text = String::new();
        loop {
            let rest = self.rest();
            let plain = rest.bytes().take_while(|byte| !matches!(byte, b'"' | b'\\')).count();
            text.push_str(rest.get(..plain).unwrap_or_default());
            self.at += plain + 1;
            match rest.as_bytes().get(plain) {
                Some(b'"') => return Ok(text),
                Some(_) => text.push(self.escape()?),
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
                let behind = self.at;
                let mut code = high;
                if (0xD800..0xDC00).contains(&high) && self.rest().starts_with("\\u") {
                    self.at += 2;
                    match self.hex4()? {
                        low @ 0xDC00..0xE000 => code = 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00),
                        // No pair: the second is a character of its own.
                        _ => self.at = behind,
                    }
                }
                char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            _ => return Err(self.malformed()),
        })
    }

    #[inline(never)]
    fn hex4(&mut self) -> Result<u32, Error> {
        let digits = self.json.get(self.at..self.at + 4).ok_or_else(|| self.malformed())?;
        self.at += 4;
        let mut code = 0;
        for digit in digits.bytes() {
            code = code << 4 | char::from(digit).to_digit(16).ok_or_else(|| self.malformed())?;
        }
        Ok(code)
    }
}
