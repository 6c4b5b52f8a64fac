//! The plan's `files` source as the tail wants it.

use crate::config::FilesSource;

pub(super) fn source(plan: &FilesSource) -> sluice_tail::Config {
    sluice_tail::Config {
        include: plan.include.clone(),
        exclude: plan.exclude.clone(),
        host: plan.host.clone(),
        checkpoints: plan.checkpoints.clone(),
        exclude_own: plan.exclude_own,
        max_line: usize::try_from(plan.max_line).unwrap_or(usize::MAX),
        scan_interval: plan.scan_interval,
        ..sluice_tail::Config::default()
    }
}
