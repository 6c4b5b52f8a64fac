//! How fast the containers may be read: one bucket each, that all of its files share.

use std::{collections::HashMap, time::Duration};

use tokio::time::Instant;

use crate::Counters;

/// A container that was silent may be read this much at once: what the rate gives in this time.
const FULL: Duration = Duration::from_secs(1);
/// A container that waits goes on when so much of that is free: turns of a line each would cost more than they read.
const ENOUGH: Duration = Duration::from_millis(100);

/// The buckets of the containers that are not full.
#[derive(Debug)]
pub struct Rates {
    /// Bytes a second.
    rate: Option<u64>,
    buckets: HashMap<u64, Bucket>,
}

/// What was read of a container of late.
#[derive(Debug)]
struct Bucket {
    /// When the rate will have made up for what was read.
    made_up: Instant,
    /// Since when its files wait.
    waits_since: Option<Instant>,
}

impl Rates {
    /// At `rate` bytes a second, or as fast as can be.
    pub fn new(rate: Option<u64>) -> Self {
        Self { rate, buckets: HashMap::new() }
    }

    /// The bytes that may be read now of a container, or when it may go on.
    pub fn turn_of(&mut self, container: u64, now: Instant, counters: &Counters) -> Result<usize, Instant> {
        let (Some(rate), Some(bucket)) = (self.rate, self.buckets.get_mut(&container)) else {
            return Ok(self.rate.map_or(usize::MAX, |rate| bytes_in(FULL, rate)));
        };
        let used = bucket.made_up.saturating_duration_since(now);
        if used > FULL - ENOUGH {
            bucket.waits_since.get_or_insert(now);
            return Err(bucket.goes_on());
        }
        bucket.end_wait(now, counters);
        Ok(bytes_in(FULL - used, rate))
    }

    /// Takes what was read of a container out of its bucket.
    pub fn spend(&mut self, container: u64, bytes: u64, now: Instant) {
        let Some(rate) = self.rate else { return };
        let bucket = self.buckets.entry(container).or_insert(Bucket { made_up: now, waits_since: None });
        bucket.made_up = bucket.made_up.max(now) + Duration::from_secs_f64(bytes as f64 / rate.max(1) as f64);
    }

    /// Forgets the buckets that are full, and tells how many containers wait.
    pub fn settle(&mut self, now: Instant, counters: &Counters) {
        self.buckets.retain(|_, bucket| {
            if now >= bucket.goes_on() {
                bucket.end_wait(now, counters);
            }
            now < bucket.made_up
        });
        let waiting = self.buckets.values().filter(|bucket| bucket.waits_since.is_some()).count();
        counters.rate_limited.set(waiting as u64);
    }
}

impl Bucket {
    /// When a container that waits goes on.
    fn goes_on(&self) -> Instant {
        self.made_up.checked_sub(FULL - ENOUGH).unwrap_or(self.made_up)
    }

    /// It waited for the rate up to then; what it waits for after that is something else.
    fn end_wait(&mut self, now: Instant, counters: &Counters) {
        if let Some(since) = self.waits_since.take() {
            counters.rate_limited_millis.add((now.min(self.goes_on()) - since).as_millis() as u64);
        }
    }
}

fn bytes_in(time: Duration, rate: u64) -> usize {
    (time.as_secs_f64() * rate as f64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_bucket_empties_and_fills() {
        let (mut rates, counters, start) = (Rates::new(Some(1000)), Counters::default(), Instant::now());
        let after = |millis| start + Duration::from_millis(millis);
        // (milliseconds, what may be read or when, what is read)
        for (millis, expected, read) in [
            (0, Ok(1000), 600),
            (0, Ok(400), 100),
            (100, Ok(400), 400),
            (100, Err(200), 0),
            (150, Err(200), 0),
            (200, Ok(100), 5000),
            (200, Err(5200), 0),
            (5199, Err(5200), 0),
            (5200, Ok(100), 0),
            (9000, Ok(1000), 1),
        ] {
            let turn = rates.turn_of(7, after(millis), &counters);
            assert_eq!(turn, expected.map_err(after), "{millis}");
            rates.spend(7, read, after(millis));
            assert_eq!(rates.turn_of(8, after(millis), &counters), Ok(1000), "another container");
        }
        assert_eq!(counters.rate_limited_millis.get(), 5100);
    }

    #[tokio::test(start_paused = true)]
    async fn full_buckets_are_forgotten_and_those_that_wait_are_counted() {
        let (mut rates, counters, now) = (Rates::new(Some(1000)), Counters::default(), Instant::now());
        for container in 0..3 {
            rates.spend(container, 1000 * container, now);
        }
        assert!(rates.turn_of(2, now, &counters).is_err());
        rates.settle(now, &counters);
        assert_eq!((rates.buckets.len(), counters.rate_limited.get()), (2, 1));
        rates.settle(now + Duration::from_millis(1500), &counters);
        assert_eq!((rates.buckets.len(), counters.rate_limited.get()), (1, 0));
        assert_eq!(counters.rate_limited_millis.get(), 1100);
        rates.settle(now + FULL * 2, &counters);
        assert!(rates.buckets.is_empty());
        assert_eq!(Rates::new(None).turn_of(1, now, &counters), Ok(usize::MAX));
    }
}
