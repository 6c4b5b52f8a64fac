//! Python: what `traceback` prints, chained exceptions and groups included.

use super::{
    NONE, State,
    line::{indented, is_blank},
};

/// Among the frames.
const FRAMES: State = 1;
/// Behind the line that names the exception.
const NAMED: State = 2;
/// A blank line behind that: the trace may have ended.
const MAYBE_ENDED: State = 3;
/// Behind `During handling of the above exception, another exception occurred:`: a trace must come.
const CHAINED: State = 4;
/// Behind `Exception in thread Thread-1 (run):`.
const THREAD: State = 5;
/// In a group, whose lines are all indented.
const GROUP: State = 6;

const HEADER: &[u8] = b"Traceback (most recent call last):";

pub const ANCHORS: &[&str] = &["Traceback (most recent call last):", "Exception in thread "];

pub fn begins(line: &[u8], at: usize) -> State {
    if line[at..].starts_with(HEADER) {
        return if line.len() == at + HEADER.len() { FRAMES } else { NONE };
    }
    if at == 0 && line.ends_with(b":") { THREAD } else { NONE }
}

/// A group's header, and the frame that an error of syntax begins with.
pub fn begins_bare(line: &[u8]) -> State {
    if line.trim_ascii_start().starts_with(b"+ Exception Group Traceback (") {
        GROUP
    } else if is_frame(line) {
        FRAMES
    } else {
        NONE
    }
}

pub fn next(state: State, line: &[u8]) -> State {
    let blank = is_blank(line);
    match state {
        FRAMES if !blank && indented(line).is_some() => FRAMES,
        FRAMES if names_exception(line) => NAMED,
        // More of the exception's text, notes, or the marks below a line.
        NAMED | GROUP if indented(line).is_some() => state,
        NAMED | GROUP if blank => MAYBE_ENDED,
        NAMED | GROUP | MAYBE_ENDED if is_chain(line) => CHAINED,
        CHAINED if blank => CHAINED,
        CHAINED | THREAD if line == HEADER => FRAMES,
        CHAINED | THREAD => begins_bare(line),
        _ => NONE,
    }
}

/// `  File "/app/main.py", line 3, in run`.
fn is_frame(line: &[u8]) -> bool {
    line.starts_with(b"  File \"") && super::line::contains(line, b"\", line ")
}

fn is_chain(line: &[u8]) -> bool {
    line == b"During handling of the above exception, another exception occurred:"
        || line == b"The above exception was the direct cause of the following exception:"
}

/// `ValueError: text`, `package.Error`, `KeyboardInterrupt`.
fn names_exception(line: &[u8]) -> bool {
    let name = line.iter().take_while(|byte| byte.is_ascii_alphanumeric() || b"._<>".contains(byte) || **byte >= 0x80);
    let length = name.count();
    length > 0 && !line[0].is_ascii_digit() && matches!(&line[length..], [] | [b':', ..])
}
