//! .NET: `Exception.ToString`, exceptions that nobody caught, and the console logger, which indents its lines.

use super::{
    NONE, State,
    line::{after_digits, contains, indented, is_frame, names_exception},
};

/// The line that names the exception.
const HEADER: State = 1;
const FRAMES: State = 2;
/// Behind `fail: Category[0]`: all that the logger indents.
const LOGGED: State = 3;

pub const ANCHORS: &[&str] = &["Exception", "Unhandled exception"];

pub fn begins(line: &[u8], at: usize, end: usize) -> State {
    let is_unhandled = at == 0 && line.starts_with(b"Unhandled exception");
    if is_unhandled || names_exception(line, end) { HEADER } else { NONE }
}

pub fn begins_bare(line: &[u8]) -> State {
    let is_own_frame = is_frame(line) && line.contains(&b'(') && (line.ends_with(b")") || contains(line, b":line "));
    if is_own_frame || is_part(line) {
        FRAMES
    } else if is_logged(line) {
        LOGGED
    } else {
        NONE
    }
}

pub fn next(state: State, line: &[u8]) -> State {
    match state {
        LOGGED if line.starts_with(b"      ") => LOGGED,
        LOGGED => NONE,
        _ if is_frame(line) || is_part(line) => FRAMES,
        // What older versions wrote below the text.
        HEADER if line.starts_with(b"Parameter name: ") || line.starts_with(b"Actual value was ") => HEADER,
        FRAMES if indented(line).is_some() => FRAMES,
        _ => NONE,
    }
}

/// ` ---> System.Exception: inner`, `   --- End of inner exception stack trace ---`.
fn is_part(line: &[u8]) -> bool {
    let text = line.trim_ascii_start();
    (text.starts_with(b"---> ") && text.len() < line.len()) || text.starts_with(b"--- End of ")
}

/// `fail: Microsoft.AspNetCore.Server.Kestrel[13]`, the first line of the console logger.
fn is_logged(line: &[u8]) -> bool {
    const LEVELS: [&[u8]; 6] = [b"trce: ", b"dbug: ", b"info: ", b"warn: ", b"fail: ", b"crit: "];
    let Some(category) = LEVELS.iter().find_map(|level| line.strip_prefix(*level)) else { return false };
    let event = memchr::memrchr(b'[', category).map_or(&[][..], |at| &category[at + 1..]);
    !category.contains(&b' ') && after_digits(event) == Some(b"]")
}
