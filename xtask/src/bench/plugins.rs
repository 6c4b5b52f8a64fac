//! The chains of plugins that whole processes are measured with.

use std::path::Path;

/// Plugins in front of a sink.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Chain {
    None,
    LevelFilter,
    /// One that drops, one that finds nothing in most records, one that changes each.
    Three,
    ExceptionNotifier,
    /// A notifier that reads no field and raises no alert.
    Idle,
}

impl Chain {
    /// A word for names of files, topics and groups.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::LevelFilter => "filter",
            Self::Three => "three",
            Self::ExceptionNotifier => "notifier",
            Self::Idle => "idle-notifier",
        }
    }

    pub(crate) fn drops_debug(self) -> bool {
        matches!(self, Self::LevelFilter | Self::Three)
    }

    /// The `plugins:` block of a pipeline, with components in this folder; empty without any.
    pub(crate) fn block(self, components: &Path) -> String {
        let plugins: &[(&str, &str)] = match self {
            Self::None => return String::new(),
            Self::LevelFilter => &[LEVEL_FILTER],
            Self::Three => &[LEVEL_FILTER, ("redact", "{}"), ("json-promote", "{ fields: [level, status] }")],
            Self::ExceptionNotifier => &[("exception-notifier", "{}")],
            Self::Idle => &[("misbehaves-notifier", "{ do: read-nothing }")],
        };
        let line = |(name, config): &(&str, &str)| {
            let component = components.join(format!("{name}.wasm"));
            format!("      - {{ name: {name}, component: \"{}\", config: {config} }}\n", component.display())
        };
        format!("    plugins:\n{}", plugins.iter().map(line).collect::<String>())
    }
}

const LEVEL_FILTER: (&str, &str) = ("level-filter", "{ at_least: info }");
