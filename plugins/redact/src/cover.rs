//! Writes a text with its matches covered.
use std::borrow::Cow;
use std::cmp::Reverse;
use std::ops::Range;

/// A place in a text, and what is to stand there.
#[derive(Debug)]
pub struct Match<'a> {
    pub range: Range<usize>,
    pub with: Cow<'a, str>,
}

/// Brings matches into order. Of those that overlap one remains, the first, and it reaches as far as all of them.
pub fn settle(matches: &mut Vec<Match>) {
    matches.sort_by_key(|found| (found.range.start, Reverse(found.range.end)));
    matches.dedup_by(|next, kept| {
        let overlaps = next.range.start < kept.range.end;
        if overlaps {
            kept.range.end = kept.range.end.max(next.range.end);
        }
        overlaps
    });
}

/// The text with all matches replaced, which are in order and do not overlap.
pub fn cover(text: &str, matches: &[Match]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut copied = 0;
    for Match { range, with } in matches {
        out.push_str(&text[copied..range.start]);
        let bare = is_bare_value(text, range);
        for part in [if bare { "\"" } else { "" }, with, if bare { "\"" } else { "" }] {
            out.push_str(part);
        }
        copied = range.end;
    }
    out.push_str(&text[copied..]);
    out
}

/// Whether the match is a number that stands as a value in JSON, so that its replacement has to be a string.
fn is_bare_value(text: &str, range: &Range<usize>) -> bool {
    text.trim_ascii_start().starts_with(['{', '['])
        && text[range.clone()]
            .bytes()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+' | b'e' | b'E'))
        && text[..range.start].trim_ascii_end().ends_with([':', ',', '['])
        && text[range.end..].trim_ascii_start().starts_with([',', ']', '}'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_are_merged_and_covered() {
        for (text, ranges, expect) in [
            ("abcdef", vec![], "abcdef"),
            ("abcdef", vec![(1, 3)], "a<1>def"),
            ("abcdef", vec![(0, 2), (4, 6)], "<1>cd<2>"),
            ("abcdef", vec![(4, 6), (0, 2)], "<2>cd<1>"),
            // Overlapping: no end of any is left over.
            ("abcdef", vec![(1, 3), (2, 5)], "a<1>f"),
            ("abcdef", vec![(2, 3), (1, 5)], "a<2>f"),
            ("abcdef", vec![(1, 3), (1, 4), (1, 2)], "a<2>ef"),
            ("abcdef", vec![(1, 3), (3, 4)], "a<1><2>ef"),
            // Numbers of JSON become strings.
            (r#"{"a": 12 ,"b":34}"#, vec![(6, 8), (14, 16)], r#"{"a": "<1>" ,"b":"<2>"}"#),
            (r#"[12,"12"]"#, vec![(1, 3), (5, 7)], r#"["<1>","<2>"]"#),
            ("a: 12, b", vec![(3, 5)], "a: <1>, b"),
        ] {
            let found = |(index, (start, end)): (usize, (usize, usize))| {
                let with = format!("<{}>", index + 1).into();
                Match { range: start..end, with }
            };
            let mut matches: Vec<_> = ranges.into_iter().enumerate().map(found).collect();
            settle(&mut matches);
            assert_eq!(cover(text, &matches), expect, "{text}");
        }
    }
}
