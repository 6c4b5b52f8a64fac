//! What went wrong with a plugin.
use std::fmt;

use crate::component::Digest;

/// A call that a plugin did not answer as it must.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub plugin: String,
    pub digest: Digest,
    /// The function of the interface that was called.
    pub call: &'static str,
    pub cause: Cause,
}

/// Why an answer does not count. The texts are shortened to one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// It ended in a trap, or was ended for using more than its limits allow.
    Trap(String),
    /// It answered with an error.
    Refused(String),
    /// Its answer breaks the interface's rules.
    Invalid(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Self { digest, call, .. } = self;
        match &self.cause {
            Cause::Trap(why) => write!(f, "`{call}` of {digest} failed: {why}"),
            Cause::Refused(why) => write!(f, "`{call}` of {digest} returned an error: {why}"),
            Cause::Invalid(why) => write!(f, "`{call}` of {digest} returned an answer that cannot be followed: {why}"),
        }
    }
}

impl std::error::Error for Fault {}

/// The reason of a failed call, without the addresses of a backtrace.
pub(crate) fn trap(error: &wasmtime::Error) -> Cause {
    let at = error.downcast_ref::<wasmtime::WasmBacktrace>().and_then(|backtrace| {
        let mut names = backtrace.frames().iter().filter_map(|frame| frame.func_name());
        names.find(|name| !name.contains("panic")).map(|name| format!(" in {:#}", rustc_demangle::demangle(name)))
    });
    Cause::Trap(one_line(&format!("{}{}", error.root_cause(), at.unwrap_or_default())))
}

/// A plugin's words, made fit for a log: one line, no control characters, at most 300 bytes.
pub(crate) fn one_line(text: &str) -> String {
    const LONGEST: usize = 300;
    let cut = text.floor_char_boundary(LONGEST);
    let line = text[..cut].trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if cut < text.len() { line + "…" } else { line }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_made_fit_for_a_log() {
        assert_eq!(one_line(" a\nb\u{1b}[31m "), "a b [31m");
        let long = one_line(&"é".repeat(1000));
        assert_eq!(long.chars().count(), 151);
        assert!(long.ends_with('…'));
    }
}
