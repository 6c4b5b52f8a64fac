//! Patterns of one's own.

use std::fmt;

use regex::bytes::Regex;

use crate::line_time::last_line;

/// Which lines are one record, by patterns.
#[derive(Clone, Debug)]
pub struct Rule {
    start: Regex,
    go_on: Option<Regex>,
}

/// Why a [`Rule`] cannot be: its pattern, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuleError {
    Start(String),
    Continue(String),
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start(message) => write!(f, "source.files.multiline: start: {message}"),
            Self::Continue(message) => write!(f, "source.files.multiline: continue: {message}"),
        }
    }
}

impl std::error::Error for RuleError {}

impl Rule {
    /// A line that matches `start` begins a record. Lines that match `go_on` continue it, or all that begin none where
    /// there is no such pattern.
    ///
    /// # Errors
    /// A pattern is no regular expression.
    pub fn new(start: &str, go_on: Option<&str>) -> Result<Self, RuleError> {
        let compile = |pattern: &str| Regex::new(pattern).map_err(|error| last_line(&error.to_string()));
        Ok(Self {
            start: compile(start).map_err(RuleError::Start)?,
            go_on: go_on.map(compile).transpose().map_err(RuleError::Continue)?,
        })
    }

    pub fn starts(&self, line: &[u8]) -> bool {
        self.start.is_match(line)
    }

    pub fn goes_on(&self, line: &[u8]) -> bool {
        self.go_on.as_ref().is_none_or(|pattern| pattern.is_match(line))
    }
}
