//! Prometheus' text format, version 0.0.4: what every scraper reads.
//!
//! Written by hand, since it is so little: a metrics library brings counters and a registry of its own, and ours have
//! to be read where they are.

use std::fmt::{Display, Write};

/// What a page of figures says of itself.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A page that is being written, one metric after the other.
#[derive(Debug, Default)]
pub(super) struct Page(String);

/// Where the values of one metric go.
pub(super) struct Values<'a> {
    page: &'a mut String,
    name: &'static str,
}

/// What may be a value.
pub(super) trait Number: Display {}
impl Number for u64 {}
impl Number for f64 {}

impl Page {
    /// A number that only grows while the process lives. `name` ends in `_total`.
    pub fn counter(&mut self, name: &'static str, help: &str) -> Values<'_> {
        self.metric(name, "counter", help)
    }

    /// A number that says how it is now.
    pub fn gauge(&mut self, name: &'static str, help: &str) -> Values<'_> {
        self.metric(name, "gauge", help)
    }

    /// The head of a metric is there even if it has no value: so one can see what there is.
    fn metric(&mut self, name: &'static str, kind: &str, help: &str) -> Values<'_> {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
        Values { page: &mut self.0, name }
    }

    pub fn finish(self) -> String {
        self.0
    }
}

impl Values<'_> {
    /// One value. Labels come from the config and from what we named ourselves, never from a record: each of their
    /// values is a series that the scraper keeps.
    pub fn add(&mut self, labels: &[(&str, &str)], value: impl Number) {
        self.page.push_str(self.name);
        for (index, (label, text)) in labels.iter().enumerate() {
            let _ = write!(self.page, "{}{label}=\"{}\"", if index == 0 { '{' } else { ',' }, Escaped(text));
        }
        if !labels.is_empty() {
            self.page.push('}');
        }
        let _ = writeln!(self.page, " {value}");
    }
}

/// The value of a label as it stands between quotes.
struct Escaped<'a>(&'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.chars().try_for_each(|character| match character {
            '\\' => f.write_str("\\\\"),
            '"' => f.write_str("\\\""),
            '\n' => f.write_str("\\n"),
            other => f.write_char(other),
        })
    }
}
