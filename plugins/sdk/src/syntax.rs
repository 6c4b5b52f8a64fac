//! Whether a text is JSON: a plugin that sets objects and arrays has to answer for it.

/// How deep values may be nested; what is deeper has no fields for the host either.
const DEEPEST: usize = 200;

/// Whether this is exactly one JSON value, with space around it at most, and not nested deeper than 200 levels.
pub fn is_json(text: &str) -> bool {
    let mut reader = Reader { bytes: text.as_bytes(), at: 0, open: Open::default() };
    reader.document().is_some() && reader.next().is_none()
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    open: Open,
}

/// The brackets that are to be closed: a bit each, set for those of objects.
#[derive(Default)]
struct Open {
    depth: usize,
    objects: [u64; DEEPEST.div_ceil(64)],
}

impl Open {
    /// The bracket that closes what was opened last.
    fn last(&self) -> Option<u8> {
        let at = self.depth.checked_sub(1)?;
        let is_object = self.objects.get(at / 64)? >> (at % 64) & 1 == 1;
        Some(if is_object { b'}' } else { b']' })
    }

    /// `None` if that is too deep.
    fn push(&mut self, close: u8) -> Option<()> {
        (self.depth < DEEPEST).then_some(())?;
        let (at, bits) = (self.depth % 64, self.objects.get_mut(self.depth / 64)?);
        *bits = *bits & !(1 << at) | u64::from(close == b'}') << at;
        self.depth += 1;
        Some(())
    }

    fn pop(&mut self) {
        self.depth -= 1;
    }
}

/// `None` is the answer for what is no JSON.
impl Reader<'_> {
    fn document(&mut self) -> Option<()> {
        loop {
            if self.value()? {
                continue;
            }
            loop {
                let Some(close) = self.open.last() else { return Some(()) };
                match self.next()? {
                    b',' if close == b'}' => break self.key()?,
                    b',' => break,
                    byte if byte == close => self.open.pop(),
                    _ => return None,
                };
            }
        }
    }

    /// Reads a value, or as much of it as comes before the first value inside: then true.
    fn value(&mut self) -> Option<bool> {
        let close = match self.next()? {
            b'"' => return self.string().map(|()| false),
            b'{' => b'}',
            b'[' => b']',
            b't' => return self.word(b"rue"),
            b'f' => return self.word(b"alse"),
            b'n' => return self.word(b"ull"),
            first => return self.number(first).map(|()| false),
        };
        (self.open.depth < DEEPEST).then_some(())?;
        if self.peek()? == close {
            self.at += 1;
            return Some(false);
        }
        self.open.push(close)?;
        if close == b'}' {
            self.key()?;
        }
        Some(true)
    }

    fn key(&mut self) -> Option<()> {
        (self.next()? == b'"').then_some(())?;
        self.string()?;
        (self.next()? == b':').then_some(())
    }

    fn string(&mut self) -> Option<()> {
        loop {
            match self.take()? {
                b'"' => return Some(()),
                b'\\' => match self.take()? {
                    b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => {}
                    b'u' => (0..4).try_for_each(|_| self.take()?.is_ascii_hexdigit().then_some(()))?,
                    _ => return None,
                },
                0..0x20 => return None,
                _ => {}
            }
        }
    }

    fn number(&mut self, first: u8) -> Option<()> {
        let first = if first == b'-' { self.take()? } else { first };
        first.is_ascii_digit().then_some(())?;
        if first != b'0' {
            self.digits();
        }
        if self.ahead() == Some(b'.') {
            self.at += 1;
            self.digits().then_some(())?;
        }
        if let Some(b'e' | b'E') = self.ahead() {
            self.at += 1;
            self.at += usize::from(matches!(self.ahead(), Some(b'+' | b'-')));
            self.digits().then_some(())?;
        }
        Some(())
    }

    /// Skips digits; true if there was one.
    fn digits(&mut self) -> bool {
        let start = self.at;
        while self.ahead().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        self.at > start
    }

    fn word(&mut self, rest: &[u8]) -> Option<bool> {
        let found = self.bytes.get(self.at..)?.starts_with(rest);
        self.at += rest.len();
        found.then_some(false)
    }

    fn ahead(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn take(&mut self) -> Option<u8> {
        self.at += 1;
        self.bytes.get(self.at - 1).copied()
    }

    fn peek(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.ahead() {
            self.at += 1;
        }
        self.ahead()
    }

    fn next(&mut self) -> Option<u8> {
        self.peek()?;
        self.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_serde_json() {
        for json in [
            "1",
            "-1",
            "-0.5e+3",
            "0",
            "123456789012345678901234567890",
            "1E5",
            "00",
            "01",
            "-",
            "1.",
            ".5",
            "1e",
            "1e+",
            "--1",
            "+1",
            "1x",
            "null",
            "nul",
            "nulll",
            "true",
            "false",
            "tru",
            r#""""#,
            r#""a\"b\\\/\b\f\n\r\t\u00e9é""#,
            r#""\x""#,
            r#""\u12g4""#,
            "\"\n\"",
            "\"",
            "\"\\\"",
            "{}",
            "[]",
            "[1]",
            "[1,2]",
            "[1,]",
            "[,1]",
            "[1 2]",
            "[",
            "]",
            "[}",
            "{]",
            r#"{"a":1}"#,
            r#"{"a":1,"b":[{},[],{"c":null}]}"#,
            r#"{"a":1,}"#,
            r#"{"a"}"#,
            r#"{"a":}"#,
            r#"{a:1}"#,
            r#"{1:1}"#,
            r#"{"a" : [ 1 , 2 ] } "#,
            r#"{"a":1}}"#,
            r#"{"a":1} {"#,
            "",
            " ",
            " 1 ",
            "[[]",
            r#"{"a":1 "b":2}"#,
            r#"{"a":1,2}"#,
            r#"[1,"a":2]"#,
            "\u{a0}1",
        ] {
            let expect = serde_json::from_str::<serde_json::Value>(json).is_ok();
            assert_eq!(is_json(json), expect, "{json}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        for (depth, expect) in [(200, true), (201, false), (1_000_000, false)] {
            assert_eq!(is_json(&("[".repeat(depth - 1) + "[]" + &"]".repeat(depth - 1))), expect, "{depth}");
        }
    }
}
