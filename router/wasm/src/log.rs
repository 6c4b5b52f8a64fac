//! What plugins say, in the router's own log.
use std::sync::Arc;

use crate::bindings::log::{Host, Level};
use crate::fault::one_line;

/// Lines that one call may write; a plugin that has more to say is cut short.
const LINES: u32 = 20;

/// The voice of one instance.
#[derive(Debug)]
pub(crate) struct Voice {
    plugin: Arc<str>,
    lines: u32,
}

impl Voice {
    pub fn new(plugin: Arc<str>) -> Self {
        Self { plugin, lines: 0 }
    }

    /// A call begins.
    pub fn begin(&mut self) {
        if self.lines > LINES {
            tracing::warn!(plugin = %self.plugin, lines = self.lines - LINES, "left out lines of a plugin that writes too many");
        }
        self.lines = 0;
    }
}

impl Host for Voice {
    fn write(&mut self, level: Level, message: String) {
        self.lines = self.lines.saturating_add(1);
        if self.lines > LINES {
            return;
        }
        let (plugin, message) = (&self.plugin, one_line(&message));
        match level {
            Level::Trace => tracing::trace!(%plugin, "{message}"),
            Level::Debug => tracing::debug!(%plugin, "{message}"),
            Level::Info => tracing::info!(%plugin, "{message}"),
            Level::Warn => tracing::warn!(%plugin, "{message}"),
            Level::Error => tracing::error!(%plugin, "{message}"),
        }
    }
}
