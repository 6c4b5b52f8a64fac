//! What a sink is told; plain values, checked by whoever reads the config file.

use std::{sync::Arc, time::Duration};

use crate::{Counters, Url};

/// Where alerts go, and how.
#[derive(Clone, Debug)]
pub struct Config {
    pub url: Url,
    /// How long alerts of a group are counted after its first, before their number is told.
    pub window: Duration,
    /// Alerts about records older than this are counted and not posted; `None` posts them all.
    pub max_age: Option<Duration>,
    /// Messages that may wait for the webhook; [`crate::Slack`] takes no more until there is room. At least 1.
    pub queue: usize,
    /// How long after its first attempt a message is given up when the webhook cannot be reached or is busy; `None`
    /// tries for ever. A webhook that is gone or forbidden is tried for ever all the same, and that time does not
    /// count: a person has to act.
    pub give_up_after: Option<Duration>,
    /// From the start of a request to the end of its answer.
    pub request_timeout: Duration,
    /// The first delay before a message is tried again; doubles up to `retry_max`.
    pub retry_initial: Duration,
    pub retry_max: Duration,
    /// PEM certificates to trust beside the public ones.
    pub ca: Option<Vec<u8>>,
    /// What the sink counts into; share one over the generations of a pipeline.
    pub counters: Arc<Counters>,
    /// Nanoseconds since 1970 UTC.
    pub now: fn() -> u64,
}
