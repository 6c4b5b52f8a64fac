//! Lines of CRI runtimes (containerd, CRI-O): `2023-11-14T22:13:20.123456789Z stdout F text`.

use sluice_core::Stream;

use crate::{
    fragment::{Body, Fragment},
    timestamp,
};

/// The longest timestamp that is looked at; a fraction may be longer than nine digits, but not without end.
const LONGEST_TIMESTAMP: usize = 64;

/// Reads one line, without its newline. `None` where it is not of this format.
///
/// The third field is a list of tags between colons, of which the first says whether the line is whole (`F`) or goes
/// on in the stream's next (`P`); later ones are for runtimes to come.
pub fn parse(line: &[u8]) -> Option<Fragment<'_>> {
    let space = memchr::memchr(b' ', &line[..line.len().min(LONGEST_TIMESTAMP)])?;
    let time = timestamp::parse(&line[..space])?;
    let rest = &line[space + 1..];
    let stream = Stream::parse(rest.get(..6)?)?;
    let Some((b' ', rest)) = rest[6..].split_first() else { return None };
    let partial = match rest.first()? {
        b'F' => false,
        b'P' => true,
        _ => return None,
    };
    let text = match rest.get(1) {
        // Without a text some runtimes leave the last space out as well.
        None => &[],
        Some(b' ') => &rest[2..],
        Some(b':') => memchr::memchr(b' ', rest).map_or(&[][..], |end| &rest[end + 1..]),
        Some(_) => return None,
    };
    Some(Fragment { time, stream, body: Body::Plain { text, partial } })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: u64 = 1_700_000_000_123_456_789;

    fn check(line: &str, expected: Option<(Stream, bool, &str)>) {
        let fragment = parse(line.as_bytes()).map(|fragment| {
            assert_eq!(fragment.time, TIME, "{line}");
            let Body::Plain { text, partial } = fragment.body else { panic!("{line}") };
            (fragment.stream, partial, std::str::from_utf8(text).unwrap())
        });
        assert_eq!(fragment, expected, "{line}");
    }

    #[test]
    fn reads_lines() {
        use Stream::{Stderr, Stdout};
        for (rest, expected) in [
            ("stdout F text", Some((Stdout, false, "text"))),
            ("stderr P text", Some((Stderr, true, "text"))),
            ("stdout F  two  spaces ", Some((Stdout, false, " two  spaces "))),
            ("stdout F a\r", Some((Stdout, false, "a\r"))),
            ("stdout F \0", Some((Stdout, false, "\0"))),
            ("stdout F ", Some((Stdout, false, ""))),
            ("stdout F", Some((Stdout, false, ""))),
            ("stdout P:later:tags text", Some((Stdout, true, "text"))),
            ("stdout F:tag", Some((Stdout, false, ""))),
            ("stdout FF text", None),
            ("stdout X text", None),
            ("stdout  F text", None),
            ("stdout ", None),
            ("stdout", None),
            ("stdou", None),
            ("stdin F text", None),
            ("stdoutF text", None),
            ("", None),
        ] {
            check(&format!("2023-11-14T22:13:20.123456789Z {rest}"), expected);
        }
        for line in
            ["", " ", "text", "2023-11-14T22:13:20.123456789Z", "\u{feff}2023-11-14T22:13:20.123456789Z stdout F a"]
        {
            check(line, None);
        }
        check("2023-11-14T23:13:20.123456789+01:00 stdout F a", Some((Stdout, false, "a")));
    }
}
