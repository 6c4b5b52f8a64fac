//! Go: panics, errors of the runtime, and the dumps of goroutines that follow them.

use super::{
    NONE, State,
    line::{after_digits, indented, is_blank},
};

/// Behind the line that says what happened.
const HEADER: State = 1;
/// A function must come, or another goroutine.
const FUNCTION: State = 2;
/// The place in the function.
const PLACE: State = 3;
/// A blank line: another goroutine may follow.
const BETWEEN: State = 4;

pub const ANCHORS: &[&str] = &["panic: ", "fatal error: ", "goroutine ", "http: panic serving ", "SIG"];

pub fn begins(line: &[u8], at: usize) -> State {
    // It stands behind the time of a log line, and the dump below it.
    if line[at..].starts_with(b"http: panic serving ") {
        return HEADER;
    }
    if at > 0 {
        return NONE;
    }
    if is_goroutine(line) {
        return FUNCTION;
    }
    let is_header = line.starts_with(b"panic: ") || line.starts_with(b"fatal error: ") || is_signal(line);
    if is_header { HEADER } else { NONE }
}

pub fn next(state: State, line: &[u8]) -> State {
    if is_blank(line) {
        return BETWEEN;
    }
    if is_goroutine(line) || line == b"runtime stack:" {
        return FUNCTION;
    }
    match state {
        // A second panic, and the lines of a text, which the runtime indents.
        HEADER if indented(line).is_some() => HEADER,
        HEADER if line.starts_with(b"[signal ") || line.starts_with(b"panic: ") || line.starts_with(b"PC=") => HEADER,
        FUNCTION if is_function(line) => PLACE,
        FUNCTION if line.starts_with(b"...") && line.ends_with(b"frames elided...") => FUNCTION,
        PLACE if indented(line).is_some() => FUNCTION,
        BETWEEN | FUNCTION if is_register(line) => BETWEEN,
        BETWEEN | FUNCTION if line.starts_with(b"exit status ") => BETWEEN,
        _ => NONE,
    }
}

/// `goroutine 1 [running]:`, `goroutine 7 [chan receive, 5 minutes, locked to thread]:`.
fn is_goroutine(line: &[u8]) -> bool {
    let rest = line.strip_prefix(b"goroutine ").and_then(after_digits);
    rest.is_some_and(|rest| rest.ends_with(b"]:") && (rest.starts_with(b" [") || rest.starts_with(b" gp=")))
}

/// `SIGQUIT: quit`, at the start of what Go prints when a signal ends it.
fn is_signal(line: &[u8]) -> bool {
    let name = line.iter().take_while(|byte| byte.is_ascii_uppercase()).count();
    line.starts_with(b"SIG") && line[name..].starts_with(b": ")
}

/// `main.(*Server).run(0xc000012345, {0x1, 0x2})`, `created by main.start in goroutine 1`.
fn is_function(line: &[u8]) -> bool {
    let Some(bracket) = memchr::memchr(b'(', line) else { return line.starts_with(b"created by ") };
    let is_call = line.ends_with(b")") && !line[..bracket].contains(&b' ') && bracket > 0;
    is_call || line.starts_with(b"created by ")
}

/// `rax    0x0`, below the goroutines where a signal ended the process.
fn is_register(line: &[u8]) -> bool {
    let name = line.iter().take_while(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()).count();
    let value = line[name..].trim_ascii_start();
    (2..=6).contains(&name) && value.len() < line.len() - name && value.starts_with(b"0x")
}
