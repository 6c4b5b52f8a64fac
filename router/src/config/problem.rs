//! What is wrong with a document, and the list in which everything that is wrong is gathered.

use std::cell::RefCell;
use std::fmt;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// There is no plan.
    Error,
    /// There is a plan, and something about it that the writer should know.
    Warning,
}

/// One finding, shown as `FILE:LINE:COLUMN: PATH: what is wrong; what to write`. A warning says `warning: ` before
/// its path; a finding about the whole document has no path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub severity: Severity,
    /// The name of the document as the caller gave it.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// Keys joined by dots, as in `pipelines.ship.plugins[0].name`.
    pub path: String,
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: ", self.file, self.line, self.column)?;
        if self.severity == Severity::Warning {
            f.write_str("warning: ")?;
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}

/// A position in the document; both count from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub line: usize,
    pub column: usize,
}

/// Gathers problems while the document is read, so that none hides another.
pub(super) struct Findings<'a> {
    file: &'a str,
    /// The place behind the last character.
    end: Place,
    problems: RefCell<Vec<Problem>>,
}

impl<'a> Findings<'a> {
    /// For the document in `text`, of which `file` is the name.
    pub fn new(file: &'a str, text: &str) -> Self {
        Self { file, end: end_of(text), problems: RefCell::default() }
    }

    pub fn error(&self, at: Place, path: &str, message: impl Into<String>) {
        self.add(Severity::Error, at, path, message.into());
    }

    pub fn warn(&self, at: Place, path: &str, message: impl Into<String>) {
        self.add(Severity::Warning, at, path, message.into());
    }

    /// All findings in the order of the document.
    pub fn into_problems(self) -> Vec<Problem> {
        let mut problems = self.problems.into_inner();
        problems.sort_by_key(|problem| (problem.line, problem.column));
        problems
    }

    fn add(&self, severity: Severity, at: Place, path: &str, message: String) {
        // The parser ends every text with a line break, and what is missing at the end lies behind that.
        let at = at.min(self.end);
        self.problems.borrow_mut().push(Problem {
            severity,
            file: self.file.to_owned(),
            line: at.line,
            column: at.column,
            path: path.to_owned(),
            message: one_line(&message),
        });
    }
}

fn end_of(text: &str) -> Place {
    let lines = text.split("\r\n").flat_map(|line| line.split(['\n', '\r']));
    let (count, last) = lines.fold((0, ""), |(count, _), line| (count + 1, line));
    Place { line: count, column: last.chars().count() + 1 }
}

/// The text without line breaks, and without what a terminal takes for an order: a message may quote a value.
pub(crate) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() {
            line.extend(character.escape_debug());
        } else {
            line.push(character);
        }
    }
    line
}

/// `parent.key`; a key that is not a plain word is quoted, so that a dot inside it is not taken for a step.
pub(super) fn join(parent: &str, key: &str) -> String {
    let plain = !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '<'));
    match (parent.is_empty(), plain) {
        (true, true) => key.to_owned(),
        (true, false) => format!("{key:?}"),
        (false, true) => format!("{parent}.{key}"),
        (false, false) => format!("{parent}.{key:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_lie_in_the_document() {
        for (text, line, column) in
            [("", 1, 1), ("a", 1, 2), ("ä", 1, 2), ("a\n", 2, 1), ("a\r\n", 2, 1), ("a\rb", 2, 2), ("a\n\n\rbc", 4, 3)]
        {
            let findings = Findings::new("f", text);
            findings.error(Place { line: 9, column: 1 }, "", "behind the end");
            findings.error(Place { line: 1, column: 1 }, "", "at the beginning");
            let places: Vec<_> = findings.into_problems().iter().map(|it| (it.line, it.column)).collect();
            assert_eq!(places, [(1, 1), (line, column)], "{text:?}");
        }
    }

    #[test]
    fn a_problem_is_one_line() {
        let findings = Findings::new("f", "");
        findings.error(Place { line: 1, column: 1 }, "", "a\nb\u{1b}[2J \\ \"é\u{85}");
        assert_eq!(findings.into_problems()[0].message, "a\\nb\\u{1b}[2J \\ \"é\\u{85}");
    }
}
