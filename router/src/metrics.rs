//! The figures of the process as Prometheus reads them.
//!
//! Every figure is counted where it happens, and written here when somebody asks: nothing is kept twice. What each
//! means is in `docs/metrics.md`, which a test holds against this module.

mod page;
mod pipelines;
mod plugins;
mod process;
mod sinks;
mod snapshot;
mod sources;
#[cfg(test)]
pub(crate) mod tests;

pub(crate) use page::CONTENT_TYPE;
pub(crate) use snapshot::{PipelineSnapshot, PluginSnapshot, RollbackSnapshot, Snapshot, StandInSnapshot};

use page::Page;

/// All figures of `snapshot`, and those of the process at this moment, in Prometheus' text format.
pub(crate) fn page(snapshot: &Snapshot) -> String {
    let mut page = Page::default();
    process::write(&mut page, &snapshot.reload);
    pipelines::write(&mut page, &snapshot.pipelines);
    sources::write(&mut page, &snapshot.pipelines);
    sinks::write(&mut page, &snapshot.pipelines);
    plugins::write(&mut page, &snapshot.pipelines);
    page.finish()
}
