//! Errors are decisions: what to do is a field, the text is for people.

use std::fmt;

/// What is to be done about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The same again after a backoff may work: a broker is away, a disk is full.
    Transient,
    /// Trying again cannot help until a person changes something: the process stops in order and says why.
    Fatal,
}

/// A failure that ends a generation of a pipeline (see [`crate::supervisor`]).
///
/// `component` says who failed (`kafka sink`, `plugin drop-debug`), `text` where, why and what to do:
/// lower case, no final dot, never with text of a record or a secret in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Failure {
    pub kind: Kind,
    pub component: String,
    pub text: String,
}

impl Failure {
    pub fn transient(component: impl Into<String>, text: impl Into<String>) -> Self {
        Self { kind: Kind::Transient, component: component.into(), text: text.into() }
    }

    pub fn fatal(component: impl Into<String>, text: impl Into<String>) -> Self {
        Self { kind: Kind::Fatal, component: component.into(), text: text.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.component, self.text)
    }
}
