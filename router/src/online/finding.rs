//! What was found out about one thing.

use std::fmt;

/// A line of the answer, shown as `LEVEL: COMPONENT PLACE: what was found; what to do`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub level: Level,
    /// As in `kafka` or `plugin redact`.
    pub component: String,
    /// A file, an address.
    pub place: String,
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Ok,
    /// It can run, and its operator should know.
    Warning,
    /// It cannot run so.
    Error,
}

impl Finding {
    pub fn ok(component: &str, place: &str, text: impl Into<String>) -> Self {
        Self::new(Level::Ok, component, place, text)
    }

    pub fn warning(component: &str, place: &str, text: impl Into<String>) -> Self {
        Self::new(Level::Warning, component, place, text)
    }

    pub fn error(component: &str, place: &str, text: impl Into<String>) -> Self {
        Self::new(Level::Error, component, place, text)
    }

    fn new(level: Level, component: &str, place: &str, text: impl Into<String>) -> Self {
        Self { level, component: component.to_owned(), place: place.to_owned(), text: text.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.level {
            Level::Ok => "ok",
            Level::Warning => "warning",
            Level::Error => "error",
        };
        write!(f, "{level}: {} {}: {}", self.component, self.place, self.text)
    }
}
