//! JSON from anywhere, made safe to look into.

/// The JSON library skips nested values by recursion; text from anywhere must not be able to exhaust the stack.
pub const DEEPEST: usize = 200;

/// The bytes as JSON whose fields may be looked up: UTF-8, and nested at most [`DEEPEST`] deep.
pub fn readable(json: &[u8]) -> Option<&str> {
    simdutf8::basic::from_utf8(json).ok().filter(|json| is_shallow(json.as_bytes()))
}

/// True if values are nested at most [`DEEPEST`] deep. Counting the brackets answers for all usual JSON.
pub fn is_shallow(json: &[u8]) -> bool {
    if json.len() <= DEEPEST {
        return true;
    }
    let brackets = memchr::memchr_iter(b'{', json).count() + memchr::memchr_iter(b'[', json).count();
    brackets <= DEEPEST || depth(json) <= DEEPEST
}

fn depth(json: &[u8]) -> usize {
    let (mut depth, mut deepest, mut bytes) = (0usize, 0, json.iter());
    while let Some(byte) = bytes.next() {
        match byte {
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => skip_string(&mut bytes),
            _ => {}
        }
    }
    deepest
}

fn skip_string<'a>(bytes: &mut impl Iterator<Item = &'a u8>) {
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => return,
            b'\\' => {
                bytes.next();
            }
            _ => {}
        }
    }
}

/// The offset of the first quote or backslash from `at` on, or with `CONTROLS` also of the first control character; for
/// none the text's length, or `at` where that is beyond it.
///
/// Eight bytes at a time: a byte's high bit in `found` says that it is one of them. Borrows of the subtractions can
/// set bits above a true one, never below it, so the lowest is right.
#[inline]
pub fn plain_end<const CONTROLS: bool>(text: &[u8], mut at: usize) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = ONES << 7;
    let is_below = |word: u64, bound: u64| word.wrapping_sub(ONES * bound) & !word;
    let control = |word: u64| if CONTROLS { is_below(word, 0x20) } else { 0 };
    let long = at + 16;
    while let Some(&word) = text.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let word = u64::from_le_bytes(word);
        let found = (control(word) | is_below(word ^ (ONES * 0x22), 1) | is_below(word ^ (ONES * 0x5c), 1)) & HIGHS;
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 8;
        // Most texts are short. For a long one it pays to call the library, which takes 32 bytes at a time.
        if !CONTROLS && at == long {
            let rest = &text[at..];
            return at + memchr::memchr2(b'"', b'\\', rest).unwrap_or(rest.len());
        }
    }
    let rest = text.get(at..).unwrap_or_default();
    let is_special = |&byte: &u8| CONTROLS && byte < 0x20 || byte == b'"' || byte == b'\\';
    at + rest.iter().position(is_special).unwrap_or(rest.len())
}

/// Where the JSON number that begins at `at` ends; `None` if none does.
pub fn number_end(json: &[u8], at: usize) -> Option<usize> {
    let peek = |at: usize| json.get(at).copied();
    let digits = |at: usize| {
        let end = (at..).find(|at| !peek(*at).is_some_and(|byte| byte.is_ascii_digit()))?;
        (end > at).then_some(end)
    };
    let start = at + usize::from(peek(at) == Some(b'-'));
    let mut end = digits(start)?;
    if end > start + 1 && peek(start) == Some(b'0') {
        return None;
    }
    if peek(end) == Some(b'.') {
        end = digits(end + 1)?;
    }
    if let Some(b'e' | b'E') = peek(end) {
        end = digits(end + 1 + usize::from(matches!(peek(end + 1), Some(b'+' | b'-'))))?;
    }
    Some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_end_where_they_end() {
        for (json, expected) in [
            ("0", Some(1)),
            ("-0,", Some(2)),
            ("1234567890}", Some(10)),
            ("1.5e+10 ", Some(7)),
            ("2E-3", Some(4)),
            ("01", None),
            ("-", None),
            ("1.", None),
            ("1.e5", None),
            ("1e", None),
            ("1e+", None),
            ("+1", None),
            (".5", None),
            ("", None),
        ] {
            assert_eq!(number_end(json.as_bytes(), 0), expected, "{json}");
            assert_eq!(number_end(format!("[{json}").as_bytes(), 1), expected.map(|end| end + 1), "{json}");
        }
    }

    #[test]
    fn depth_is_bounded_and_brackets_in_strings_do_not_count() {
        let nested = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
        let many = format!("[{}[]]", "[],".repeat(10_000));
        let in_a_string = format!(r#"{{"a":"{}\"{}"}}"#, "[".repeat(1_000), "{".repeat(1_000));
        for (json, expected) in [
            (nested(DEEPEST), true),
            (nested(DEEPEST + 1), false),
            ("[".repeat(1_000_000), false),
            (r#"{"a":"#.repeat(1_000_000), false),
            (many, true),
            (in_a_string, true),
        ] {
            assert_eq!(readable(json.as_bytes()).is_some(), expected, "{}", &json[..20]);
        }
        assert_eq!(readable(b"\"\xff\""), None);
    }
}
