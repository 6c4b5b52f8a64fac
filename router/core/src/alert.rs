//! What a notifier has to say: data, posted by a sink.

/// How bad it is; the order is that of the interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    Info,
    Warning,
    Error,
    Critical,
}

/// One alert, as a notifier raised it. Texts are bounded by whoever loads notifiers, and may quote records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// The record it is about: an index of [`crate::Batch::records`]. `None` for none in particular.
    pub item: Option<u32>,
    /// The plugin that raised it.
    pub plugin: String,
    /// Alerts of one plugin with the same fingerprint are repeats of one another.
    pub fingerprint: String,
    pub severity: Severity,
    /// One line; may be empty.
    pub title: String,
    /// May have several lines.
    pub text: String,
    /// Names and values, in the order in which they are shown.
    pub details: Vec<(String, String)>,
    /// `#rrggbb`, or empty for the severity's own.
    pub color: String,
}
