//! Lines of docker's json-file driver: `{"log":"text\n","stream":"stdout","time":"2023-11-14T22:13:20.123456789Z"}`.

use sluice_core::Stream;

use crate::{
    fragment::{Body, Fragment},
    json_text::find_quote_or_backslash,
    timestamp,
};

/// Reads one line, without its newline. `None` where it is not such an object.
///
/// The members may come in any order, and others (`attrs`) are passed over. The object is scanned and not parsed:
/// the text stays as it stands in the line, and what a skipped value holds is not looked at.
pub fn parse(line: &[u8]) -> Option<Fragment<'_>> {
    let mut scanner = Scanner { rest: line };
    let (mut log, mut stream, mut time) = (None, None, None);
    scanner.expect(b'{')?;
    loop {
        let name = scanner.string()?;
        scanner.expect(b':')?;
        match name {
            b"log" => log = Some(scanner.string()?),
            b"stream" => stream = Some(Stream::parse(scanner.string()?)?),
            b"time" => time = Some(timestamp::parse(scanner.string()?)?),
            _ => scanner.skip_value()?,
        }
        match scanner.next()? {
            b',' => {}
            b'}' => break,
            _ => return None,
        }
    }
    scanner.skip_spaces();
    if !scanner.rest.is_empty() {
        return None;
    }
    Some(Fragment { time: time?, stream: stream?, body: Body::Json(log?) })
}

struct Scanner<'a> {
    rest: &'a [u8],
}

impl<'a> Scanner<'a> {
    fn skip_spaces(&mut self) {
        while let [b' ' | b'\t' | b'\r' | b'\n', rest @ ..] = self.rest {
            self.rest = rest;
        }
    }

    /// The next byte that is not white space.
    fn next(&mut self) -> Option<u8> {
        self.skip_spaces();
        let (&byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(byte)
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.next()? == byte).then_some(())
    }

    /// What stands between the quotes of the string that comes next.
    fn string(&mut self) -> Option<&'a [u8]> {
        self.expect(b'"')?;
        let mut at = 0;
        loop {
            at += find_quote_or_backslash(self.rest.get(at..)?)?;
            if self.rest[at] == b'"' {
                let text = &self.rest[..at];
                self.rest = &self.rest[at + 1..];
                return Some(text);
            }
            at += 2;
        }
    }

    /// Passes over a value of any kind, to the comma or brace that follows it.
    fn skip_value(&mut self) -> Option<()> {
        let mut depth = 0u32;
        loop {
            self.skip_spaces();
            match self.rest.first()? {
                b'"' => drop(self.string()?),
                b'{' | b'[' => {
                    depth += 1;
                    self.rest = &self.rest[1..];
                }
                b'}' | b']' | b',' if depth == 0 => return Some(()),
                b'}' | b']' => {
                    depth -= 1;
                    self.rest = &self.rest[1..];
                }
                _ => self.rest = &self.rest[1..],
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TIME: &str = "2023-11-14T22:13:20.123456789Z";

    fn check(line: &str, expected: Option<(Stream, &str)>) {
        let fragment = parse(line.as_bytes()).map(|fragment| {
            assert_eq!(fragment.time, 1_700_000_000_123_456_789, "{line}");
            let Body::Json(text) = fragment.body else { panic!("{line}") };
            (fragment.stream, std::str::from_utf8(text).unwrap())
        });
        assert_eq!(fragment, expected, "{line}");
    }

    #[test]
    fn reads_lines() {
        use Stream::{Stderr, Stdout};
        for (line, expected) in [
            (r#"{"log":"a\n","stream":"stdout","time":"TIME"}"#, Some((Stdout, r"a\n"))),
            (r#"{"time":"TIME","stream":"stderr","log":""}"#, Some((Stderr, ""))),
            (r#"{"log":"a \"b\" \\","stream":"stdout","time":"TIME"}"#, Some((Stdout, r#"a \"b\" \\"#))),
            (r#" { "log" : "a" , "stream":"stdout","time":"TIME" } "#, Some((Stdout, "a"))),
            (
                r#"{"log":"a","attrs":{"x":{"y":["}",1]},"log":"no"},"n":-1.5e3,"t":true,"stream":"stdout","time":"TIME"}"#,
                Some((Stdout, "a")),
            ),
            (r#"{"log":"a","stream":"stdout","time":"TIME"}x"#, None),
            (r#"{"log":"a","stream":"stdout","time":"TIME""#, None),
            (r#"{"log":"a","stream":"stdout"}"#, None),
            (r#"{"log":"a","time":"TIME"}"#, None),
            (r#"{"stream":"stdout","time":"TIME"}"#, None),
            (r#"{"log":"a","stream":"stdin","time":"TIME"}"#, None),
            (r#"{"log":"a","stream":"stdout","time":"yesterday"}"#, None),
            (r#"{"log":1,"stream":"stdout","time":"TIME"}"#, None),
            (r#"{"log":"a\"#, None),
            (r#"{"log"#, None),
            ("{}", None),
            ("{", None),
            ("[]", None),
            ("", None),
        ] {
            check(&line.replace("TIME", TIME), expected);
        }
    }

    proptest! {
        #[test]
        fn any_text_comes_through(log: String, attribute: String) {
            let line = serde_json::json!({"attrs": {"tag": attribute}, "log": log, "stream": "stderr", "time": TIME}).to_string();
            let fragment = parse(line.as_bytes()).unwrap();
            let mut text = Vec::new();
            let appended = fragment.body.append(&mut text, usize::MAX / 2);
            prop_assert_eq!(std::str::from_utf8(&text).unwrap(), log.as_str());
            prop_assert_eq!(appended.partial, !log.ends_with('\n'));
        }

        #[test]
        fn any_bytes_are_taken(bytes: Vec<u8>) {
            parse(&bytes);
            parse(&[b"{\"log\":\"", bytes.as_slice()].concat());
        }
    }
}
