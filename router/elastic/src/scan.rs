//! One pass over a document: proves that it is one JSON object, and finds the members that the sink needs.

use std::ops::Range;

use sluice_core::json::plain_end;

/// Where things lie in a document, as byte offsets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Members {
    /// The object's `{`; white space before it.
    pub open: usize,
    /// The object's `}`; white space after it.
    pub close: usize,
    pub is_empty: bool,
    /// There are line feeds or carriage returns, which can only be outside of strings.
    pub has_lines: bool,
    /// The values at top level, a string with its quotes.
    pub timestamp: Option<Range<usize>>,
    pub time: Option<Range<usize>>,
    pub tag: Option<Range<usize>>,
}

/// Why a text is not one JSON object, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Defect {
    pub offset: usize,
    pub what: &'static str,
}

/// Scans documents. Holds only memory that is used again.
#[derive(Debug, Default)]
pub struct Scanner {
    /// The closing brackets that are still to come, innermost last.
    nesting: Vec<u8>,
}

impl Scanner {
    /// Checks the whole of `text` against the JSON grammar (RFC 8259) and UTF-8; nothing may follow the object.
    ///
    /// `tag_key` is the member to find as [`Members::tag`]. A second `@timestamp` or `tag_key` is a defect, since an
    /// index refuses an object with a repeated key.
    pub fn scan(&mut self, text: &[u8], tag_key: Option<&str>) -> Result<Members, Defect> {
        if let Err(error) = std::str::from_utf8(text) {
            return Err(Defect { offset: error.valid_up_to(), what: "invalid utf-8" });
        }
        let mut cursor = Cursor { text, at: 0, has_lines: false, defect: "" };
        let mut members = Members::default();
        match self.object(&mut cursor, tag_key, &mut members) {
            Some(()) => Ok(Members { has_lines: cursor.has_lines, ..members }),
            None => Err(Defect { offset: cursor.at, what: cursor.defect }),
        }
    }

    /// The whole text.
    fn object(&mut self, cursor: &mut Cursor, tag_key: Option<&str>, members: &mut Members) -> Option<()> {
        cursor.space();
        members.open = cursor.at;
        cursor.take(b'{', "an object was expected")?;
        cursor.space();
        if cursor.peek() == b'}' {
            members.is_empty = true;
        } else {
            self.members(cursor, tag_key, members)?;
        }
        members.close = cursor.at;
        cursor.take(b'}', "the object does not end")?;
        cursor.space();
        if cursor.at < cursor.text.len() { cursor.stop("something follows the object") } else { Some(()) }
    }

    /// The members at top level, up to the object's end.
    fn members(&mut self, cursor: &mut Cursor, tag_key: Option<&str>, members: &mut Members) -> Option<()> {
        loop {
            let key_at = cursor.at;
            let key = cursor.key()?;
            let is = |name: &str| key.is(cursor.text, name);
            let (is_timestamp, is_time, is_tag) = (is("@timestamp"), is("time"), tag_key.is_some_and(is));
            cursor.space();
            let start = cursor.at;
            cursor.value(&mut self.nesting)?;
            let value = start..cursor.at;
            if is_time {
                members.time = Some(value.clone());
            }
            if is_timestamp && members.timestamp.replace(value.clone()).is_some()
                || is_tag && members.tag.replace(value).is_some()
            {
                cursor.at = key_at;
                return cursor.stop("a repeated key");
            }
            cursor.space();
            if cursor.peek() != b',' {
                return Some(());
            }
            cursor.at += 1;
            cursor.space();
        }
    }
}

/// A key between its quotes.
struct Key {
    start: usize,
    end: usize,
    escaped: bool,
}

impl Key {
    fn is(&self, text: &[u8], name: &str) -> bool {
        if !self.escaped {
            return &text[self.start..self.end] == name.as_bytes();
        }
        let quoted = &text[self.start - 1..=self.end];
        serde_json::from_slice::<String>(quoted).is_ok_and(|key| key == name)
    }
}

struct Cursor<'a> {
    text: &'a [u8],
    at: usize,
    has_lines: bool,
    /// What is wrong at `at`, after a method answered `None`: smaller to hand back than a [`Defect`].
    defect: &'static str,
}

impl Cursor<'_> {
    /// The next byte; 0, which JSON never has outside of strings, at the end.
    fn peek(&self) -> u8 {
        self.text.get(self.at).copied().unwrap_or(0)
    }

    /// Says what is wrong at this place.
    #[cold]
    fn stop<T>(&mut self, what: &'static str) -> Option<T> {
        self.defect = what;
        None
    }

    fn take(&mut self, byte: u8, what: &'static str) -> Option<()> {
        if self.peek() != byte {
            return self.stop(what);
        }
        self.at += 1;
        Some(())
    }

    fn space(&mut self) {
        loop {
            match self.peek() {
                b' ' | b'\t' => {}
                b'\n' | b'\r' => self.has_lines = true,
                _ => return,
            }
            self.at += 1;
        }
    }

    /// A key and its colon.
    #[inline(always)]
    fn key(&mut self) -> Option<Key> {
        if self.peek() != b'"' {
            return self.stop("a key was expected");
        }
        let start = self.at + 1;
        let escaped = self.string()?;
        let end = self.at - 1;
        self.space();
        self.take(b':', "a colon was expected")?;
        Some(Key { start, end, escaped })
    }

    /// A value of any kind. Not recursive: the depth of a document cannot exhaust the stack.
    fn value(&mut self, nesting: &mut Vec<u8>) -> Option<()> {
        nesting.clear();
        loop {
            self.space();
            match self.peek() {
                b'"' => {
                    self.string()?;
                }
                opening @ (b'{' | b'[') => {
                    let closing = opening + 2;
                    self.at += 1;
                    self.space();
                    if self.peek() == closing {
                        self.at += 1;
                    } else {
                        nesting.push(closing);
                        if closing == b'}' {
                            self.key()?;
                        }
                        continue;
                    }
                }
                b'-' | b'0'..=b'9' => self.number()?,
                b't' => self.literal(b"true")?,
                b'f' => self.literal(b"false")?,
                b'n' => self.literal(b"null")?,
                _ => return self.stop("a value was expected"),
            }
            if self.after_value(nesting)? {
                return Some(());
            }
        }
    }

    /// Closes what ends after a value. True at the end of the outermost value, false before the next.
    fn after_value(&mut self, nesting: &mut Vec<u8>) -> Option<bool> {
        while let Some(&closing) = nesting.last() {
            self.space();
            match self.peek() {
                b',' => {
                    self.at += 1;
                    if closing == b'}' {
                        self.space();
                        self.key()?;
                    }
                    return Some(false);
                }
                byte if byte == closing => {
                    self.at += 1;
                    nesting.pop();
                }
                _ => return self.stop("a comma or a closing bracket was expected"),
            }
        }
        Some(true)
    }

    /// A string with its quotes; true if it has escapes. Inlined, since most strings are so short that calling costs a
    /// fifth of a scan.
    #[inline(always)]
    fn string(&mut self) -> Option<bool> {
        self.at += 1;
        let mut escaped = false;
        loop {
            self.at = plain_end::<true>(self.text, self.at);
            match self.peek() {
                b'"' => {
                    self.at += 1;
                    return Some(escaped);
                }
                b'\\' => {
                    escaped = true;
                    self.escape()?;
                }
                _ if self.at == self.text.len() => return self.stop("a string does not end"),
                _ => return self.stop("a control character in a string"),
            }
        }
    }

    fn escape(&mut self) -> Option<()> {
        let digits = match self.text.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 0,
            Some(b'u') => 4,
            _ => return self.stop("an unknown escape"),
        };
        let end = self.at + 2 + digits;
        match self.text.get(self.at + 2..end) {
            Some(hex) if hex.iter().all(u8::is_ascii_hexdigit) => self.at = end,
            _ => return self.stop("an unknown escape"),
        }
        Some(())
    }

    fn number(&mut self) -> Option<()> {
        if self.peek() == b'-' {
            self.at += 1;
        }
        let leading_zero = self.peek() == b'0';
        if self.digits()? > 1 && leading_zero {
            return self.stop("a number with a leading zero");
        }
        if self.peek() == b'.' {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), b'e' | b'E') {
            self.at += 1;
            if matches!(self.peek(), b'+' | b'-') {
                self.at += 1;
            }
            self.digits()?;
        }
        Some(())
    }

    /// One digit at least; their count.
    fn digits(&mut self) -> Option<usize> {
        let start = self.at;
        while self.peek().is_ascii_digit() {
            self.at += 1;
        }
        if self.at == start { self.stop("a digit was expected") } else { Some(self.at - start) }
    }

    fn literal(&mut self, word: &[u8]) -> Option<()> {
        if !self.text[self.at..].starts_with(word) {
            return self.stop("a value was expected");
        }
        self.at += word.len();
        Some(())
    }
}

#[cfg(test)]
#[path = "scan/tests.rs"]
mod tests;
