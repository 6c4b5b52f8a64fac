//! Errors that name the key.
use std::fmt::{self, Display};

use serde::de::{self, Expected, Unexpected};

/// Behind a pointer, so that every function that may fail stays small.
#[derive(Debug)]
pub struct Error(Box<Told>);

#[derive(Debug)]
struct Told {
    path: String,
    reason: String,
}

impl Error {
    #[inline(never)]
    pub fn malformed(at: usize) -> Self {
        de::Error::custom(format_args!("malformed JSON at byte {at}"))
    }

    #[inline(never)]
    pub fn under_item(self, index: usize) -> Self {
        self.under(&format!("[{index}]"))
    }

    /// The same error, seen from one level further up.
    #[inline(never)]
    pub fn under(mut self, key: &str) -> Self {
        let Told { path, .. } = &mut *self.0;
        let dot = if path.is_empty() || path.starts_with('[') { "" } else { "." };
        *path = joined([key, dot, path]);
        self
    }

    #[inline(never)]
    pub fn mismatch(found: Unexpected, expected: &dyn Expected) -> Self {
        let found: &dyn Display = match &found {
            Unexpected::Bool(value) => value,
            Unexpected::Unsigned(number) => number,
            // What fits no `u64` is negative.
            Unexpected::Signed(number) => &Negative(number.unsigned_abs()),
            Unexpected::Float(_) => &"this number",
            Unexpected::Str(text) => &Quoted(text),
            Unexpected::Unit | Unexpected::Option => &"null",
            Unexpected::Seq => &"a list",
            Unexpected::Map => &"an object",
            _ => &"this",
        };
        de::Error::custom(format_args!("expected {expected}, not {found}"))
    }

    pub fn into_text(self) -> String {
        let Told { path, reason } = *self.0;
        if path.is_empty() { reason } else { joined([&path, ": ", &reason]) }
    }

    #[inline(never)]
    fn told(message: &dyn Display) -> Self {
        Self(Box::new(Told { path: String::new(), reason: message.to_string() }))
    }
}

/// As `concat` does, in a third of its size.
fn joined(parts: [&str; 3]) -> String {
    let mut text = String::new();
    parts.into_iter().for_each(|part| text.push_str(part));
    text
}

struct Quoted<'a>(&'a str);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        ["\"", self.0, "\""].into_iter().try_for_each(|part| f.write_str(part))
    }
}

/// In the form of a positive number, of which there is one already in every component.
struct Negative(u64);

impl Display for Negative {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "-{}", self.0)
    }
}

impl de::Error for Error {
    fn custom<T: Display>(message: T) -> Self {
        Self::told(&message)
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
        let Told { path, reason } = &*self.0;
        let colon = if path.is_empty() { "" } else { ": " };
        [path.as_str(), colon, reason].into_iter().try_for_each(|part| f.write_str(part))
    }
}

impl std::error::Error for Error {}
