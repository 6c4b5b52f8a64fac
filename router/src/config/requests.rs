//! What sinks that send HTTP requests have in common.

use std::path::PathBuf;
use std::time::Duration;

use super::decode::Block;
use super::kinds;
use super::plan::Retry;
use super::units::show_duration;

const HOUR: Duration = Duration::from_secs(3600);

/// Reads `tls: { ca_file: PATH }`.
pub(super) fn ca_file(sink: &Block) -> Option<PathBuf> {
    let tls = sink.child("tls")?;
    let ca_file = tls.required("ca_file", "ca_file: /path", kinds::path);
    tls.finish();
    ca_file
}

/// Reads `retry`; what is not written keeps its default.
pub(super) fn retry(sink: &Block) -> Retry {
    let mut retry = Retry { initial: Duration::from_secs(1), max_interval: Duration::from_secs(30) };
    let Some(block) = sink.child("retry") else {
        return retry;
    };
    let shortest = Duration::from_millis(10);
    let initial = block.get("initial", kinds::duration(shortest, HOUR));
    let max_interval = block.get("max_interval", kinds::duration(shortest, HOUR));
    retry.initial = initial.unwrap_or(retry.initial);
    retry.max_interval = max_interval.unwrap_or(retry.max_interval);
    if retry.initial > retry.max_interval {
        let written = if max_interval.is_some() { "max_interval" } else { "initial" };
        block.fail(
            written,
            format!(
                "the first wait of {} is longer than the longest of {}; write initial ≤ max_interval",
                show_duration(retry.initial),
                show_duration(retry.max_interval)
            ),
        );
    }
    block.finish();
    retry
}
