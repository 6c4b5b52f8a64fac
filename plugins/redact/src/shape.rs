//! Tokens that are known by their shape.
use std::ops::Range;

use crate::rules::is_within_word;

/// A way in which tokens begin, what follows, and how much of it at least.
struct Shape {
    prefix: &'static str,
    /// What may follow beside letters and digits; with a slash also one that JSON escapes.
    marks: &'static str,
    least: usize,
}

const fn shape(prefix: &'static str, marks: &'static str, least: usize) -> Shape {
    Shape { prefix, marks, least }
}

/// Of AWS, GitHub, GitLab, Slack, Stripe, OpenAI and Anthropic, Google. Each has a mark in `crate::sift`.
const SHAPES: [Shape; 23] = [
    shape("AKIA", "", 16),
    shape("ASIA", "", 16),
    shape("ghp_", "", 30),
    shape("gho_", "", 30),
    shape("ghu_", "", 30),
    shape("ghs_", "", 30),
    shape("ghr_", "", 30),
    shape("github_pat_", "_", 30),
    shape("glpat-", "_-", 20),
    shape("xoxa-", "-", 10),
    shape("xoxb-", "-", 10),
    shape("xoxp-", "-", 10),
    shape("xoxr-", "-", 10),
    shape("xoxs-", "-", 10),
    shape("sk_live_", "", 16),
    shape("sk_test_", "", 16),
    shape("rk_live_", "", 16),
    shape("rk_test_", "", 16),
    shape("sk-", "_-", 20),
    shape("AIza", "_-", 35),
    shape("hooks.slack.com/services/", "/", 20),
    shape(r"hooks.slack.com\/services\/", "/", 20),
    shape("eyJ", "_-", 10),
];

/// Where the secret part of a key in PEM begins.
const PEM: &str = "PRIVATE KEY-----";

/// Finds tokens, and keys in PEM.
pub fn find(text: &str, found: &mut impl FnMut(Range<usize>)) {
    let mut past = [0; SHAPES.len()];
    let mut past_key = 0;
    for (start, first_two) in text.as_bytes().windows(2).enumerate() {
        // The first two characters save most of the looks for prefixes.
        match first_two {
            b"AK" | b"AS" | b"AI" | b"gh" | b"gi" | b"gl" | b"xo" | b"sk" | b"rk" | b"ho" | b"ey" => {
                if is_within_word(&text[..start]) {
                    continue;
                }
                let size = token(text, start, &mut past);
                if size > 0 {
                    found(start..start + size);
                }
            }
            b"PR" if start >= past_key && text[start..].starts_with(PEM) => {
                if let Some(size) = private_key(&text[..start], &text[start + PEM.len()..]) {
                    past_key = start + PEM.len() + size;
                    found(start + PEM.len()..past_key);
                }
            }
            _ => {}
        }
    }
}

/// The size of the token that begins here; 0 if none does.
///
/// `past` says for each shape how far what follows its prefix was looked through: within that, it ends at the same place,
/// so it is a part of a token that was found, or no token as what it is within.
fn token(text: &str, start: usize, past: &mut [usize; SHAPES.len()]) -> usize {
    let mut longest = 0;
    for (shape, past) in SHAPES.iter().zip(past).filter(|(_, past)| start >= **past) {
        let Some(rest) = text[start..].strip_prefix(shape.prefix) else { continue };
        let run = shape.part(rest);
        *past = start + shape.prefix.len() + run;
        let follows = shape.follows(rest, run);
        if follows > 0 {
            longest = longest.max(shape.prefix.len() + follows);
        }
    }
    longest
}

/// The size of a key between the lines that begin and end it.
fn private_key(before: &str, rest: &str) -> Option<usize> {
    let dashes = before.rfind("-----")?;
    before[dashes..].starts_with("-----BEGIN ").then_some(())?;
    let end = [rest.find("-----END"), rest.find('"')].into_iter().flatten().min().unwrap_or(rest.len());
    Some(rest[..end].trim_end_matches('\\').len())
}

impl Shape {
    /// How much of a text may be of the token, up to the first character that may not.
    fn part(&self, rest: &str) -> usize {
        let is_part = |c: char| c.is_ascii_alphanumeric() || self.marks.contains(c);
        let mut size = 0;
        loop {
            size += rest[size..].find(|c| !is_part(c)).unwrap_or(rest.len() - size);
            match self.marks.contains('/') && rest[size..].starts_with("\\/") {
                true => size += 2,
                false => return size,
            }
        }
    }

    /// How much of the token follows its prefix, of which the first part has this size; 0 if it is none.
    fn follows(&self, rest: &str, size: usize) -> usize {
        let token = &rest[..size];
        match self.prefix {
            _ if size < self.least => 0,
            "AKIA" | "ASIA" if size > self.least || token.contains(|c: char| c.is_ascii_lowercase()) => 0,
            "sk-" if !token.bytes().any(|byte| byte.is_ascii_digit()) => 0,
            // Header, payload and, if it is signed, a signature; or the five parts of an encrypted one.
            "eyJ" => {
                let (mut end, mut count) = (size, 1);
                while count < 5
                    && let Some(more) = rest[end..].strip_prefix('.').map(|more| self.part(more))
                    && more > 0
                {
                    (end, count) = (end + 1 + more, count + 1);
                }
                if count > 1 { end } else { 0 }
            }
            _ => size,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::all;

    /// A token of this test, put together so that nobody takes it for a real one that leaked.
    fn token(prefix: &str, size: usize) -> String {
        prefix.to_string() + &"a1B2c3D4".repeat(10)[..size]
    }

    #[test]
    fn shapes() {
        for (prefix, size) in [
            ("ghp_", 36),
            ("gho_", 36),
            ("ghs_", 36),
            ("github_pat_", 59),
            ("glpat-", 20),
            ("xoxb-12-34-", 24),
            ("xoxp-", 12),
            ("sk_live_", 24),
            ("rk_test_", 24),
            ("sk-", 48),
            ("sk-proj-", 48),
            ("sk-ant-api03-", 64),
            ("AIza", 35),
            ("hooks.slack.com/services/T0/B0/", 24),
            ("eyJh.eyJz.", 20),
            ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.", 20),
        ] {
            let token = token(prefix, size);
            let expect = if prefix == "eyJh.eyJz." { vec![] } else { vec![token.as_str()] };
            for text in
                [token.clone(), format!("a {token}, b"), format!(r#"{{"t":"x\n{token}"}}"#), format!("t={token}.")]
            {
                let mut seen = all(|text, mut found| find(text, &mut found), &text);
                // The payload of a signed token begins like a token.
                seen.truncate(1);
                let trimmed: Vec<_> = seen.iter().map(|seen| seen.trim_end_matches('.')).collect();
                assert_eq!(trimmed, expect, "{text}");
            }
            let within = format!("a{token}");
            let found = all(|text, mut found| find(text, &mut found), &within);
            assert!(found.iter().all(|found| *found != token), "{within}");
        }
        let aws = format!("key AKIA{} used", "ABCDEFGH23456789");
        assert_eq!(all(|text, mut found| find(text, &mut found), &aws), [&aws[4..24]]);
    }

    #[test]
    fn tokens_within_tokens_and_escapes() {
        let (key, hook) = (token("sk-", 30), token(r"hooks.slack.com\/services\/T0\/B0\/", 24));
        for (text, expect) in [
            (format!("xoxb-1234567890-{key}_x"), vec![format!("xoxb-1234567890-{key}"), format!("{key}_x")]),
            (format!("sk-no-digits-in-here {key}"), vec![key.clone()]),
            (format!(r#"{{"url":"https:\/\/{hook}\n"}}"#), vec![hook.clone()]),
            (format!(r#"{{"t":"{key}\/x"}}"#), vec![key.clone()]),
        ] {
            assert_eq!(all(|text, mut found| find(text, &mut found), &text), expect, "{text}");
        }
    }

    #[test]
    fn words_that_begin_alike() {
        for text in [
            "AKIA",
            "AKIAABCDEFGH2345678",
            "AKIAABCDEFGH23456789X",
            "AKIAabcdefgh23456789",
            "ghp_short",
            "sk-something-long-in-kebab-case-words",
            "task-0123456789012345678901",
            "risk_live_0123456789abcdefgh",
            "eyJhbGciOiJIUzI1NiJ9",
            "eyJhbGciOiJIUzI1NiJ9 a.b",
            "eyJhbGciOiJIUzI1NiJ9. A sentence",
            "xoxo-0123456789",
            "hooks.slack.com/services/",
            "",
        ] {
            assert_eq!(all(|text, mut found| find(text, &mut found), text), Vec::<&str>::new(), "{text}");
        }
    }

    #[test]
    fn private_keys() {
        for (text, expect) in [
            ("-----BEGIN PRIVATE KEY-----\nMIIE\nabc\n-----END PRIVATE KEY-----", vec!["\nMIIE\nabc\n"]),
            ("-----BEGIN RSA PRIVATE KEY-----\nMIIE", vec!["\nMIIE"]),
            (r#"{"k":"-----BEGIN EC PRIVATE KEY-----\nMIIE\n"}"#, vec![r"\nMIIE\n"]),
            (r#"{"k":"-----BEGIN PRIVATE KEY-----\nMI","a":"-----END"}"#, vec![r"\nMI"]),
            ("-----BEGIN PUBLIC KEY-----\nMIIE", vec![]),
            ("no PRIVATE KEY----- here", vec![]),
        ] {
            assert_eq!(all(|text, mut found| find(text, &mut found), text), expect, "{text}");
        }
    }
}
