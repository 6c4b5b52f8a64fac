//! How many records a plugin may fail before it is not asked any more.
use std::time::{Duration, Instant};

/// Records of one minute that a plugin may have no answer for. A stream that is poisoned all along must not be
/// emptied into dead letters one by one.
pub(crate) const MOST: u32 = 20;
const WINDOW: Duration = Duration::from_secs(60);
/// How long a plugin whose faults pass is left alone before it is tried again.
const REST: Duration = Duration::from_secs(30);

/// Counts the faults of one plugin in one chain.
#[derive(Debug)]
pub(crate) struct Breaker {
    since: Instant,
    faults: u32,
    resting_since: Option<Instant>,
}

impl Breaker {
    pub fn new(now: Instant) -> Self {
        Self { since: now, faults: 0, resting_since: None }
    }

    /// One more record without an answer; true if that is one too many.
    pub fn fault(&mut self, now: Instant) -> bool {
        if now.saturating_duration_since(self.since) >= WINDOW {
            (self.since, self.faults) = (now, 0);
        }
        self.faults += 1;
        self.faults > MOST
    }

    /// The plugin is left alone for a while.
    pub fn rest(&mut self, now: Instant) {
        *self = Self { resting_since: Some(now), ..Self::new(now) };
    }

    /// False once the rest is over. Most plugins never rest, and then the clock is not looked at.
    pub fn is_resting(&mut self) -> bool {
        let resting = self.resting_since.is_some_and(|since| since.elapsed() < REST);
        if !resting {
            self.resting_since = None;
        }
        resting
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_counted_by_the_minute() {
        let start = Instant::now();
        let mut breaker = Breaker::new(start);
        for (seconds, faults, tripped) in [(0, MOST, 0), (59, 2, 2), (60, MOST, 0), (119, 1, 1), (600, 1, 0)] {
            let now = start + Duration::from_secs(seconds);
            assert_eq!((0..faults).filter(|_| breaker.fault(now)).count(), tripped, "after {seconds} s");
        }
    }

    #[test]
    fn a_rest_ends() {
        let Some(before) = Instant::now().checked_sub(REST) else { return };
        let mut breaker = Breaker::new(before);
        assert!(!breaker.is_resting());
        breaker.rest(Instant::now());
        assert!(breaker.is_resting());
        breaker.rest(before);
        assert!(!breaker.is_resting());
    }
}
