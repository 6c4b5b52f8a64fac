//! Secrets that have a name: `password=…`, `api_key: …`, `"secret":"…"`, and passwords in addresses.
use std::ops::Range;

use crate::value::{Form, opening};

/// How names end of which any value is a secret. `_` stands for any marks between two words, or none.
const PASSWORDS: [&str; 4] = ["pass_word", "pass_wd", "pwd", "pass_phrase"];

/// How names end of which a value is a secret that looks like one.
const TOKENS: [&str; 7] = ["secret", "token", "api_key", "access_key", "secret_key", "private_key", "signing_key"];

/// What stands for a value that is not there.
const NO_SECRETS: [&str; 9] = ["null", "nil", "none", "true", "false", "undefined", "required", "missing", "invalid"];

/// Finds the values; their names stay.
pub fn find(text: &str, found: &mut impl FnMut(Range<usize>)) {
    // Where the last value ends that was found.
    let mut past = 0;
    let signs = text.bytes().enumerate().filter(|(_, byte)| matches!(byte, b'=' | b':'));
    for (at, sign) in signs {
        if sign == b':'
            && let Some(start) = behind_slashes(text, at + 1)
        {
            in_address(text, start, found);
        } else if let Some((name, end)) = name(&text[..at])
            && let Some(kind) = Kind::of(name)
            && let Some(opening) = opening(text, end)
            // One without quotes ends no later than what it begins in.
            && (opening.is_quoted() || opening.start >= past)
            && let Some(value) = opening.value(text)
            && is_secret(kind, &text[value.clone()], opening.form())
        {
            past = value.end.max(past);
            found(value);
        }
    }
}

/// Behind two slashes, with or without the backslashes with which some write them in JSON.
fn behind_slashes(text: &str, start: usize) -> Option<usize> {
    let slash = |text| str::strip_prefix(str::trim_start_matches(text, '\\'), '/');
    Some(text.len() - slash(slash(&text[start..])?)?.len())
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

/// The name that stands before a sign, and where it ends.
fn name(before: &str) -> Option<(&str, usize)> {
    let name = before.trim_end_matches([' ', '"', '\'', '\\', '`', ']']);
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let start = name.trim_end_matches(is_part).len();
    (name.len() > start && before.len() - name.len() <= 8).then_some((&name[start..], name.len()))
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

/// Whether a name ends so, whatever stands between its words: `api_key` is the end of `X-Api-Key` and `my_apiKey`.
fn ends_with(name: &str, end: &str) -> bool {
    let is_mark = |c: char| !c.is_ascii_alphanumeric();
    let name = name.trim_end_matches(is_mark);
    end.bytes()
        .rev()
        .try_fold(name, |name, byte| match byte {
            b'_' => Some(name.trim_end_matches(is_mark)),
            _ => name
                .as_bytes()
                .last()
                .is_some_and(|last| last.eq_ignore_ascii_case(&byte))
                .then(|| &name[..name.len() - 1]),
        })
        .is_some()
}

/// Whether a word is rather made by a machine than of a language.
pub fn is_random(word: &str) -> bool {
    word.len() >= 24 || word.bytes().any(|byte| byte.is_ascii_digit())
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
            // In lists, behind keys in brackets, between escaped slashes.
            (r#"{"X-Api-Key":["0123456789abcdef"],"x":["y"]}"#, vec!["0123456789abcdef"]),
            ("{password=[hunter2], x=[y]}", vec!["hunter2"]),
            (r#"{"password": [ "hunter2" ]}"#, vec!["hunter2"]),
            ("user[password]=hunter2&user[name]=bob", vec!["hunter2"]),
            (r#"{"dsn":"postgres:\/\/bob:hunter2@db\/shop"}"#, vec!["hunter2"]),
            (r#"{"m":"{\"dsn\":\"postgres:\\\/\\\/bob:hunter2@db\\\/shop\"}"}"#, vec!["hunter2"]),
            // JSON in JSON in JSON, and quotes within.
            (r#"{"m":"{\"m2\":\"{\\\"password\\\":\\\"hunter2\\\"}\"}"}"#, vec!["hunter2"]),
            (r#"{"m":"{\"m2\":\"password=hunter2\",\"x\":1}"}"#, vec!["hunter2"]),
            (r#"{"m":"{\"m2\":\"{\\\"a\\\":\\\"password=hunter2\\\"}\"}"}"#, vec!["hunter2"]),
            (r#"{"m":"{\"password\":\"pa\\\"ss\",\"x\":1}"}"#, vec![r#"pa\\\"ss"#]),
            (r#"{"m":"{\"password\":\"pa\\\\\",\"x\":1}"}"#, vec![r"pa\\\\"]),
            (r#"{"password":"pa\\","x":1}"#, vec![r"pa\\"]),
            // What ends the string of JSON begins no value.
            (r#"{"m":"password=","b":"c"}"#, vec![]),
            (r#"{"m":"{\"a\":\"pwd=\",\"b\":\"c\"}"}"#, vec![]),
            (r#"{"m":"login password=\"two words\", ok"}"#, vec!["two words"]),
            // Words of a name may be set apart.
            ("pass_phrase=hunter2", vec!["hunter2"]),
            ("pass-word: hunter2", vec!["hunter2"]),
            ("stripe.api.key=0123456789abcdef", vec!["0123456789abcdef"]),
            // A value that is covered holds others; what is behind its end is looked at all the same.
            ("password=pwd='two words'", vec!["pwd=", "two words"]),
            ("password=a://bob:hun;ter2@db", vec!["a://bob:hun", "hun;ter2"]),
            ("token: password=a", vec!["a"]),
            // Lists of something else, and marks that are no keys.
            (r#"{"password":[]}"#, vec![]),
            (r#"{"password":[[1,2]],"token":[null,5]}"#, vec![]),
            ("unexpected token: [", vec![]),
            ("token [1]: 0123456789", vec![]),
            ("[token]: semicolon", vec![]),
            ("secret: [no idea]", vec![]),
            (r"a:\/b:c@d", vec![]),
            (r"C:\\users\\a:b@c", vec![]),
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
