//! Secrets that have a name: `password=…`, `api_key: …`, `"secret":"…"`, and passwords in addresses.
use std::ops::Range;

/// How names end, without `_`, `-` and `.`, of which any value is a secret.
const PASSWORDS: [&str; 4] = ["password", "passwd", "pwd", "passphrase"];

/// How names end of which a value is a secret that looks like one.
const TOKENS: [&str; 7] = ["secret", "token", "apikey", "accesskey", "secretkey", "privatekey", "signingkey"];

/// What stands for a value that is not there.
const NO_SECRETS: [&str; 9] = ["null", "nil", "none", "true", "false", "undefined", "required", "missing", "invalid"];

/// Finds the values; their names stay.
pub fn find(text: &str, found: &mut impl FnMut(Range<usize>)) {
    let signs = text.bytes().enumerate().filter(|(_, byte)| matches!(byte, b'=' | b':'));
    for (at, _) in signs {
        if text[at..].starts_with("://") {
            in_address(text, at + 3, found);
        } else if let Some((name, end)) = name(&text[..at])
            && let Some(kind) = Kind::of(name)
            && let Some((value, form)) = value(text, end)
            && is_secret(kind, &text[value.clone()], form)
        {
            found(value);
        }
    }
}

/// What a name says of its value.
enum Kind {
    Password,
    Token,
}

impl Kind {
    fn of(name: &str) -> Option<Self> {
        let ends = |ends: &[&str]| ends.iter().any(|end| ends_with(name, end));
        if ends(&PASSWORDS) {
            return Some(Self::Password);
        }
        ends(&TOKENS).then_some(Self::Token)
    }
}

/// How a value is written.
#[derive(Clone, Copy, PartialEq)]
pub enum Form {
    /// In quotes, or behind an equals sign.
    Marked,
    /// Behind a colon, as a word of a sentence may be.
    Plain,
}

/// The name that stands before a sign, and where it ends.
fn name(before: &str) -> Option<(&str, usize)> {
    let name = before.trim_end_matches([' ', '"', '\'', '\\', '`']);
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let start = name.trim_end_matches(is_part).len();
    (name.len() > start && before.len() - name.len() <= 4).then_some((&name[start..], name.len()))
}

/// The value that follows a name which ends here: behind `=` or `:`, with or without quotes.
pub fn value(text: &str, name_end: usize) -> Option<(Range<usize>, Form)> {
    let behind = text[name_end..].trim_start_matches([' ', '"', '\'', '\\', '`']);
    let rest = behind.strip_prefix([':', '='])?;
    let (rest, equals) = match rest.strip_prefix(['=', '>']) {
        Some(rest) => (rest, true),
        None => (rest, behind.starts_with('=')),
    };
    let rest = rest.trim_start_matches([' ', '\t']);
    let quote = ["\\\"", "\"", "'", "`"].into_iter().find(|quote| rest.starts_with(quote)).unwrap_or_default();
    let inside = &rest[quote.len()..];
    let size = if quote.is_empty() { unquoted(inside) } else { closing(inside, quote) };
    let start = text.len() - inside.len();
    let form = if quote.is_empty() && !equals { Form::Plain } else { Form::Marked };
    (size > 0).then_some((start..start + size, form))
}

/// Up to a blank or a mark. A backslash is a part of the value, unless it begins an escape that ends a line or quotes.
fn unquoted(rest: &str) -> usize {
    let mut escaped = false;
    let end = rest.char_indices().find(|(at, c)| {
        let ends = match c {
            '\\' => !escaped && rest[at + 1..].starts_with(['n', 'r', 't', '"']),
            _ => c.is_ascii_whitespace() || ",;&\"'`)(}{][<>|".contains(*c),
        };
        escaped = *c == '\\' && !escaped;
        ends
    });
    end.map_or(rest.len(), |(at, _)| at)
}

/// Where a quote closes: an escaped one where the text is JSON in JSON, else one that is not escaped. A line's end ends
/// what was never closed, and so does the quote of the JSON around it.
fn closing(inside: &str, quote: &str) -> usize {
    let mut escaped = false;
    let end = inside.char_indices().find(|(at, c)| {
        let closes = !escaped && (inside[*at..].starts_with(quote) || matches!(c, '"' | '\n'));
        escaped = *c == '\\' && !escaped;
        closes
    });
    end.map_or(inside.len(), |(at, _)| at)
}

fn is_secret(kind: Kind, value: &str, form: Form) -> bool {
    let is_there = !NO_SECRETS.iter().any(|no| no.eq_ignore_ascii_case(value))
        && value != "$"
        && !value.starts_with("${")
        && !value.starts_with("[REDACTED")
        && !is_masked(value);
    is_there
        && match kind {
            Kind::Password => true,
            Kind::Token => {
                value.len() >= 8 && is_random(value) || form == Form::Marked && value.len() >= 6 && !value.contains(' ')
            }
        }
}

fn is_masked(value: &str) -> bool {
    let marks = value.bytes().filter(|byte| matches!(byte, b'*' | b'x' | b'X' | b'.')).count();
    marks == value.len() && (marks > 2 || value.starts_with('*'))
}

/// Whether a name ends so, whatever stands between its words: `apikey` is the end of `X-Api-Key` and `my_apiKey`.
fn ends_with(name: &str, end: &str) -> bool {
    let mut letters =
        name.bytes().rev().filter(|byte| byte.is_ascii_alphanumeric()).map(|byte| byte.to_ascii_lowercase());
    end.bytes().rev().all(|byte| letters.next() == Some(byte))
}

/// Whether a word is rather made by a machine than of a language.
pub fn is_random(word: &str) -> bool {
    word.len() >= 24 || word.bytes().any(|byte| byte.is_ascii_digit())
}

/// How long the word is, of several in either case, with which a text begins; 0 if it is none of them.
pub fn word_before<'w>(text: &str, mut words: impl Iterator<Item = &'w str>) -> usize {
    let word = &text[..text.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(text.len())];
    if words.any(|known| known.eq_ignore_ascii_case(word)) { word.len() } else { 0 }
}

/// The password in `scheme://user:password@host`.
fn in_address(text: &str, start: usize, found: &mut impl FnMut(Range<usize>)) {
    let rest = &text[start..];
    let rest = &rest[..rest.find(|c: char| c.is_whitespace() || "/?#\"'<>\\".contains(c)).unwrap_or(rest.len())];
    let Some((user, _)) = rest.rsplit_once('@') else { return };
    if let Some((name, password)) = user.split_once(':')
        && !password.is_empty()
    {
        found(start + name.len() + 1..start + user.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::all;

    #[test]
    fn secrets_with_names() {
        for (text, expect) in [
            ("password=hunter2", vec!["hunter2"]),
            ("login user=bob password=hunter2, from x", vec!["hunter2"]),
            ("Password: hunter", vec!["hunter"]),
            ("DB_PASSWORD='two words'", vec!["two words"]),
            ("spring.datasource.password = s3cret", vec!["s3cret"]),
            ("?user=bob&pwd=a%20b&x=1", vec!["a%20b"]),
            (r#"{"user":"bob","password":"pa\"ss","x":1}"#, vec![r#"pa\"ss"#]),
            (r#"{"password":12345,"x":1}"#, vec!["12345"]),
            (r#"{"m":"{\"password\":\"hunter2\",\"a\":1}"}"#, vec!["hunter2"]),
            (r#"{"m":"password=hunter2"}"#, vec!["hunter2"]),
            (r#"{"m":"password='never closed"}"#, vec!["never closed"]),
            ("api_key: 0123456789abcdef", vec!["0123456789abcdef"]),
            ("X-Api-Key: 0123456789abcdef", vec!["0123456789abcdef"]),
            (r#""apiKey" : "abcdefgh""#, vec!["abcdefgh"]),
            (r#"{"clientSecret":"abcdefgh"}"#, vec!["abcdefgh"]),
            ("access_token=ya29abc", vec!["ya29abc"]),
            ("token => 'abc123def'", vec!["abc123def"]),
            ("passphrase=x1", vec!["x1"]),
            ("postgres://bob:hunter2@db.example.com/shop", vec!["hunter2"]),
            ("amqp://bob:p@ss@mq:5672", vec!["p@ss"]),
            (r"password=DOM\pass", vec![r"DOM\pass"]),
            (r#"{"m":"password=a\\nb\nnext"}"#, vec![r"a\\nb"]),
            (r#"{"m":"line\npassword=x\"y"}"#, vec!["x"]),
            // No values.
            ("password=", vec![]),
            (r#"{"password":null,"token":""}"#, vec![]),
            (r#"{"password":{"min":8}}"#, vec![]),
            ("password: ********", vec![]),
            ("password=${DB_PASSWORD}", vec![]),
            ("password=[REDACTED:api-token]", vec![]),
            // Prose and other names.
            ("password required: yes", vec![]),
            ("unexpected token: semicolon", vec![]),
            ("Unexpected token } at position 17: x", vec![]),
            ("tokens: 512345678", vec![]),
            ("token: abc", vec![]),
            ("secret: no idea", vec![]),
            ("primary_key=0123456789", vec![]),
            ("https://example.com/a:b@c", vec![]),
            ("https://bob@example.com", vec![]),
            ("a: b = c", vec![]),
            ("=:=", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(all(|text, mut found| find(text, &mut found), text), expect, "{text}");
        }
    }
}
