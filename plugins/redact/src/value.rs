//! Where values begin and end that follow a name, in texts of any kind and in JSON, also within strings of JSON.
use std::ops::Range;

/// How a value is written.
#[derive(Clone, Copy, PartialEq)]
pub enum Form {
    /// In quotes, or behind an equals sign.
    Marked,
    /// Behind a colon, as a word of a sentence may be.
    Plain,
}

/// Where a value begins.
pub struct Opening<'t> {
    pub start: usize,
    /// In front of it; empty if there is none.
    quote: &'t str,
    equals: bool,
}

/// Where the value begins that follows a name which ends here: behind `=` or `:`, with or without quotes, also as the
/// first one of a list.
pub fn opening(text: &str, name_end: usize) -> Option<Opening<'_>> {
    let behind = text[name_end..].trim_start_matches([' ', '"', '\'', '\\', '`', ']']);
    let rest = behind.strip_prefix([':', '='])?;
    let (rest, equals) = match rest.strip_prefix(['=', '>']) {
        Some(rest) => (rest, true),
        None => (rest, behind.starts_with('=')),
    };
    let blank = [' ', '\t'];
    let rest = rest.trim_start_matches(blank);
    let in_list = rest.strip_prefix('[').filter(|_| !rest.starts_with("[REDACTED"));
    let rest = in_list.unwrap_or(rest).trim_start_matches(blank);
    let quote = quote(rest);
    let is_key = self::quote(&text[name_end..text.len() - behind.len()]) == quote;
    if !is_key && quote.ends_with('"') && ends_string(&rest[quote.len()..]) {
        return None;
    }
    Some(Opening { start: text.len() - rest.len() + quote.len(), quote, equals })
}

impl Opening<'_> {
    pub fn is_quoted(&self) -> bool {
        !self.quote.is_empty()
    }

    pub fn form(&self) -> Form {
        if self.is_quoted() || self.equals { Form::Marked } else { Form::Plain }
    }

    /// The value up to its closing quote, or up to a blank or a mark.
    pub fn value(&self, text: &str) -> Option<Range<usize>> {
        let inside = &text[self.start..];
        let size = if self.is_quoted() { closing(inside, self.quote) } else { unquoted(inside) };
        (size > 0).then_some(self.start..self.start + size)
    }
}

/// The quote with which a text begins. Within strings of JSON it has a backslash, within strings of such strings three,
/// then seven.
pub fn quote(text: &str) -> &str {
    let backslashes = backslashes(text);
    match text.as_bytes().get(backslashes) {
        Some(b'"') if matches!(backslashes, 0 | 1 | 3 | 7) => &text[..=backslashes],
        Some(b'\'' | b'`') if backslashes == 0 => &text[..1],
        _ => "",
    }
}

/// Whether JSON goes on here as behind the end of a string: a quote behind `password=` may be that of the string in which
/// it stands.
pub fn ends_string(behind: &str) -> bool {
    let blank = |text| str::trim_start_matches(text, [' ', '\t']);
    let behind = blank(behind);
    let Some(next) = behind.get(1..).map(blank) else { return false };
    let quotes = || next.trim_start_matches('\\').starts_with('"');
    match behind.as_bytes()[0] {
        b',' => quotes() || next.starts_with(|c: char| "[{-tfn".contains(c) || c.is_ascii_digit()),
        b':' => quotes() || next.starts_with(|c: char| "[{-".contains(c) || c.is_ascii_digit()),
        b'}' | b']' => next.is_empty() || next.starts_with([',', '}', ']', '\n']) || quotes(),
        _ => false,
    }
}

/// With how many backslashes a text begins.
pub fn backslashes(text: &str) -> usize {
    text.len() - text.trim_start_matches('\\').len()
}

/// Up to a blank or a mark. A backslash is a part of the value, unless it begins an escape that ends a line or quotes.
fn unquoted(rest: &str) -> usize {
    let mut at = 0;
    loop {
        at += rest[at..].find(ends_value).unwrap_or(rest.len() - at);
        let count = backslashes(&rest[at..]);
        match rest.as_bytes().get(at + count) {
            _ if count == 0 => return at,
            Some(b'"') if count % 2 == 1 => return at,
            Some(b'n' | b'r' | b't') if count % 2 == 1 => return at + count - 1,
            _ => at += count,
        }
    }
}

fn ends_value(c: char) -> bool {
    c.is_ascii_whitespace() || "\\,;&\"'`)(}{][<>|".contains(c)
}

/// Where a quote closes that stands before this text: at its like, if that is not escaped. A line's end ends what was
/// never closed, and so does a quote of the JSON around it.
pub fn closing(inside: &str, quote: &str) -> usize {
    // So many backslashes write one, where this quote is one.
    let unit = quote.len();
    let mut at = 0;
    loop {
        let ends = |c| matches!(c, '\\' | '"' | '\n') || quote.starts_with(c);
        at += inside[at..].find(ends).unwrap_or(inside.len() - at);
        let count = backslashes(&inside[at..]);
        let (written, own) = (count / unit, count % unit);
        match inside.as_bytes().get(at + count) {
            None if count == 0 => return inside.len(),
            Some(b'"') if own + 1 != unit || written % 2 == 0 => return at + count - own,
            Some(b'\n') => return at + count,
            Some(b'\'' | b'`') if count.is_multiple_of(2) && inside[at + count..].starts_with(quote) => {
                return at + count;
            }
            Some(b'"') if unit == 1 && quote != "\"" && ends_string(&inside[at + count + 1..]) => return at,
            Some(b'"' | b'\'' | b'`') => at += count + 1,
            _ => at += count,
        }
    }
}
