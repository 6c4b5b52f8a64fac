//! What plugins say, in the router's own log.
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::bindings::log::{Host, Level};
use crate::fault::one_line;

/// The voice of one instance.
#[derive(Debug)]
pub(crate) struct Voice {
    plugin: Arc<str>,
    allowance: Allowance,
}

impl Voice {
    pub fn new(plugin: Arc<str>) -> Self {
        Self { plugin, allowance: Allowance::new(Instant::now()) }
    }

    /// A call begins.
    pub fn begin(&mut self) {
        // Most plugins say little, and then the clock is not looked at.
        if self.allowance.left_out > 0
            && let Some(lines) = self.allowance.summary(Instant::now())
        {
            tracing::warn!(plugin = %self.plugin, lines, "left out lines of a plugin that writes too many");
        }
    }
}

impl Voice {
    /// A line that was printed and not logged: a panic's or a runtime's, which may quote a record. So it is only for
    /// whoever looks into a plugin, and takes none of what may be logged otherwise.
    pub fn print(&mut self, line: &str) {
        if tracing::enabled!(tracing::Level::DEBUG) && self.allowance.take(Instant::now()) {
            tracing::debug!(plugin = %self.plugin, "printed: {}", one_line(line));
        }
    }
}

impl Host for Voice {
    fn write(&mut self, level: Level, message: String) {
        if !self.allowance.take(Instant::now()) {
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

/// How many lines may still be written.
#[derive(Debug)]
struct Allowance {
    lines: u32,
    /// The time up to which lines were granted.
    granted: Instant,
    left_out: u64,
    told: Option<Instant>,
}

impl Allowance {
    /// Lines at once, after a silence.
    const MOST: u32 = 20;
    /// The time after which there is one more.
    const EACH: Duration = Duration::from_millis(500);
    /// The time between two summaries of what was left out.
    const BETWEEN: Duration = Duration::from_secs(60);

    fn new(now: Instant) -> Self {
        Self { lines: Self::MOST, granted: now, left_out: 0, told: None }
    }

    /// True if a line may be written now.
    fn take(&mut self, now: Instant) -> bool {
        let due = now.saturating_duration_since(self.granted).as_millis() / Self::EACH.as_millis();
        if due >= u128::from(Self::MOST - self.lines) {
            (self.lines, self.granted) = (Self::MOST, now);
        } else {
            self.lines += due as u32;
            self.granted += Self::EACH * due as u32;
        }
        let granted = self.lines > 0;
        self.lines = self.lines.saturating_sub(1);
        self.left_out += u64::from(!granted);
        granted
    }

    /// How many lines were left out since the last summary, if it is time for one.
    fn summary(&mut self, now: Instant) -> Option<u64> {
        let early = self.told.is_some_and(|told| now.saturating_duration_since(told) < Self::BETWEEN);
        if self.left_out == 0 || early {
            return None;
        }
        self.told = Some(now);
        Some(std::mem::take(&mut self.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_limited_by_rate_and_not_by_call() {
        let start = Instant::now();
        let mut allowance = Allowance::new(start);
        for (seconds, written, granted) in
            [(0.0, 30, 20), (0.4, 1, 0), (0.5, 2, 1), (1.7, 9, 2), (2.0, 9, 1), (600.0, 50, 20)]
        {
            let now = start + Duration::from_secs_f64(seconds);
            assert_eq!((0..written).filter(|_| allowance.take(now)).count(), granted, "after {seconds} s");
        }
    }

    #[test]
    fn prints_that_nobody_sees_take_nothing_of_what_may_be_logged() {
        let mut voice = Voice::new("talks".into());
        (0..100).for_each(|_| voice.print("printed"));
        assert_eq!((voice.allowance.lines, voice.allowance.left_out), (Allowance::MOST, 0));
    }

    #[test]
    fn what_is_left_out_is_told_once_a_minute() {
        let start = Instant::now();
        let mut allowance = Allowance::new(start);
        for (seconds, written, told) in
            [(0, 20, None), (0, 7, Some(7)), (1, 12, None), (59, 0, None), (60, 0, Some(10)), (61, 0, None)]
        {
            let now = start + Duration::from_secs(seconds);
            (0..written).for_each(|_| _ = allowance.take(now));
            assert_eq!(allowance.summary(now), told, "after {seconds} s");
        }
    }
}
