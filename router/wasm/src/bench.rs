//! What the benchmark `crossing` measures, and nobody else should use.
use crate::fault::Fault;
use crate::instance::Instance;
use crate::plugin::Plugin;

/// An instance that nobody calls.
#[expect(missing_debug_implementations)]
pub struct Started(#[expect(dead_code)] Instance);

/// A new instance, configured, as a chain has one for each plugin.
pub fn start(plugin: &Plugin) -> Result<Started, Fault> {
    plugin.start().map(Started)
}
