//! What makes two alerts repeats of one another.
use std::ops::Range;

use crate::noise;

/// How many characters tell one problem from another.
const TELLING: usize = 200;

/// As many bytes on either side of the word are looked at for them: noise may be of any size, and an alert must not wait.
const SEEN: usize = 4 << 10;

/// A fingerprint of an alert: the same for the same problem in the same place, whatever its numbers and identities.
///
/// `place` says who wrote the text, and `found` where in it the word is that was looked for.
pub fn fingerprint(place: &[&str], text: &str, found: Range<usize>) -> String {
    let essence = essence(text, found);
    let parts = || place.iter().copied().chain([essence.as_str()]);
    format!("exception-{:016x}{:016x}", hash(parts(), 0xcbf2_9ce4_8422_2325), hash(parts(), 0x9ae1_6a3b_2f90_404f))
}

/// FNV-1a from a beginning of one's choice; a byte that is in no text stands between the parts.
fn hash<'p>(parts: impl Iterator<Item = &'p str>, start: u64) -> u64 {
    let bytes = parts.flat_map(|part| part.bytes().chain([0xff]));
    bytes.fold(start, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The line in which the word is, without its noise: from the name that the word is part of to the end, then what
/// stands before.
fn essence(text: &str, found: Range<usize>) -> String {
    match in_json(text, &found) {
        None => essence_of_line(text, found),
        Some(Place::Value(value, found)) => essence_of_line(value, found),
        // Of a member whose key has the word, the value tells more. Quotes are no noise between keys and values.
        Some(Place::Key(value)) if value.starts_with(['{', '[']) => {
            let head: String = value.chars().take(TELLING).map(|c| if c == '"' { ' ' } else { c }).collect();
            essence_of_line(&head, 0..0)
        }
        Some(Place::Key(value)) => essence_of_line(value, 0..0),
    }
}

fn essence_of_line(text: &str, found: Range<usize>) -> String {
    let breaks = ["\n", "\\n", "\\r"];
    let start = breaks.iter().filter_map(|end| Some(text[..found.start].rfind(end)? + end.len())).max().unwrap_or(0);
    let end = breaks.iter().filter_map(|end| Some(found.end + text[found.end..].find(end)?)).min();
    let name = text[start..found.start].trim_end_matches(|c: char| c.is_alphanumeric() || "_.$:".contains(c));
    let (before, after) = text[start..end.unwrap_or(text.len())].split_at(name.len());
    let mut essence = String::new();
    noise::append_without(head(after), TELLING, &mut essence);
    let room = TELLING.saturating_sub(essence.chars().count());
    essence.push('\n');
    noise::append_without(head(before), room, &mut essence);
    essence
}

fn head(text: &str) -> &str {
    &text[..text.floor_char_boundary(SEEN)]
}

/// Where in a line of JSON a word is.
enum Place<'t> {
    /// In a string, and where it is there.
    Value(&'t str, Range<usize>),
    /// In the key of a member with this value.
    Key(&'t str),
}

fn in_json<'t>(text: &'t str, found: &Range<usize>) -> Option<Place<'t>> {
    text.trim_start().starts_with('{').then_some(())?;
    let mut start = 0;
    loop {
        let open = start + text[start..].find('"')? + 1;
        let close = open + string_size(&text[open..])?;
        if found.start < open {
            return None;
        }
        if found.end <= close {
            let value = text[close + 1..].trim_start().strip_prefix(':').map(str::trim_start);
            return Some(match value {
                None => Place::Value(&text[open..close], found.start - open..found.end - open),
                Some(value) => Place::Key(whole(value)),
            });
        }
        start = close + 1;
    }
}

/// A value without what follows it, and a string without its quotes.
fn whole(value: &str) -> &str {
    match value.strip_prefix('"') {
        Some(inside) => &inside[..string_size(inside).unwrap_or(inside.len())],
        None if value.starts_with(['{', '[']) => value,
        None => &value[..value.find([',', '}']).unwrap_or(value.len())],
    }
}

/// How long a JSON string is up to its closing quote.
fn string_size(inside: &str) -> Option<usize> {
    let mut escaped = false;
    inside.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> String {
        let at = text.to_ascii_lowercase().find("exception").unwrap();
        fingerprint(&["shop", "cart-0", "app"], text, at..at + 9)
    }

    #[test]
    fn repeats_and_different_problems() {
        for (one, other, same) in [
            // The same but for numbers, times, addresses, identities and quoted values.
            ("Exception: order 17 failed", "Exception: order 18 failed", true),
            ("2026-01-02 03:04:05 ERROR x.Exception: a", "2026-11-22 13:14:15 ERROR x.Exception: a", true),
            ("[exec-5] java.io.IOException: no 10.0.0.1:80", "[exec-12] java.io.IOException: no 10.9.8.7:8080", true),
            ("Exception in Foo@1b2c3d4", "Exception in Foo@cafe", true),
            ("Exception: user 'bob'", "Exception: user 'alice in wonderland'", true),
            ("Exception after 950ms", "Exception after 1.2s", true),
            ("Exception 3f2504e0-4f89-11d3-9a0c-0305e82c3301", "Exception abcdefab-abcd-abcd-abcd-abcdefabcdef", true),
            // Only the line of the exception counts, and of it the first 200 characters.
            ("a.Exception: x\n\tat Foo.java:5", "a.Exception: x\n\tat Bar.java:7", true),
            ("starting\na.Exception: x", "stopping\na.Exception: x", true),
            (&format!("Exception: {}a", "x".repeat(200)), &format!("Exception: {}b", "x".repeat(200)), true),
            // Another class, message, or place in the program.
            ("java.io.IOException: x", "java.lang.IllegalStateException: x", false),
            ("a.b.FooException: x", "a.c.FooException: x", false),
            ("Exception: x failed", "Exception: y failed", false),
            ("cart: caught exception", "order: caught exception", false),
            ("Exception", "EXCEPTION", false),
            // Lines of JSON: the string that has it.
            (
                r#"{"ts":"2026-01-02","msg":"Exception: order \"1\" x","id":"a1b2c3d4"}"#,
                r#"{"ts":"2026-01-03","msg":"Exception: order \"2\" x","id":"ffffffff"}"#,
                true,
            ),
            (r#"{"user":"bob","msg":"an Exception"}"#, r#"{"user":"alice","msg":"an Exception"}"#, true),
            (r#"{"msg":"AException: x\n\tat Foo"}"#, r#"{"msg":"AException: x\n\tat Bar"}"#, true),
            (r#"{"msg":"AException: x"}"#, r#"{"msg":"BException: x"}"#, false),
            (r#"{"exception":"a.B: x 1","t":1}"#, r#"{"exception":"a.B: x 2","t":2}"#, true),
            (r#"{"exception":"a.B: x"}"#, r#"{"exception" : "a.C: x"}"#, false),
            (r#"{"exception":{"class":"a"}}"#, r#"{"exception":{"class":"b"}}"#, false),
            (r#"{"exception":true,"a":1}"#, r#"{"exception":true,"b":"c"}"#, true),
            // What only looks like JSON is a text.
            (r#"{ exception x"#, r#"{ exception y"#, false),
            (r#"{"a":"exception x"#, r#"{"a":"exception y"#, false),
        ] {
            assert_eq!(of(one) == of(other), same, "{one}\n{other}\n{:?}", essence(one, 0..0));
        }
    }

    #[test]
    fn places_are_told_apart() {
        let of = |place: &[&str]| fingerprint(place, "exception", 0..9);
        assert_ne!(of(&["shop", "cart-0", "app"]), of(&["shop", "cart-1", "app"]));
        assert_ne!(of(&["ab", "c"]), of(&["a", "bc"]));
        assert_eq!(of(&["shop"]).len(), "exception-".len() + 32);
    }
}
