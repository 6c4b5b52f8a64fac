//! JavaScript: V8's traces, and what Node prints of an exception that nobody caught.

use super::{
    NONE, State,
    line::{after_digits, indented, is_blank, is_frame, is_pointer, names_exception},
};

/// The line that names the error.
const HEADER: State = 1;
/// Among the frames, or the properties below them.
const FRAMES: State = 2;
/// Behind `/app/index.js:3`: the line of source that threw must come.
const SOURCE: State = 3;
const POINTER: State = 4;
const BLANK: State = 5;
const ERROR: State = 6;
/// A blank line behind the frames: Node's version may follow.
const MAYBE_ENDED: State = 7;

pub const ANCHORS: &[&str] = &["Error"];

pub fn begins(line: &[u8], _at: usize, end: usize) -> State {
    if names_exception(line, end) { HEADER } else { NONE }
}

pub fn begins_bare(line: &[u8]) -> State {
    if is_frame(line) && is_place(line.strip_suffix(b")").unwrap_or(line)) {
        return FRAMES;
    }
    let is_path = line.starts_with(b"/") || line.starts_with(b"file:///") || line.starts_with(b"node:");
    if is_path && !line.contains(&b' ') && is_place(line) { SOURCE } else { NONE }
}

/// Ends with the number of a line.
fn is_place(text: &[u8]) -> bool {
    let number = memchr::memrchr(b':', text).map_or(&[][..], |at| &text[at + 1..]);
    after_digits(number).is_some_and(<[u8]>::is_empty)
}

pub fn next(state: State, line: &[u8]) -> State {
    match state {
        HEADER | FRAMES if is_frame(line) => FRAMES,
        // Properties, and causes among them, to the bracket that closes them.
        FRAMES if indented(line).is_some() || line.starts_with(b"}") || line.starts_with(b"]") => FRAMES,
        FRAMES if line == b"From previous event:" || line == b"Thrown at:" => HEADER,
        FRAMES if line.starts_with(b"Caused by: ") => HEADER,
        FRAMES if is_blank(line) => MAYBE_ENDED,
        FRAMES | MAYBE_ENDED if line.starts_with(b"Node.js v") => FRAMES,
        SOURCE if !is_blank(line) => POINTER,
        POINTER if is_pointer(line) => BLANK,
        BLANK if is_blank(line) => ERROR,
        ERROR if !is_blank(line) => HEADER,
        _ => NONE,
    }
}
