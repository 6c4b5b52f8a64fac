//! Credentials of HTTP: `Authorization: Basic …`, and `Bearer …` wherever it stands.
use std::cell::OnceCell;
use std::ops::Range;

use sluice_plugin::is_json;

use crate::pair::is_random;
use crate::rules::is_within_word;
use crate::value::{Opening, backslashes, closing, ends_string, opening, quote};

/// Schemes that are followed by one piece of credentials.
const SCHEMES: [&str; 6] = ["basic", "bearer", "token", "apikey", "negotiate", "ntlm"];

/// Schemes that are followed by several, up to the end of the line.
const SCHEMES_OF_SEVERAL: [&str; 6] = ["digest", "aws4-hmac-sha256", "oauth", "hawk", "signature", "scram-sha-256"];

/// Finds the credentials; their scheme stays.
pub fn find(text: &str, found: &mut impl FnMut(Range<usize>)) {
    for at in places(text, "bearer") {
        let end = at + "bearer".len();
        let start = end + blank(&text[end..]);
        if start == end || is_within_word(&text[..at]) {
            continue;
        }
        let size = credentials(&text[start..]);
        if size >= 8 && is_random(&text[start..start + size]) {
            found(start..start + size);
        }
    }
    // Where the last ones end that were found: what begins within them ends there.
    let mut past = 0;
    let json = OnceCell::new();
    let is_json = || *json.get_or_init(|| text.trim_ascii_start().starts_with('{') || is_json(text));
    for at in places(text, "authorization") {
        let Some(opening) = opening(text, at + "authorization".len()) else { continue };
        if opening.start < past {
            continue;
        }
        if let Some(credentials) = of_header(text, &opening, &is_json) {
            past = credentials.end;
            found(credentials);
        }
    }
}

/// The credentials in the value of a header.
fn of_header(text: &str, opening: &Opening, is_json: &impl Fn() -> bool) -> Option<Range<usize>> {
    let value = &text[opening.start..];
    let scheme = word_before(value, &SCHEMES).max(word_before(value, &SCHEMES_OF_SEVERAL));
    let start = opening.start + scheme + blank(&value[scheme..]);
    let follows = scheme > 0 && start > opening.start + scheme;
    if follows && word_before(value, &SCHEMES_OF_SEVERAL) > 0 {
        let size = if opening.is_quoted() {
            opening.value(text)?.end.checked_sub(start)?
        } else {
            several(&text[start..], is_json)
        };
        return (size > 0).then_some(start..start + size);
    }
    let size = credentials(&text[start..]);
    let is_secret = follows || size >= 8 && is_random(&text[start..start + size]);
    (size > 0 && is_secret).then_some(start..start + size)
}

/// The size of pieces of credentials, up to the end of the line or a quote that belongs to what is around them. Those
/// behind equals signs are their own, unless the text is JSON in which they have no backslash.
fn several(rest: &str, is_json: &impl Fn() -> bool) -> usize {
    let mut at = 0;
    loop {
        at += rest[at..].find(['\\', '"', '\'', '`', '\n', '\r']).unwrap_or(rest.len() - at);
        let quote = quote(&rest[at..]);
        let is_own = rest[..at].ends_with('=')
            && quote.ends_with('"')
            && (quote.len() > 1 && !ends_string(&rest[at + quote.len()..]) || quote.len() == 1 && !is_json());
        if is_own {
            at += quote.len();
            at += closing(&rest[at..], quote);
            if !rest[at..].starts_with(quote) {
                return at;
            }
            at += quote.len();
            continue;
        }
        match backslashes(&rest[at..]) {
            0 => return at,
            count if rest[at + count..].starts_with('/') => at += count,
            _ => return at,
        }
    }
}

/// Where a word of lower case is, in upper or lower case.
fn places<'t>(text: &'t str, word: &'t str) -> impl Iterator<Item = usize> + 't {
    let (bytes, word) = (text.as_bytes(), word.as_bytes());
    let first = bytes.iter().enumerate().filter(|(_, byte)| **byte | 0x20 == word[0]).map(|(at, _)| at);
    first.filter(|at| bytes.get(*at..at + word.len()).is_some_and(|bytes| bytes.eq_ignore_ascii_case(word)))
}

fn blank(text: &str) -> usize {
    text.len() - text.trim_start_matches([' ', '\t']).len()
}

/// The size of one piece of credentials. Some write slashes in JSON with a backslash.
fn credentials(text: &str) -> usize {
    let ends = |c: char| !c.is_ascii_alphanumeric() && !"-._~+/=:".contains(c);
    let mut size = 0;
    loop {
        size += text[size..].find(ends).unwrap_or(text.len() - size);
        match backslashes(&text[size..]) {
            0 => return size,
            count if text[size + count..].starts_with('/') => size += count,
            _ => return size,
        }
    }
}

/// How long the word is, of several in either case, with which a text begins; 0 if it is none of them.
fn word_before(text: &str, words: &[&str]) -> usize {
    let word = &text[..text.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(text.len())];
    if words.iter().any(|known| known.eq_ignore_ascii_case(word)) { word.len() } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::all;

    #[test]
    fn credentials_of_http() {
        for (text, expect) in [
            ("Authorization: Bearer abc123def456", vec!["abc123def456"]),
            ("authorization:bearer abc123def456", vec!["abc123def456"]),
            ("Authorization: Basic dXNlcjpwYXNz", vec!["dXNlcjpwYXNz"]),
            ("-H 'Authorization: Basic dXNlcjpwYXNz'", vec!["dXNlcjpwYXNz"]),
            (r#"{"Authorization":"Basic dXNlcjpwYXNz=="}"#, vec!["dXNlcjpwYXNz=="]),
            (r#"{"m":"{\"authorization\": \"Basic dXNlcjpwYXNz\"}"}"#, vec!["dXNlcjpwYXNz"]),
            (r#"{"m":"GET /\nBearer abc123def456\n"}"#, vec!["abc123def456"]),
            ("Authorization: Token 0123456789abcdef", vec!["0123456789abcdef"]),
            ("Proxy-Authorization: Basic dXNlcjpwYXNz", vec!["dXNlcjpwYXNz"]),
            ("authorization=abc123def456", vec!["abc123def456"]),
            ("sent Bearer  mF_9.B5f-4.1JqM to x", vec!["mF_9.B5f-4.1JqM"]),
            ("BEARER AAAAAAAAAAAAAAAAAAAAAAAAAAAA", vec!["AAAAAAAAAAAAAAAAAAAAAAAAAAAA"]),
            (r#"["Bearer abc123def456",1]"#, vec!["abc123def456"]),
            // In lists, and with the slashes that some escape.
            (r#"{"headers":{"Authorization":["Basic dXNlcjpwYXNz"]}}"#, vec!["dXNlcjpwYXNz"]),
            (r#"{"Authorization":"Bearer ab12cd34\/efghijk56"}"#, vec![r"ab12cd34\/efghijk56"]),
            (r#"{"m":"{\"a\":\"Bearer ab12cd34\\\/ef56\"}"}"#, vec![r"ab12cd34\\\/ef56"]),
            (r#"{"m":"Bearer ab12cd34\nnext"}"#, vec!["ab12cd34"]),
            // Schemes of several pieces: all of them.
            (
                r#"Authorization: Digest username="bob", uri="/a b", response="6629""#,
                vec![r#"username="bob", uri="/a b", response="6629""#],
            ),
            ("Authorization: Digest username=\"bob\"\nHost: x", vec![r#"username="bob""#]),
            (
                r#"{"Authorization":"Digest username=\"bob\", response=\"6629\"","b":1}"#,
                vec![r#"username=\"bob\", response=\"6629\""#],
            ),
            (
                r#"{"m":"Authorization: Digest username=\"bob\", response=\"6629\"\nHost: x","b":"c"}"#,
                vec![r#"username=\"bob\", response=\"6629\""#],
            ),
            (r#"{"m":"Authorization: Digest response=","b":"c"}"#, vec!["response="]),
            (r#"{"m":"{\"Authorization\":\"Digest u=\\\"b\\\"\",\"c\":1}"}"#, vec![r#"u=\\\"b\\\""#]),
            (r#"-H 'Authorization: Digest username="o'neil", r="1"' -v"#, vec![r#"username="o'neil", r="1""#]),
            (
                "authorization: AWS4-HMAC-SHA256 Credential=AKID/20130524/aws4_request, SignedHeaders=host;range, Signature=fe5f",
                vec!["Credential=AKID/20130524/aws4_request, SignedHeaders=host;range, Signature=fe5f"],
            ),
            ("authorization: digest", vec![]),
            // Prose, and what is too short to be one.
            ("the bearer of bad news", vec![]),
            ("bearer token is missing", vec![]),
            ("bearer authentication failed", vec![]),
            ("Bearer abc", vec![]),
            ("Bearer", vec![]),
            ("forbearer abc123def456", vec![]),
            ("basic configuration 12345678", vec![]),
            ("authorization failed: user 5", vec![]),
            ("Authorization: required", vec![]),
            ("authorization", vec![]),
            (r#"{"authorization":null}"#, vec![]),
            ("", vec![]),
        ] {
            let mut expect = expect;
            let mut seen = all(|text, mut found| find(text, &mut found), text);
            seen.dedup();
            expect.dedup();
            assert_eq!(seen, expect, "{text}");
        }
    }
}
