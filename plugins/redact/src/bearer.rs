//! Credentials of HTTP: `Authorization: Basic …`, and `Bearer …` wherever it stands.
use std::ops::Range;

use crate::pair::{is_random, word_before};
use crate::rules::is_within_word;

/// Schemes that are followed by one piece of credentials.
const SCHEMES: [&str; 7] = ["basic", "bearer", "token", "apikey", "negotiate", "ntlm", "digest"];

/// Finds the credentials; their scheme stays.
pub fn find(text: &str, found: &mut impl FnMut(Range<usize>)) {
    for at in places(text, "bearer") {
        let start = at + "bearer".len();
        let start = start + blank(&text[start..]);
        let size = credentials(&text[start..]);
        if !is_within_word(&text[..at])
            && start > at + "bearer".len()
            && size >= 8
            && is_random(&text[start..start + size])
        {
            found(start..start + size);
        }
    }
    for at in places(text, "authorization") {
        let Some((value, _)) = crate::pair::value(text, at + "authorization".len()) else { continue };
        let scheme = word_before(&text[value.clone()], SCHEMES.iter().copied());
        let start = value.start + scheme + blank(&text[value.start + scheme..]);
        let size = credentials(&text[start..]);
        let is_secret =
            scheme > 0 && start > value.start + scheme || size >= 8 && is_random(&text[start..start + size]);
        if size > 0 && is_secret {
            found(start..start + size);
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

fn credentials(text: &str) -> usize {
    text.find(|c: char| !c.is_ascii_alphanumeric() && !"-._~+/=:".contains(c)).unwrap_or(text.len())
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
