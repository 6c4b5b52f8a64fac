//! Takes out of a text what differs from one time to the next: numbers, times, addresses, identities, quoted values.

/// Appends `text` to `out` without its noise, at most `room` characters. A `#` stands where noise was, one blank where
/// space was.
pub fn append_without(text: &str, room: usize, out: &mut String) {
    let mut writer = Writer { room, held: None, out };
    let (mut rest, mut before) = (text.trim_start(), ' ');
    while writer.room > 0
        && let Some(first) = rest.chars().next()
    {
        let (piece, size) = piece(rest, first, before);
        writer.write(piece);
        before = rest[..size].chars().next_back().unwrap_or(' ');
        rest = &rest[size..];
    }
}

enum Piece<'a> {
    Noise,
    Blank,
    Word(&'a str),
    Mark(char),
}

/// What a text begins with, and its size. `before` is the character in front of it.
fn piece(rest: &str, first: char, before: char) -> (Piece<'_>, usize) {
    if let Some(size) = quoted(rest, before).or_else(|| uuid(rest)).or_else(|| address(rest)) {
        return (Piece::Noise, size);
    }
    if first.is_whitespace() {
        return (Piece::Blank, rest.len() - rest.trim_start().len());
    }
    if !is_word(first) {
        return (Piece::Mark(first), first.len_utf8());
    }
    let word = &rest[..rest.find(|c| !is_word(c)).unwrap_or(rest.len())];
    (if is_noise(word, before) { Piece::Noise } else { Piece::Word(word) }, word.len())
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// A number with or without a unit, or something that only a machine remembers.
fn is_noise(word: &str, before: char) -> bool {
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    let is_hex = word.bytes().all(|byte| byte.is_ascii_hexdigit());
    word.starts_with(|c: char| c.is_ascii_digit())
        || is_hex && (before == '@' || word.len() >= 6 && digits > 0)
        || word.len() >= 16 && digits >= 4
}

/// A text in quotes, which may be escaped ones. An apostrophe within a word begins none.
fn quoted(rest: &str, before: char) -> Option<usize> {
    let quote = ["\\\"", "\"", "'", "`"].into_iter().find(|quote| rest.starts_with(quote))?;
    let inside = rest.get(quote.len()..).filter(|_| !is_word(before))?;
    Some(quote.len() * 2 + inside.find(quote)?)
}

/// Groups of 8, 4, 4, 4 and 12 hexadecimal digits.
fn uuid(rest: &str) -> Option<usize> {
    let bytes = rest.as_bytes().first_chunk::<36>()?;
    let fits = |(at, byte): (usize, &u8)| match at {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    bytes.iter().enumerate().all(fits).then_some(36)
}

/// What is as long as this is no address, and is not looked through again from each of its pieces.
const LONGEST_ADDRESS: usize = 64;

/// An address of IPv6 or of hardware, or a time.
fn address(rest: &str) -> Option<usize> {
    let is_part = |c: char| c.is_ascii_hexdigit() || matches!(c, ':' | '.');
    let size = rest.bytes().take(LONGEST_ADDRESS).take_while(|byte| is_part(char::from(*byte))).count();
    (size < LONGEST_ADDRESS).then_some(())?;
    let address = &rest[..size];
    let begins = address.starts_with("::") || address.starts_with(|c: char| c.is_ascii_hexdigit());
    let ends = !rest[address.len()..].starts_with(is_word);
    let tells = address.matches(':').count() >= 2 && address.contains(|c: char| c.is_ascii_digit());
    (begins && ends && tells).then_some(address.len())
}

struct Writer<'o> {
    room: usize,
    /// A mark behind noise: left out if noise follows, so that `10.0.0.1:80` is one `#`.
    held: Option<char>,
    out: &'o mut String,
}

impl Writer<'_> {
    fn write(&mut self, piece: Piece) {
        match piece {
            Piece::Noise if self.held.take().is_some() => {}
            Piece::Noise => self.push('#'),
            Piece::Mark(mark @ ('-' | ':' | '.' | '/' | ',' | '+'))
                if self.held.is_none() && self.out.ends_with('#') =>
            {
                self.held = Some(mark);
            }
            Piece::Mark(mark) => self.push(mark),
            Piece::Blank => self.push(' '),
            Piece::Word(word) => {
                let mut after_digit = false;
                for c in word.chars() {
                    let is_digit = c.is_ascii_digit();
                    if !is_digit || !after_digit {
                        self.push(if is_digit { '#' } else { c });
                    }
                    after_digit = is_digit;
                }
            }
        }
    }

    fn push(&mut self, c: char) {
        for c in self.held.take().into_iter().chain([c]) {
            if self.room > 0 {
                self.out.push(c);
                self.room -= 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_goes_and_words_stay() {
        for (text, expect) in [
            ("order 17 failed", "order # failed"),
            ("  took 950ms,  or\t1.5s or 1h2m3s ", "took #, or # or # "),
            ("2026-01-02T03:04:05.678Z ERROR x", "# ERROR x"),
            ("2026-01-02 03:04:05,678 [http-nio-8080-exec-5] x", "# # [http-nio-#-exec-#] x"),
            ("no route to 10.0.0.17:8080/tcp", "no route to #/tcp"),
            ("c10::Error", "c#::Error"),
            ("from fe80::1 and aa:bb:cc:dd:ee:0f", "from # and #"),
            ("id 3f2504e0-4f89-11d3-9a0c-0305e82c3301.", "id #"),
            ("uuid abcdefab-abcd-abcd-abcd-abcdefabcdef", "uuid #"),
            ("at 0x7ffd2c in Foo@1b2c and Bar@cafe", "at # in Foo@# and Bar@#"),
            ("trace 9f86d081884c7d65 deadbeef", "trace # deadbeef"),
            ("request x9Kd72mQp1LzR4vT", "request #"),
            ("user 'bob' said \"hi\" and `x`", "user # said # and #"),
            (r#"order \"17\" of \"bob\""#, "order # of #"),
            ("can't open 'x' or y' z", "can't open # or y' z"),
            ("Http2Exception in Log4jUtf8Writer", "Http#Exception in Log#jUtf#Writer"),
            ("java.lang.NullPointerException: null", "java.lang.NullPointerException: null"),
            ("größe 5 für 'é'", "größe # für #"),
            ("a: 'unclosed", "a: 'unclosed"),
            ("5-", "#"),
            ("", ""),
        ] {
            let mut out = String::new();
            append_without(text, 100, &mut out);
            assert_eq!(out, expect, "{text}");
        }
    }

    #[test]
    fn what_is_kept_is_bounded_in_characters() {
        for (room, expect) in [(0, ""), (1, "é"), (3, "é #"), (4, "é #-"), (5, "é #-a")] {
            let mut out = String::new();
            append_without("é 1-abc", room, &mut out);
            assert_eq!(out, expect, "{room}");
        }
    }
}
