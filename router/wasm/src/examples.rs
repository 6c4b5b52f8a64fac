//! Examples that travel in a component: records in, and what the plugin has to make of them. They are run before a
//! component takes over, so that one that was built wrong never sees a real record.
//!
//! ```text
//! text (JSON objects, one after the other) → Example → run: Plugin, Columns, Answer → what came out, beside what was expected
//! ```
mod difference;
mod outcome;
mod parse;
mod run;
mod section;

use std::fmt;
use std::time::{Duration, Instant};

use serde_json::{Map, Value};

use crate::component::{Component, Digest};
use crate::limits::Limits;

pub use section::{NAME, embed, section};

/// Bytes of all examples of a component.
pub const MOST_BYTES: usize = 256 << 10;
/// Examples of a component.
pub const MOST_EXAMPLES: usize = 200;
/// Records of one example.
pub const MOST_RECORDS: usize = 1000;
/// Wall-clock time for all examples of a component: whoever swaps plugins waits for them.
pub const LONGEST: Duration = Duration::from_secs(10);

/// The time of a call where an example names none.
const NOW: u64 = 1_700_000_000_000_000_000;

/// One example, as its author wrote it.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    name: String,
    /// JSON: the plugin's options.
    config: String,
    /// Nanoseconds since 1970, as all times here.
    now: u64,
    /// One for each record; all `now` if there are none.
    times: Vec<u64>,
    records: Vec<Value>,
    /// Seconds after `now`: when a notifier is asked without records.
    ticks: Vec<u64>,
    expect: Expect,
}

/// What has to come out. What is `None` is not looked at.
#[derive(Clone, Debug, Default, PartialEq)]
struct Expect {
    /// Indices of the records that are left.
    kept: Option<Vec<u64>>,
    /// The records that are left, as they leave.
    records: Option<Vec<Value>>,
    /// Of each alert the members that are named.
    alerts: Option<Vec<Map<String, Value>>>,
    /// A part of what `configure` says when it refuses the options.
    refused: Option<String>,
}

/// An example that did not come out as it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// Its name.
    pub example: String,
    /// What differs, a line each; at least one.
    pub differences: Vec<String>,
}

/// The examples of a text, in order. An error names the example and the key.
pub fn parse(text: &str) -> Result<Vec<Example>, String> {
    parse::all(text)
}

/// The examples that travel in a component file; none if it has no section for them.
pub fn of(component: &[u8]) -> Result<Vec<Example>, String> {
    section(component)?.map_or_else(|| Ok(Vec::new()), parse)
}

/// Runs all examples that travel in the component, and says how many came out as they should: all of them.
///
/// An error is what refuses the component: which example, and what was different.
pub fn verify(bytes: &[u8], component: &Component, limits: &Limits) -> Result<usize, String> {
    let examples = of(bytes).map_err(|error| format!("its examples cannot be read: {error}"))?;
    let began = Instant::now();
    for example in &examples {
        example.run(component, limits).map_err(|failed| failed.to_string())?;
        if began.elapsed() > LONGEST {
            return Err(format!(
                "its {} examples take longer than {} s; make them fewer or smaller",
                examples.len(),
                LONGEST.as_secs()
            ));
        }
    }
    Ok(examples.len())
}

impl Example {
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The plugin's options, as JSON.
    pub fn config(&self) -> &str {
        &self.config
    }

    /// Runs the example on a new instance.
    pub fn run(&self, component: &Component, limits: &Limits) -> Result<(), Failed> {
        let differences = run::run(self, component, limits);
        if differences.is_empty() { Ok(()) } else { Err(Failed { example: self.name.clone(), differences }) }
    }
}

impl fmt::Display for Failed {
    /// One line, for a log.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        const MOST: usize = 3;
        let Self { example, differences } = self;
        let shown: Vec<&str> = differences.iter().take(MOST).map(String::as_str).collect();
        write!(f, "its example {example:?} fails: {}", shown.join("; "))?;
        match differences.len().saturating_sub(MOST) {
            0 => Ok(()),
            more => write!(f, "; and {more} more differences"),
        }
    }
}

impl std::error::Error for Failed {}

/// A name for log lines of an example's instance.
fn plugin_name(example: &Example, digest: Digest) -> String {
    format!("example {:?} of {digest}", example.name)
}

#[cfg(test)]
mod tests;
