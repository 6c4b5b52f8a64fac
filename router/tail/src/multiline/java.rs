//! Java, and what else runs on its machine: `Throwable.printStackTrace`, and logback's and log4j's forms of it.

use super::{
    NONE, State,
    line::{after_digits, contains, indented, is_frame, names_exception},
};

/// The line that names the exception, or the cause.
const HEADER: State = 1;
const FRAMES: State = 2;

pub const ANCHORS: &[&str] = &["Exception", "Error", "Throwable", "Caused by: "];

pub fn begins(line: &[u8], at: usize, end: usize) -> State {
    let is_thread = at == 0 && line.starts_with(b"Exception in thread ");
    let is_cause = at == 0 && line.starts_with(b"Caused by: ");
    if is_thread || is_cause || names_exception(line, end) { HEADER } else { NONE }
}

/// The rest of a trace that was parted.
pub fn begins_bare(line: &[u8]) -> State {
    let is_java_frame = is_frame(line) && line.ends_with(b")");
    if is_java_frame || is_omission(line) { FRAMES } else { NONE }
}

pub fn next(state: State, line: &[u8]) -> State {
    let text = line.trim_ascii_start();
    if text.starts_with(b"Caused by: ") || text.starts_with(b"Wrapped by: ") || text.starts_with(b"Suppressed: ") {
        return HEADER;
    }
    if is_frame(line) || is_omission(line) {
        return FRAMES;
    }
    match (state, indented(line)) {
        // `java.rmi.RemoteException: …; nested exception is:`, and the exception below it.
        (HEADER, Some(nested)) if contains(nested, b"Exception") || contains(nested, b"Error") => HEADER,
        // `- locked <0x…>`, `[CIRCULAR REFERENCE: …]`, `|-` of other printers.
        (FRAMES, Some(_)) => FRAMES,
        _ => NONE,
    }
}

/// `... 12 more`, or as logback writes `... 12 common frames omitted`.
fn is_omission(line: &[u8]) -> bool {
    let rest = line.trim_ascii_start().strip_prefix(b"... ").and_then(after_digits);
    rest.is_some_and(|rest| rest.starts_with(b" more") || rest.starts_with(b" common frames omitted"))
}
