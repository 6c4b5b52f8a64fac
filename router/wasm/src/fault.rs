//! What went wrong with a plugin.
use std::fmt;
use std::sync::Arc;

use crate::component::Digest;

/// A call that a plugin did not answer as it must.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub plugin: String,
    pub digest: Digest,
    /// Of its component, if that says one.
    pub version: Option<Arc<String>>,
    /// The function of the interface that was called.
    pub call: &'static str,
    pub cause: Cause,
    /// Calls that the instance had answered before: what it remembers of them may be to blame.
    pub before: u64,
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
    /// It must not be passed by, and the record cannot be looked into.
    Unreadable,
}

impl Fault {
    /// With the plugin's own words, which may quote a record: for whoever may read records.
    pub fn in_full(&self) -> String {
        match &self.cause {
            Cause::Refused(why) => format!("{} returned an error: {why}", self.subject()),
            _ => self.to_string(),
        }
    }

    fn subject(&self) -> String {
        let version = self.version.as_ref().map(|version| format!(" (version {version})")).unwrap_or_default();
        format!("`{}` of {}{version}", self.call, self.digest)
    }
}

impl fmt::Display for Fault {
    /// For the router's log: without words that may quote a record. What `configure` says is about the options.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let subject = self.subject();
        match &self.cause {
            Cause::Trap(why) => write!(f, "{subject} failed: {why}"),
            Cause::Refused(why) if self.call == "configure" => write!(f, "{subject} returned an error: {why}"),
            Cause::Refused(_) => write!(f, "{subject} returned an error, which the dead letter quotes"),
            Cause::Unreadable => write!(
                f,
                "{subject} could not be asked: the record is not UTF-8, or nested deeper than {} levels",
                sluice_core::json::DEEPEST
            ),
            Cause::Invalid(why) => write!(f, "{subject} returned an answer that cannot be followed: {why}"),
        }
    }
}

impl std::error::Error for Fault {}

impl Cause {
    /// As in a crash bundle.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Trap(_) => "trap",
            Self::Refused(_) => "refused",
            Self::Invalid(_) => "invalid",
            Self::Unreadable => "unreadable",
        }
    }

    /// The plugin's or the host's own words.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Trap(why) | Self::Refused(why) | Self::Invalid(why) => why,
            Self::Unreadable => "",
        }
    }
}

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
