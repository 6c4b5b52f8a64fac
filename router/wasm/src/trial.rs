//! A version of a plugin that took over a short while ago, and the version that it replaced: where the new one does
//! worse, the old one takes its place again.
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::plugin::Plugin;

/// Before this many records a share or a mean says nothing.
pub const FEWEST: u64 = 1000;

/// What a version must keep to in its first time. Faults are always held against it, these where they are set.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bounds {
    /// The largest share of records that it may drop, from 0 to 1.
    pub max_drop: Option<f64>,
    /// The longest mean time of a record within calls.
    pub max_time: Option<Duration>,
}

/// A version on trial.
#[derive(Clone, Debug)]
pub struct Trial {
    pub plugin: Arc<Plugin>,
    /// What takes over again.
    pub before: Arc<Plugin>,
    pub until: Instant,
    pub bounds: Bounds,
}

/// Why a version was taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// It failed on records that the version before could answer for.
    Fault,
    /// It dropped more than the operator allows.
    Drops,
    /// It took longer than the operator allows.
    Time,
    /// Somebody asked for it.
    Order,
}

/// A version that was taken back.
#[derive(Clone, Debug)]
pub struct Rollback {
    pub from: Arc<Plugin>,
    pub to: Arc<Plugin>,
    pub reason: Reason,
    /// One line.
    pub why: String,
    pub at: Instant,
}

impl Trial {
    pub(crate) fn runs(&self, now: Instant) -> bool {
        now < self.until
    }

    /// Why the version is to be taken back by what it did so far, if it is.
    pub(crate) fn judge(&self) -> Option<(Reason, String)> {
        let counts = self.plugin.counters().read();
        if counts.records < FEWEST {
            return None;
        }
        let (records, Bounds { max_drop, max_time }) = (counts.records as f64, self.bounds);
        let (drop, time) = (counts.dropped as f64 / records, counts.time.div_f64(records));
        if let Some(most) = max_drop.filter(|most| drop > *most) {
            let why = format!(
                "it dropped {:.1}% of {} records, and `trial.max_drop` allows {:.1}%",
                drop * 100.0,
                counts.records,
                most * 100.0
            );
            return Some((Reason::Drops, why));
        }
        let most = max_time.filter(|most| time > *most)?;
        let why =
            format!("it took {time:?} a record, the mean of {}, and `trial.max_time` allows {most:?}", counts.records);
        Some((Reason::Time, why))
    }
}

impl Reason {
    /// As in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fault => "fault",
            Self::Drops => "drops",
            Self::Time => "time",
            Self::Order => "order",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.name())
    }
}
