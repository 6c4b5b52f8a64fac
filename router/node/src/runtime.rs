//! How container runtimes write what a container prints.

use jiff::Timestamp;

/// Both runtimes read what a container prints in pieces of this size; a longer line becomes several records.
pub const LONGEST_PART: usize = 16 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `2023-11-14T22:13:20.123456789Z stdout F text`
    Cri,
    /// `{"log":"text\n","stream":"stdout","time":"2023-11-14T22:13:20.123456789Z"}`
    DockerJson,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stream {
    Stdout,
    Stderr,
}

impl Stream {
    pub fn name(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }
}

/// Appends lines to a buffer.
#[derive(Debug)]
pub(crate) struct Writer {
    format: Format,
    clock: ClockFace,
}

impl Writer {
    pub(crate) fn new(format: Format) -> Self {
        Self { format, clock: ClockFace::default() }
    }

    /// Appends the line `text` of the container, without its newline, split where it is longer than [`LONGEST_PART`].
    /// `time` is in nanoseconds since 1970.
    pub(crate) fn append(&mut self, stream: Stream, text: &[u8], time: u64, out: &mut Vec<u8>) {
        let mut rest = text;
        while rest.len() > LONGEST_PART {
            let (part, others) = rest.split_at(LONGEST_PART);
            self.append_part(stream, part, true, time, out);
            rest = others;
        }
        self.append_part(stream, rest, false, time, out);
    }

    fn append_part(&mut self, stream: Stream, text: &[u8], partial: bool, time: u64, out: &mut Vec<u8>) {
        match self.format {
            Format::Cri => {
                self.clock.append(time, out);
                out.push(b' ');
                out.extend_from_slice(stream.name().as_bytes());
                out.extend_from_slice(if partial { b" P " } else { b" F " });
                out.extend_from_slice(text);
            }
            Format::DockerJson => {
                out.extend_from_slice(b"{\"log\":\"");
                append_escaped(text, out);
                out.extend_from_slice(if partial { b"\"" } else { b"\\n\"" });
                out.extend_from_slice(b",\"stream\":\"");
                out.extend_from_slice(stream.name().as_bytes());
                out.extend_from_slice(b"\",\"time\":\"");
                self.clock.append(time, out);
                out.extend_from_slice(b"\"}");
            }
        }
        out.push(b'\n');
    }
}

/// Docker escapes for HTML too, knows short forms for two control characters only, and replaces what is not UTF-8.
fn append_escaped(text: &[u8], out: &mut Vec<u8>) {
    for chunk in text.utf8_chunks() {
        let valid = chunk.valid();
        let mut plain = 0;
        for (at, character) in valid.char_indices() {
            if !matches!(character, '\0'..='\x1f' | '"' | '\\' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}') {
                continue;
            }
            out.extend_from_slice(&valid.as_bytes()[plain..at]);
            plain = at + character.len_utf8();
            match character {
                '"' => out.extend_from_slice(b"\\\""),
                '\\' => out.extend_from_slice(b"\\\\"),
                '\n' => out.extend_from_slice(b"\\n"),
                '\r' => out.extend_from_slice(b"\\r"),
                other => out.extend_from_slice(format!("\\u{:04x}", u32::from(other)).as_bytes()),
            }
        }
        out.extend_from_slice(&valid.as_bytes()[plain..]);
        for _ in chunk.invalid() {
            out.extend_from_slice(b"\\ufffd");
        }
    }
}

/// Writes times; remembers the last whole second, which is the costly part.
#[derive(Debug, Default)]
struct ClockFace {
    second: Option<u64>,
    text: String,
}

impl ClockFace {
    /// RFC 3339 in UTC with as many digits of the fraction as are needed, which is how Go's programs write times.
    fn append(&mut self, time: u64, out: &mut Vec<u8>) {
        let (second, mut fraction) = (time / 1_000_000_000, time % 1_000_000_000);
        if self.second != Some(second) {
            self.text = format_second(second, "%Y-%m-%dT%H:%M:%S");
            self.second = Some(second);
        }
        out.extend_from_slice(self.text.as_bytes());
        if fraction > 0 {
            let mut digits = [b'.'; 10];
            for digit in digits[1..].iter_mut().rev() {
                *digit = b'0' + (fraction % 10) as u8;
                fraction /= 10;
            }
            let end = digits.iter().rposition(|digit| *digit != b'0').map_or(0, |last| last + 1);
            out.extend_from_slice(&digits[..end]);
        }
        out.push(b'Z');
    }
}

/// A time in whole seconds since 1970, in UTC. Nanoseconds in 64 bits end in the year 2554, which jiff can show.
pub(crate) fn format_second(second: u64, pattern: &str) -> String {
    let second = i64::try_from(second).unwrap_or(i64::MAX);
    Timestamp::from_second(second).unwrap_or(Timestamp::MAX).strftime(pattern).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: u64 = 1_700_000_000_123_456_789;

    fn written(format: Format, stream: Stream, text: &[u8], time: u64) -> String {
        let mut out = Vec::new();
        Writer::new(format).append(stream, text, time, &mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    #[test]
    fn lines_of_both_formats() {
        use {Format::Cri, Format::DockerJson, Stream::Stderr, Stream::Stdout};
        let docker = |log: &str| {
            format!("{{\"log\":\"{log}\",\"stream\":\"stderr\",\"time\":\"2023-11-14T22:13:20.123456789Z\"}}\n")
        };
        for (format, stream, text, expect) in [
            (Cri, Stdout, &b"boom"[..], "2023-11-14T22:13:20.123456789Z stdout F boom\n".to_owned()),
            (Cri, Stderr, b"", "2023-11-14T22:13:20.123456789Z stderr F \n".to_owned()),
            (Cri, Stdout, b" \"<a>\"\t", "2023-11-14T22:13:20.123456789Z stdout F  \"<a>\"\t\n".to_owned()),
            (DockerJson, Stderr, b"boom", docker("boom\\n")),
            (DockerJson, Stderr, b"", docker("\\n")),
            (DockerJson, Stderr, br#"say "a\b""#, docker(r#"say \"a\\b\"\n"#)),
            (DockerJson, Stderr, b"a\tb\rc\nd\x1b", docker(r"a\u0009b\rc\nd\u001b\n")),
            (DockerJson, Stderr, "<a&b> ü \u{2028}".as_bytes(), docker(r"\u003ca\u0026b\u003e ü \u2028\n")),
            (DockerJson, Stderr, b"a\xffb", docker(r"a\ufffdb\n")),
        ] {
            assert_eq!(written(format, stream, text, TIME), expect);
        }
    }

    #[test]
    fn times_have_the_digits_that_they_need() {
        for (time, expect) in [
            (1_700_000_000_000_000_000, "2023-11-14T22:13:20Z"),
            (1_700_000_000_100_000_000, "2023-11-14T22:13:20.1Z"),
            (1_700_000_000_000_000_001, "2023-11-14T22:13:20.000000001Z"),
            (1_709_251_199_999_999_000, "2024-02-29T23:59:59.999999Z"),
            (0, "1970-01-01T00:00:00Z"),
        ] {
            assert_eq!(written(Format::Cri, Stream::Stdout, b"x", time), format!("{expect} stdout F x\n"));
        }
        let mut writer = Writer::new(Format::Cri);
        let mut out = Vec::new();
        for time in [TIME, TIME + 1, TIME + 1_000_000_000, TIME] {
            writer.append(Stream::Stdout, b"", time, &mut out);
        }
        let text = String::from_utf8(out).unwrap();
        let seconds: Vec<&str> = text.lines().map(|line| &line[17..28]).collect();
        assert_eq!(seconds, ["20.12345678", "20.12345679", "21.12345678", "20.12345678"]);
    }

    #[test]
    fn long_lines_are_split_as_runtimes_do() {
        for (length, parts) in [
            (LONGEST_PART - 1, &[LONGEST_PART - 1][..]),
            (LONGEST_PART, &[LONGEST_PART]),
            (LONGEST_PART + 1, &[LONGEST_PART, 1]),
            (2 * LONGEST_PART + 5, &[LONGEST_PART, LONGEST_PART, 5]),
        ] {
            let text = vec![b'x'; length];
            let cri = written(Format::Cri, Stream::Stdout, &text, TIME);
            let seen: Vec<(&str, usize)> = cri.lines().map(|line| (&line[38..39], line.len() - 40)).collect();
            let last = parts.len() - 1;
            let expect: Vec<(&str, usize)> =
                parts.iter().enumerate().map(|(at, part)| (if at == last { "F" } else { "P" }, *part)).collect();
            assert_eq!(seen, expect, "{length}");

            let docker = written(Format::DockerJson, Stream::Stdout, &text, TIME);
            let seen: Vec<(bool, usize)> = docker
                .lines()
                .map(|line| (line.contains("\\n\","), line.bytes().filter(|byte| *byte == b'x').count()))
                .collect();
            let expect: Vec<(bool, usize)> = parts.iter().enumerate().map(|(at, part)| (at == last, *part)).collect();
            assert_eq!(seen, expect, "{length}");
        }
    }
}
