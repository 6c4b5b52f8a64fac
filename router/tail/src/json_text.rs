//! The text of a JSON string, from what stands between its quotes.

/// Whether the text ends in a newline.
pub fn ends_in_newline(escaped: &[u8]) -> bool {
    let ends_in = |escape: &[u8]| {
        escaped.strip_suffix(escape).is_some_and(|before| {
            // The backslash is one of an even number where it is itself escaped.
            before.iter().rev().take_while(|&&byte| byte == b'\\').count() % 2 == 0
        })
    };
    ends_in(b"\\n") || ends_in(b"\\u000a") || ends_in(b"\\u000A")
}

/// Appends the text that `escaped` stands for, and stops once `out` is longer than `enough`.
///
/// Bytes that are not UTF-8 pass as they are. An escape that is no character (half a surrogate pair) becomes U+FFFD,
/// as does one that JSON does not know.
pub fn append(escaped: &[u8], out: &mut Vec<u8>, enough: usize) {
    let mut rest = escaped;
    while out.len() <= enough {
        let Some(backslash) = find_backslash(rest) else {
            out.extend_from_slice(rest);
            return;
        };
        out.extend_from_slice(&rest[..backslash]);
        rest = append_escape(&rest[backslash + 1..], out);
    }
}

/// Texts that are JSON themselves have an escape every few bytes: there, starting a vector search costs more than it
/// saves.
const NEAR: usize = 16;

fn find_backslash(text: &[u8]) -> Option<usize> {
    let near = &text[..text.len().min(NEAR)];
    near.iter()
        .position(|&byte| byte == b'\\')
        .or_else(|| Some(memchr::memchr(b'\\', &text[near.len()..])? + near.len()))
}

/// Where the first quote or backslash is.
pub fn find_quote_or_backslash(text: &[u8]) -> Option<usize> {
    let near = &text[..text.len().min(NEAR)];
    let is_found = |byte: &u8| matches!(byte, b'"' | b'\\');
    near.iter().position(is_found).or_else(|| Some(memchr::memchr2(b'"', b'\\', &text[near.len()..])? + near.len()))
}

/// Appends the character of one escape, whose backslash is read, and gives what follows it.
fn append_escape<'a>(rest: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
    let Some((&kind, after)) = rest.split_first() else {
        push(char::REPLACEMENT_CHARACTER, out);
        return rest;
    };
    match kind {
        b'n' => out.push(b'\n'),
        b't' => out.push(b'\t'),
        b'r' => out.push(b'\r'),
        b'"' | b'\\' | b'/' => out.push(kind),
        b'b' => out.push(8),
        b'f' => out.push(12),
        b'u' => return append_unicode(after, out),
        // The first byte of a character, which stays whole.
        0x80.. => {
            push(char::REPLACEMENT_CHARACTER, out);
            return rest;
        }
        _ => push(char::REPLACEMENT_CHARACTER, out),
    }
    after
}

fn append_unicode<'a>(rest: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
    let Some(first) = hex(rest) else {
        push(char::REPLACEMENT_CHARACTER, out);
        return rest;
    };
    let after = &rest[4..];
    if let Some(character) = char::from_u32(first) {
        push(character, out);
        return after;
    }
    if let (0xd800..=0xdbff, Some(second)) = (first, after.strip_prefix(b"\\u").and_then(hex))
        && (0xdc00..=0xdfff).contains(&second)
        && let Some(character) = char::from_u32(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00))
    {
        push(character, out);
        return &after[6..];
    }
    push(char::REPLACEMENT_CHARACTER, out);
    after
}

fn hex(text: &[u8]) -> Option<u32> {
    text.get(..4)?.iter().try_fold(0, |value, &digit| Some(value * 16 + (digit as char).to_digit(16)?))
}

fn push(character: char, out: &mut Vec<u8>) {
    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text_of(escaped: &str) -> String {
        let mut out = Vec::new();
        append(escaped.as_bytes(), &mut out, usize::MAX);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn escapes() {
        for (escaped, expected) in [
            ("", ""),
            ("text", "text"),
            (r#"\"\\\/\b\f\n\r\t"#, "\"\\/\u{8}\u{c}\n\r\t"),
            (r"\u0041\u00e9\u20AC\u0000", "Aé€\0"),
            (r"\ud83d\ude00", "😀"),
            (r"\ud83d", "\u{fffd}"),
            (r"\ud83dx", "\u{fffd}x"),
            (r"\ud83d\u0041", "\u{fffd}A"),
            (r"\ude00\ud83d", "\u{fffd}\u{fffd}"),
            (r"\ud83d\ud83d\ude00", "\u{fffd}😀"),
            (r"\u12", "\u{fffd}12"),
            (r"\uzzzz", "\u{fffd}zzzz"),
            (r"\x", "\u{fffd}"),
            (r"\éa", "\u{fffd}éa"),
            (r"\u€", "\u{fffd}€"),
            (r"a\", "a\u{fffd}"),
        ] {
            assert_eq!(text_of(escaped), expected, "{escaped}");
        }
    }

    #[test]
    fn ends() {
        for (escaped, expected) in [
            (r"a\n", true),
            (r"\n", true),
            (r"a\\\n", true),
            (r"a\u000a", true),
            (r"a\u000A", true),
            (r"a\\n", false),
            (r"a\\u000a", false),
            (r"\na", false),
            ("n", false),
            ("", false),
        ] {
            assert_eq!(ends_in_newline(escaped.as_bytes()), expected, "{escaped}");
        }
    }

    proptest! {
        #[test]
        fn agrees_with_a_json_library(text: String) {
            let quoted = serde_json::to_string(&text).unwrap();
            let escaped = &quoted[1..quoted.len() - 1];
            prop_assert_eq!(text_of(escaped), text.as_str());
            prop_assert_eq!(ends_in_newline(escaped.as_bytes()), text.ends_with('\n'));
        }

        #[test]
        fn text_stays_text(escaped in r#"([\\u0d8c"né€😀]|.)*"#) {
            let mut out = Vec::new();
            append(escaped.as_bytes(), &mut out, usize::MAX);
            prop_assert!(std::str::from_utf8(&out).is_ok());
        }

        #[test]
        fn any_bytes_are_taken(bytes: Vec<u8>) {
            append(&bytes, &mut Vec::new(), usize::MAX);
            ends_in_newline(&bytes);
        }
    }
}
