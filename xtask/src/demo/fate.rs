//! Where each line of the demo with real servers has to end up.

use sluice_node::{Level, Summary};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Dropped on the node by the agent's filter.
    Trace,
    /// Kept in Kafka, dropped by the indexer's filter.
    Debug,
    Indexed,
}

impl Fate {
    pub(crate) fn of(level: Option<Level>) -> Self {
        match level {
            Some(Level::Trace) => Self::Trace,
            Some(Level::Debug) => Self::Debug,
            _ => Self::Indexed,
        }
    }

    /// Lines that met it.
    pub(crate) fn count(self, summary: &Summary) -> u64 {
        summary.written.values().flatten().filter(|level| Self::of(**level) == self).count() as u64
    }
}

/// Lines of every fate.
pub(crate) fn printed(summary: &Summary) -> u64 {
    summary.written.values().map(|lines| lines.len() as u64).sum()
}
