//! Ruby: traces with the error first, as they are in logs, and with the error last, as terminals had them.

use super::{
    NONE, State,
    line::{after_digits, contains, indented, is_blank, is_pointer},
};

/// Behind a line of the trace.
const FRAMES: State = 1;
/// Behind a blank line: the line of source that failed may follow.
const SOURCE: State = 2;
const POINTER: State = 3;
/// Behind the line before a trace whose error comes last.
const REVERSED: State = 4;

pub const ANCHORS: &[&str] = &[":in `", ":in '", "Traceback (most recent call last):"];

pub fn begins(line: &[u8], at: usize) -> State {
    if line == b"Traceback (most recent call last):" {
        return REVERSED;
    }
    if is_place(&line[..at]) { FRAMES } else { NONE }
}

pub fn begins_bare(line: &[u8]) -> State {
    if is_from(line) { FRAMES } else { NONE }
}

pub fn next(state: State, line: &[u8]) -> State {
    let begins_with_place = || {
        let at = memchr::memmem::find(line, b":in ");
        at.is_some_and(|at| is_place(&line[..at]))
    };
    match state {
        FRAMES if is_from(line) || begins_with_place() || line.starts_with(b"Did you mean?") => FRAMES,
        FRAMES if is_levels(line) => FRAMES,
        FRAMES if is_blank(line) => SOURCE,
        SOURCE if is_from(line) || begins_with_place() || line.starts_with(b"Did you mean?") => FRAMES,
        SOURCE if !is_blank(line) && !line.starts_with(b"{") => POINTER,
        POINTER if is_pointer(line) => FRAMES,
        REVERSED if is_reversed(line) || is_levels(line) => REVERSED,
        REVERSED if begins_with_place() => FRAMES,
        _ => NONE,
    }
}

/// `/app/main.rb:3`, which is all before `:in`.
fn is_place(text: &[u8]) -> bool {
    let Some(colon) = memchr::memrchr(b':', text) else { return false };
    colon > 0 && !text[..colon].contains(&b' ') && after_digits(&text[colon + 1..]).is_some_and(<[u8]>::is_empty)
}

/// `from /app/main.rb:3:in 'run'`.
fn is_from(line: &[u8]) -> bool {
    indented(line).and_then(|text| text.strip_prefix(b"from ")).is_some_and(|place| contains(place, b":"))
}

/// `2: from /app/main.rb:3:in 'run'`.
fn is_reversed(line: &[u8]) -> bool {
    indented(line).and_then(after_digits).is_some_and(|rest| rest.starts_with(b": from "))
}

/// `... 9983 levels...`.
fn is_levels(line: &[u8]) -> bool {
    indented(line).is_some_and(|text| text.starts_with(b"... ") && text.ends_with(b"levels..."))
}
