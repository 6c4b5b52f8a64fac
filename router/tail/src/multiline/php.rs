//! PHP: errors that nobody caught, Xdebug's numbered frames, and what Monolog makes of an exception.

use super::{
    NONE, State,
    line::{after_digits, is_blank},
};

/// The line that says what happened.
const HEADER: State = 1;
const FRAMES: State = 2;
/// A blank line: the next exception of a chain may follow.
const BETWEEN: State = 3;

pub const ANCHORS: &[&str] = &["PHP Fatal error: ", "Fatal error: Uncaught ", "\"[object] ("];

pub fn begins(line: &[u8], at: usize) -> State {
    let rest = &line[at..];
    // Monolog's line goes on below unless it is closed.
    if rest.starts_with(b"\"[object] (") && (line.ends_with(b"}") || line.ends_with(b"]")) { NONE } else { HEADER }
}

pub fn begins_bare(line: &[u8]) -> State {
    // The rest of a trace that was parted.
    if is_frame(line) { FRAMES } else { NONE }
}

pub fn next(state: State, line: &[u8]) -> State {
    let line = without_time(line);
    let is_heading = [&b"Stack trace:"[..], b"PHP Stack trace:", b"[stacktrace]"].contains(&line);
    match state {
        BETWEEN if line.starts_with(b"Next ") => HEADER,
        BETWEEN => NONE,
        _ if is_heading || is_frame(line) || is_numbered(line) => FRAMES,
        FRAMES if line.starts_with(b"  thrown in ") || line.starts_with(b"\"}") => FRAMES,
        FRAMES if line.starts_with(b"[previous exception] ") || line.starts_with(b"Next ") => HEADER,
        FRAMES if is_blank(line) => BETWEEN,
        _ => NONE,
    }
}

/// `#0 /app/index.php(7): run()`, `#1 {main}`.
fn is_frame(line: &[u8]) -> bool {
    let rest = line.strip_prefix(b"#").and_then(after_digits).and_then(|rest| rest.strip_prefix(b" "));
    rest.is_some_and(|rest| {
        rest.starts_with(b"{main}") || rest.starts_with(b"[internal function]") || rest.contains(&b'(')
    })
}

/// `PHP   1. {main}() /app/index.php:0`.
fn is_numbered(line: &[u8]) -> bool {
    let number = line.strip_prefix(b"PHP ").map(<[u8]>::trim_ascii_start).and_then(after_digits);
    number.is_some_and(|rest| rest.starts_with(b". "))
}

/// A line of PHP's own log without `[14-Nov-2023 22:13:20 UTC] ` before it.
fn without_time(line: &[u8]) -> &[u8] {
    let end = line.strip_prefix(b"[").and_then(|rest| memchr::memmem::find(rest, b"] PHP "));
    end.filter(|end| *end < 40).map_or(line, |end| &line[end + 3..])
}
