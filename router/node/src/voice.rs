//! What the containers of the demos print. Every line carries its number, by which it is found again in the index.

mod faults;
mod json;

use crate::Stream;

/// What occurs in the lines of [`Voice::Orders`] and [`Voice::Proxy`] and must not reach an index. Made up: the card
/// numbers are those that payment providers publish for tests.
pub const SECRETS: [&str; 7] = [
    "ada.lovelace@example.com",
    "grace@mail.example.org",
    "alan+shop@example.net",
    "4111 1111 1111 1111",
    "5500-0000-0000-0004",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJlLW9mLWFkYQ",
    "tok_7f3a9c5e1b8d4260a1b2c3d4e5f60718",
];

/// The level that a line names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

/// A container's manner of logging.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Voice {
    /// JSON lines with a level.
    Json,
    /// JSON lines with a level, most of them with an address, a card or a token in them.
    Orders,
    /// Text without a level that a filter could read.
    Plain,
    /// As `Plain`, with a token in some.
    Proxy,
    /// JSON lines, and every now and then a stack trace.
    Traces,
    /// JSON lines, and now and then one of several exceptions, some of them rare.
    Faults,
    /// JSON lines, some so long that the runtime splits them.
    Long,
}

/// A line as the container prints it, without its newline.
pub struct Line {
    pub text: String,
    pub stream: Stream,
    /// `None` if it names none.
    pub level: Option<Level>,
}

/// The number in the text of a line, if it is one of ours.
pub fn number(text: &str) -> Option<u64> {
    let (_, rest) = text.split_once("seq")?;
    let digits = rest.trim_start_matches(['\\', '"', ':', '=']);
    let end = digits.find(|character: char| !character.is_ascii_digit()).unwrap_or(digits.len());
    digits[..end].parse().ok()
}

impl Voice {
    /// Line number `seq` of a container that speaks so.
    pub fn line(self, seq: u64) -> Line {
        match self {
            Self::Orders => json::order(seq),
            Self::Plain => plain(seq, ""),
            Self::Proxy if seq.is_multiple_of(4) => plain(seq, &format!(" authorization=\"Bearer {}\"", SECRETS[5])),
            Self::Proxy => plain(seq, ""),
            Self::Traces if seq % 40 < 6 => faults::trace(seq),
            Self::Faults => faults::line(seq).unwrap_or_else(|| json::line(seq, "")),
            // 17 to 62 KiB: two to four parts.
            Self::Long if seq % 100 == 99 => {
                json::line(seq, &"0123456789abcdef".repeat(1100 + (seq / 100 % 30) as usize * 100))
            }
            Self::Json | Self::Traces | Self::Long => json::line(seq, ""),
        }
    }
}

impl Level {
    /// Of ten lines one each is a trace, a warning and an error.
    fn of(seq: u64) -> Self {
        match seq % 10 {
            0 => Self::Trace,
            1..=3 => Self::Debug,
            4..=7 => Self::Info,
            8 => Self::Warn,
            _ => Self::Error,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }

    fn stream(self) -> Stream {
        if self == Self::Error { Stream::Stderr } else { Stream::Stdout }
    }
}

fn plain(seq: u64, rest: &str) -> Line {
    let text = format!(
        r#"10.1.{}.{} - - "GET /items/{}?page=<{}> HTTP/1.1" {} {} "-" "curl/8.5" seq={seq}{rest}"#,
        seq % 250,
        seq * 13 % 250,
        seq * 17 % 5000,
        seq % 9,
        if seq.is_multiple_of(50) { 502 } else { 200 },
        seq * 97 % 40_000,
    );
    Line { text, stream: Stream::Stdout, level: None }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::LONGEST_PART;

    const ALL: [Voice; 7] =
        [Voice::Json, Voice::Orders, Voice::Plain, Voice::Proxy, Voice::Traces, Voice::Faults, Voice::Long];

    #[test]
    fn every_line_carries_its_number() {
        for voice in ALL {
            for seq in 0..4000 {
                let line = voice.line(seq);
                assert_eq!(number(&line.text), Some(seq), "{voice:?}: {}", &line.text[..100]);
                assert!(!line.text.contains('\n'));
                let named = line.level.is_none_or(|level| line.text.contains(&format!("\"{}\"", level.name())));
                assert!(named, "{voice:?}: {}", &line.text[..100]);
            }
        }
        for (text, expect) in
            [("", None), ("no number", None), ("seq=", None), ("sequel", None), (r#"{\"seq\":12}"#, Some(12))]
        {
            assert_eq!(number(text), expect, "{text}");
        }
    }

    #[test]
    fn some_lines_are_longer_than_a_runtime_writes_at_once() {
        let parts = |seq: u64| Voice::Long.line(seq).text.len().div_ceil(LONGEST_PART);
        let seen: BTreeSet<usize> = (0..4000).map(parts).collect();
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), [1, 2, 3, 4]);
    }

    #[test]
    fn every_secret_is_told_by_some_line_and_by_no_other_voice() {
        for voice in ALL {
            let lines: Vec<String> = (0..400).map(|seq| voice.line(seq).text).collect();
            let told = SECRETS.iter().filter(|secret| lines.iter().any(|line| line.contains(**secret))).count();
            let expect = match voice {
                Voice::Orders => SECRETS.len(),
                Voice::Proxy => 1,
                _ => 0,
            };
            assert_eq!(told, expect, "{voice:?}");
        }
    }

    #[test]
    fn exceptions_are_few_and_of_many_kinds() {
        let is_exception = |line: &&Line| line.text.to_ascii_lowercase().contains("exception");
        let lines: Vec<Line> = (0..6000).map(|seq| Voice::Faults.line(seq)).collect();
        let exceptions: Vec<&Line> = lines.iter().filter(is_exception).collect();
        assert!((40..=100).contains(&exceptions.len()), "{}", exceptions.len());
        let kinds: BTreeSet<&str> = exceptions.iter().filter_map(|line| line.text.split(':').next()).collect();
        assert!(kinds.len() == 7, "{kinds:?}");
        let elsewhere = [Voice::Json, Voice::Orders, Voice::Plain, Voice::Proxy, Voice::Long];
        for voice in elsewhere {
            assert!(!(0..400).any(|seq| is_exception(&&voice.line(seq))), "{voice:?}");
        }
    }
}
