//! What one line of a container's log file says: a text, or a part of one.

use sluice_core::Stream;

use crate::json_text;

/// One line, taken apart and not copied.
#[derive(Clone, Copy, Debug)]
pub struct Fragment<'a> {
    /// Nanoseconds since 1970 UTC.
    pub time: u64,
    pub stream: Stream,
    pub body: Body<'a>,
}

/// The text as it stands in the line.
#[derive(Clone, Copy, Debug)]
pub enum Body<'a> {
    /// The bytes themselves; `partial` where the text goes on in the stream's next line.
    Plain { text: &'a [u8], partial: bool },
    /// What stands between the quotes of a JSON string; it goes on in the stream's next line unless it ends in a
    /// newline.
    Json(&'a [u8]),
}

/// What was appended of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The text goes on in the stream's next line.
    pub partial: bool,
    /// The text was longer than the limit, and its end is left out.
    pub cut: bool,
}

impl Body<'_> {
    /// Whether the text goes on in the stream's next line.
    pub fn is_partial(self) -> bool {
        match self {
            Self::Plain { partial, .. } => partial,
            Self::Json(escaped) => !json_text::ends_in_newline(escaped),
        }
    }

    /// Appends the text's bytes, at most `limit` of them and never half a character.
    pub fn append(self, out: &mut Vec<u8>, limit: usize) -> Appended {
        let start = out.len();
        match self {
            Body::Plain { text, partial } => {
                out.extend_from_slice(&text[..text.len().min(limit)]);
                let cut = text.len() > limit;
                if cut {
                    out.truncate(whole_characters(out, start));
                }
                Appended { partial, cut }
            }
            Body::Json(escaped) => {
                let ends_line = json_text::ends_in_newline(escaped);
                json_text::append(escaped, out, start.saturating_add(limit));
                let cut = out.len() - start > limit;
                if cut {
                    out.truncate(start + limit);
                    out.truncate(whole_characters(out, start));
                }
                Appended { partial: !ends_line, cut }
            }
        }
    }
}

/// Where `out[start..]` ends without the character that a cut left incomplete.
pub fn whole_characters(out: &[u8], start: usize) -> usize {
    let tail = &out[start.max(out.len().saturating_sub(3))..];
    for (back, byte) in tail.iter().rev().enumerate() {
        let length = match byte {
            0x80..=0xbf => continue,
            0xc0..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf7 => 4,
            _ => 1,
        };
        return if length > back + 1 { out.len() - back - 1 } else { out.len() };
    }
    out.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_between_characters() {
        for (text, limit, expected) in [
            ("abc", 3, "abc"),
            ("abc", 2, "ab"),
            ("abc", 0, ""),
            ("aé", 2, "a"),
            ("aéb", 3, "aé"),
            ("a€", 2, "a"),
            ("a€", 3, "a"),
            ("a€b", 4, "a€"),
            ("😀", 3, ""),
            ("a😀", 4, "a"),
            ("😀b", 4, "😀"),
        ] {
            let cut = text.len() > limit;
            for (body, partial) in
                [(Body::Plain { text: text.as_bytes(), partial: false }, false), (Body::Json(text.as_bytes()), true)]
            {
                let mut out = b"before".to_vec();
                assert_eq!(body.append(&mut out, limit), Appended { partial, cut }, "{text} {limit}");
                assert_eq!(std::str::from_utf8(&out[6..]).unwrap(), expected, "{text} {limit}");
            }
        }
    }

    #[test]
    fn bytes_that_are_not_utf8_are_cut_where_they_are() {
        let mut out = Vec::new();
        Body::Plain { text: b"\x80\x80\x80\x80\x80", partial: false }.append(&mut out, 4);
        assert_eq!(out, b"\x80\x80\x80\x80");
    }
}
