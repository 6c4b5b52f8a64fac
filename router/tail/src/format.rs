//! Which format a log file has. Its first line decides, once.

use serde::{Deserialize, Serialize};

use crate::{cri, docker, fragment::Fragment};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// containerd, CRI-O.
    Cri,
    /// docker's json-file driver.
    Docker,
    /// Any text: a line is a record.
    Plain,
}

impl Format {
    /// The format of a file whose first line, without its newline, is this.
    pub fn of_first_line(line: &[u8]) -> Self {
        let line = without_byte_order_mark(line);
        if cri::parse(line).is_some() {
            Format::Cri
        } else if docker::parse(line).is_some() {
            Format::Docker
        } else {
            Format::Plain
        }
    }

    /// Takes a line apart; `None` where it is malformed. A plain line has no parts.
    pub fn parse(self, line: &[u8]) -> Option<Fragment<'_>> {
        match self {
            Format::Cri => cri::parse(line),
            Format::Docker => docker::parse(line),
            Format::Plain => None,
        }
    }
}

/// The first line of a file without the mark that some editors and runtimes of Windows put before it: it is no text.
pub fn without_byte_order_mark(line: &[u8]) -> &[u8] {
    line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_decides() {
        for (line, expected) in [
            ("2023-11-14T22:13:20Z stdout F a", Format::Cri),
            (r#"{"log":"a\n","stream":"stdout","time":"2023-11-14T22:13:20Z"}"#, Format::Docker),
            (r#"{"message":"a","time":"2023-11-14T22:13:20Z"}"#, Format::Plain),
            ("2023-11-14T22:13:20Z hello", Format::Plain),
            ("\u{feff}2023-11-14T22:13:20Z stdout F a", Format::Cri),
            ("\u{feff}", Format::Plain),
            ("", Format::Plain),
        ] {
            assert_eq!(Format::of_first_line(line.as_bytes()), expected, "{line}");
        }
    }
}
