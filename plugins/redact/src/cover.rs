//! Writes a text with its matches covered.
use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;

/// A place in a text, and what is to stand there.
#[derive(Debug)]
pub struct Match<'a> {
    pub range: Range<usize>,
    pub with: Cow<'a, str>,
}

/// Brings matches into order. Of those that overlap one remains, the first, and it reaches as far as all of them.
pub fn settle(matches: &mut Vec<Match>) {
    if matches.len() > 1 {
        sort(matches);
    }
    matches.dedup_by(|next, kept| {
        let overlaps = next.range.start < kept.range.end;
        if overlaps {
            kept.range.end = kept.range.end.max(next.range.end);
        }
        overlaps
    });
}

/// By where they begin, the longest first, else as they were. By a heap, as the sorts of the library would make the
/// component 5 kB larger.
fn sort(matches: &mut Vec<Match>) {
    let key = |(index, found): (usize, &Match)| (found.range.start, Reverse(found.range.end), index);
    let order = matches.iter().enumerate().map(key).collect::<BinaryHeap<_>>().into_sorted_vec();
    let mut unsorted: Vec<_> = matches.drain(..).map(Some).collect();
    matches.extend(order.into_iter().filter_map(|(.., index)| unsorted[index].take()));
}

/// The text with all matches replaced, which are in order and do not overlap.
pub fn cover(text: &str, matches: &[Match]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut copied = 0;
    let mut strings = text.trim_ascii_start().starts_with(['{', '[']).then(Strings::default);
    for Match { range, with } in matches {
        out.push_str(&text[copied..range.start]);
        let in_string = strings.as_mut().map(|strings| strings.reach(text, range.start));
        let quote = in_string.map_or("", |in_string| quote_around(text, range, in_string));
        for part in [quote, with, quote] {
            out.push_str(part);
        }
        copied = range.end;
    }
    out.push_str(&text[copied..]);
    out
}

/// Follows a text of JSON into its strings and out of them.
#[derive(Default)]
struct Strings {
    seen: usize,
    in_string: bool,
    escaped: bool,
}

impl Strings {
    /// Whether this place, which is no earlier than the last one, is in a string.
    fn reach(&mut self, text: &str, to: usize) -> bool {
        for byte in &text.as_bytes()[self.seen..to] {
            self.in_string ^= *byte == b'"' && !self.escaped;
            self.escaped = *byte == b'\\' && !self.escaped;
        }
        self.seen = to;
        self.in_string
    }
}

/// The quotes that make a string of what replaces a number which stands as a value; empty where there are some, or where
/// there is no value. In a string that is JSON they are those of the key.
fn quote_around<'t>(text: &'t str, range: &Range<usize>, in_string: bool) -> &'t str {
    let is_number = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+' | b'e' | b'E');
    if !text[range.clone()].bytes().all(is_number) || !text[range.end..].trim_ascii_start().starts_with([',', ']', '}'])
    {
        return "";
    }
    let before = text[..range.start].trim_ascii_end();
    if !in_string {
        return if before.ends_with([':', ',', '[']) { "\"" } else { "" };
    }
    let Some(name) = before.strip_suffix(':').and_then(|key| key.trim_ascii_end().strip_suffix('"')) else { return "" };
    let quote = name.trim_end_matches('\\').len();
    if quote < name.len() { &text[quote..=name.len()] } else { "" }
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
            // Those in strings do not, unless the string is JSON.
            (r#"{"a":"b [12, 3]","c":[12]}"#, vec![(9, 11), (22, 24)], r#"{"a":"b [<1>, 3]","c":["<2>"]}"#),
            (r#"{"a":"\"b: 12, 3"}"#, vec![(11, 13)], r#"{"a":"\"b: <1>, 3"}"#),
            (r#"{"a":"{\"b\": 12}"}"#, vec![(14, 16)], r#"{"a":"{\"b\": \"<1>\"}"}"#),
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
