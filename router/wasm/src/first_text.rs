//! The text that a document begins with, as `log` in what the agent writes: it goes into its column in one step, where the
//! library would first skip it, then resolve its escapes into a text of its own.
use sluice_core::json::plain_end;

use crate::lookup::Path;

/// Looks for one field of the record itself where it is the first, and a text.
#[derive(Debug)]
pub(crate) struct FirstText {
    /// `{"name":"`
    begins: Vec<u8>,
}

impl FirstText {
    /// `None` for a path that this cannot find.
    pub fn new(path: &Path) -> Option<Self> {
        let begins = format!("{{{}:\"", sonic_rs::to_string(path.only_key()?).ok()?);
        Some(Self { begins: begins.into_bytes() })
    }

    /// Appends the text without its escapes; false, and nothing is appended, where somebody else has to look.
    pub fn append(&self, json: &str, out: &mut crate::column::Builder) -> bool {
        let Some(rest) = json.as_bytes().strip_prefix(self.begins.as_slice()) else { return false };
        out.push_written(|text| append_text(rest, text))
    }
}

/// Appends what stands before the closing quote; false where it has none, or something that is not plain to see.
fn append_text(json: &[u8], text: &mut Vec<u8>) -> bool {
    let mut at = 0;
    loop {
        let start = at;
        at = plain_end::<true>(json, at);
        text.extend_from_slice(&json[start..at]);
        match json.get(at) {
            Some(b'"') => return true,
            Some(b'\\') => {}
            _ => return false,
        }
        let Some(character) = json.get(at + 1).and_then(|escape| resolved(*escape)) else { return false };
        text.push(character);
        at += 2;
    }
}

/// What an escape of one letter stands for.
fn resolved(escape: u8) -> Option<u8> {
    match escape {
        b'"' | b'\\' | b'/' => Some(escape),
        b'n' => Some(b'\n'),
        b't' => Some(b'\t'),
        b'r' => Some(b'\r'),
        b'b' => Some(8),
        b'f' => Some(12),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::column::Builder;

    #[test]
    fn only_what_is_plain_to_see_is_taken() {
        let first = FirstText::new(&Path::new(&["log".to_string()])).unwrap();
        for (json, expect) in [
            (r#"{"log":"plain","a":1}"#, Some("plain")),
            (r#"{"log":""}"#, Some("")),
            (r#"{"log":"a\n\"b\"\\\/\t\r\b\f","#, Some("a\n\"b\"\\/\t\r\u{8}\u{c}")),
            (r#"{"log":"é 😀"}"#, Some("é 😀")),
            (r#"{"log":"\u00e9"}"#, None),
            (r#"{"log":"\x"}"#, None),
            (r#"{"log":"no end"#, None),
            (r#"{"log":"no end\"#, None),
            ("{\"log\":\"a\nb\"}", None),
            (r#"{"log":1}"#, None),
            (r#"{"log" :"a"}"#, None),
            (r#"{"a":1,"log":"a"}"#, None),
            (r#"{"logs":"a"}"#, None),
            ("", None),
        ] {
            let mut out = Builder::default();
            assert_eq!(first.append(json, &mut out), expect.is_some(), "{json}");
            let column = out.finish();
            assert_eq!(std::str::from_utf8(column.view(b"").text).unwrap(), expect.unwrap_or_default(), "{json}");
        }
        assert!(FirstText::new(&Path::new(&["log".to_string(), "level".to_string()])).is_none());
    }
}
