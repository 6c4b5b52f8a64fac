//! Finds the level in a line of plain text.
use crate::level::Level;

/// How far into a line a level is looked for, in bytes; behind that, a word is more likely prose.
const REACH: usize = 120;

/// How many words may stand before the level: date, time, zone, host, thread, process.
const WORDS: usize = 6;

/// The level that a line states, if it states one where programs do:
/// `level=debug` anywhere near its start, `[WARN]`, `<error>` or `ERROR:` among its first words, an upper-case word
/// (`2024-05-06 10:11:12 INFO …`) there, or klog's first word (`I0506 10:11:12.131415 …`).
pub fn level(line: &str) -> Option<Level> {
    let head = line.get(..line.floor_char_boundary(REACH)).unwrap_or(line);
    let first = head.split_ascii_whitespace().next()?;
    klog(first).or_else(|| pair(head)).or_else(|| head.split_ascii_whitespace().take(WORDS).find_map(word))
}

/// `I0506`: a letter, month and day.
fn klog(word: &str) -> Option<Level> {
    let (letter, date) = word.split_at_checked(1)?;
    let dated = date.len() == 4 && date.bytes().all(|byte| byte.is_ascii_digit());
    match letter {
        "I" | "W" | "E" | "F" if dated => Level::parse(letter),
        _ => None,
    }
}

/// `level=debug`, `lvl="info"`, `severity=ERROR`.
fn pair(head: &str) -> Option<Level> {
    head.split_ascii_whitespace().find_map(|word| {
        let (key, value) = word.split_once('=')?;
        let named = ["level", "lvl", "severity", "loglevel"].iter().any(|name| name.eq_ignore_ascii_case(key));
        let value = value.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        if named { Level::parse(value) } else { None }
    })
}

/// A word that is a level and written to stand out: in brackets, before a colon, or all in upper case.
fn word(word: &str) -> Option<Level> {
    let before = word.trim_end_matches(':');
    let bare = before.trim_start_matches(['[', '<', '(']).trim_end_matches([']', '>', ')']);
    let marked = bare.len() < word.len() || bare.bytes().all(|byte| byte.is_ascii_uppercase());
    let spelt = bare.len() > 2 && bare.bytes().all(|byte| byte.is_ascii_alphabetic());
    if marked && spelt { Level::parse(bare) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_in_plain_lines() {
        for (line, expect) in [
            ("[WARN] disk almost full", Some(Level::Warn)),
            ("[ warn ] x", None),
            ("ERROR: no such file", Some(Level::Error)),
            ("error: no such file", Some(Level::Error)),
            ("2024-05-06 10:11:12,345 INFO main - started", Some(Level::Info)),
            ("2024-05-06T10:11:12.345Z  WARN 1 --- [main] o.s.Boot : x", Some(Level::Warn)),
            ("10:11:12.345 [main] DEBUG com.shop.Cart - x", Some(Level::Debug)),
            ("2024/05/06 10:11:12 [error] 31#31: *1 open() failed", Some(Level::Error)),
            ("time=2024-05-06T10:11:12Z level=debug msg=\"an ERROR was seen\"", Some(Level::Debug)),
            ("ts=1 lvl=\"warn\" x", Some(Level::Warn)),
            ("I0506 10:11:12.131415       1 main.go:1] an ERROR", Some(Level::Info)),
            ("E0506 10:11:12.131415       1 main.go:1] x", Some(Level::Error)),
            // Prose is not a level.
            ("info about the warning", None),
            ("there was an error in the cart", None),
            ("I am fine", None),
            ("GET /debug 200", None),
            ("one two three four five six ERROR", None),
            ("", None),
            ("   ", None),
            ("ééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé ERROR", None),
        ] {
            assert_eq!(level(line), expect, "{line}");
        }
    }
}
