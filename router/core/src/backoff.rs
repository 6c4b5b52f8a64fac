//! Exponential backoff with jitter.

use std::time::Duration;

/// Delays that double from `initial`, each ±12.5 % so that many processes do not knock together, and none longer than
/// `maximum`.
#[derive(Clone, Debug)]
pub struct Backoff {
    initial: Duration,
    maximum: Duration,
    attempt: u32,
    random: fastrand::Rng,
}

impl Backoff {
    pub fn new(initial: Duration, maximum: Duration) -> Self {
        Self { initial, maximum, attempt: 0, random: fastrand::Rng::new() }
    }

    /// The delay before the next attempt.
    pub fn next_delay(&mut self) -> Duration {
        let doubled = self.initial.saturating_mul(1 << self.attempt.min(20));
        self.attempt = self.attempt.saturating_add(1);
        doubled.min(self.maximum).mul_f64(0.875 + 0.25 * self.random.f64()).min(self.maximum)
    }

    /// After a success the next delay is `initial` again.
    pub fn reset(&mut self) {
        self.attempt = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_up_to_the_maximum() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(30));
        for expected in [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0] {
            let delay = backoff.next_delay().as_secs_f64();
            assert!((0.875 * expected..=30f64.min(1.125 * expected)).contains(&delay), "{delay} for {expected}");
        }
        backoff.reset();
        assert!(backoff.next_delay() <= Duration::from_millis(1125));
    }

    #[test]
    fn never_overflows() {
        let mut backoff = Backoff::new(Duration::from_secs(3600), Duration::from_secs(7200));
        for _ in 0..200 {
            assert!(backoff.next_delay() <= Duration::from_secs(7200));
        }
    }
}
