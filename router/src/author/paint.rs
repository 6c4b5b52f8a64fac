//! Colours on a terminal, and nothing elsewhere.

use std::{env, fmt, io::IsTerminal};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paint {
    on: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    Red,
    Green,
    Yellow,
    Faint,
}

/// A text in its colour.
pub struct Painted<'a> {
    text: &'a str,
    code: Option<&'static str>,
}

impl Paint {
    /// Colours if `stream` is a terminal and `NO_COLOR` is not set.
    pub fn of(stream: &impl IsTerminal) -> Self {
        Self { on: stream.is_terminal() && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()) }
    }

    pub const fn plain() -> Self {
        Self { on: false }
    }

    pub fn paint(self, colour: Colour, text: &str) -> Painted<'_> {
        let code = match colour {
            Colour::Red => "31",
            Colour::Green => "32",
            Colour::Yellow => "33",
            Colour::Faint => "2",
        };
        Painted { text, code: self.on.then_some(code) }
    }
}

impl fmt::Display for Painted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self.code {
            Some(code) => write!(f, "\x1b[{code}m{}\x1b[0m", self.text),
            None => f.write_str(self.text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_only_where_they_are_wanted() {
        assert_eq!(Paint::plain().paint(Colour::Red, "a").to_string(), "a");
        assert_eq!(Paint { on: true }.paint(Colour::Green, "a").to_string(), "\x1b[32ma\x1b[0m");
    }
}
