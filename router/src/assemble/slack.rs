//! The plan's `slack` sink as the webhook wants it.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result};
use sluice_webhook::{Config, Url};

use super::secrets;
use crate::config::SlackSink;

/// Reads the webhook's URL and the certificates; no error shows the URL.
pub(super) fn sink(plan: &SlackSink) -> Result<Config> {
    let url = secrets::read(&plan.webhook).context("slack sink")?;
    Ok(Config {
        url: Url::parse(&url).context("slack sink")?,
        window: plan.window,
        max_age: plan.max_age,
        queue: plan.queue,
        give_up_after: plan.give_up_after,
        request_timeout: plan.request_timeout,
        retry_initial: plan.retry.initial,
        retry_max: plan.retry.max_interval,
        ca: plan.ca_file.as_deref().map(secrets::read_certificates).transpose()?,
        counters: Arc::default(),
        now: unix_nanoseconds,
    })
}

fn unix_nanoseconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64)
}
