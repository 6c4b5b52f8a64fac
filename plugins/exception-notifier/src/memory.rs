//! What was seen lately: decides which sightings of a problem are worth an alert.
use std::collections::BTreeMap;

/// How many problems are remembered at most, and how many sightings of all of them together.
const MOST_PROBLEMS: usize = 10_000;
const MOST_SIGHTINGS: usize = 256 << 10;

/// How many sightings a burst may need: each is remembered.
pub const LARGEST_BURST: usize = 1_000;

/// How often what is too old is forgotten, in nanoseconds.
const SWEEP: u64 = 60_000_000_000;

/// Which sightings count.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// Those of a problem that was not seen for so long.
    FirstSeen,
    /// One when there were more than so many of a problem in that time.
    Burst { more_than: usize },
}

/// Problems by their fingerprints, with the times of their sightings, by the clock of the records: what is read late, as
/// after an outage, is judged as if it were read in time.
pub struct Memory {
    rule: Rule,
    /// In nanoseconds.
    within: u64,
    /// Problems that were seen since the others became old; when these are too many, they are the old ones.
    young: BTreeMap<String, Vec<u64>>,
    old: BTreeMap<String, Vec<u64>>,
    /// The latest time of a record.
    latest: u64,
    swept: u64,
}

impl Memory {
    pub fn new(rule: Rule, within: u64) -> Self {
        Self { rule, within, young: BTreeMap::new(), old: BTreeMap::new(), latest: 0, swept: 0 }
    }

    /// Whether this sighting of a problem is worth an alert.
    pub fn sees(&mut self, problem: &str, time: u64) -> bool {
        self.latest = self.latest.max(time);
        let mut times = self.young.remove(problem).or_else(|| self.old.remove(problem)).unwrap_or_default();
        let latest = times.iter().copied().fold(time, u64::max);
        times.retain(|seen| latest - seen <= self.within);
        let is_worth = match self.rule {
            Rule::FirstSeen => {
                let is_first = times.is_empty();
                times.clear();
                times.push(latest);
                is_first
            }
            Rule::Burst { more_than } => {
                if latest - time <= self.within {
                    times.push(time);
                }
                let is_burst = times.len() > more_than;
                if is_burst {
                    // The next alert needs as many again.
                    times.clear();
                }
                is_burst
            }
        };
        if !times.is_empty() {
            self.remember(problem, times);
        }
        is_worth
    }

    fn remember(&mut self, problem: &str, times: Vec<u64>) {
        if self.young.len() >= self.most() / 2 {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(problem.to_string(), times);
    }

    /// How many problems are remembered at most. Those that were not seen for longest are forgotten first.
    fn most(&self) -> usize {
        match self.rule {
            Rule::FirstSeen => MOST_PROBLEMS,
            Rule::Burst { more_than } => (MOST_SIGHTINGS / (more_than + 1)).min(MOST_PROBLEMS),
        }
    }

    /// Forgets what is too old, now and then.
    pub fn tick(&mut self, now: u64) {
        if now.saturating_sub(self.swept) < SWEEP {
            return;
        }
        self.swept = now;
        let oldest = self.latest.saturating_sub(self.within);
        for problems in [&mut self.young, &mut self.old] {
            problems.retain(|_, times| times.iter().any(|time| *time >= oldest));
        }
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }
}

/// A time such as `90s`, `5m`, `24h` or `7d`, in nanoseconds.
pub fn duration(written: &str) -> Option<u64> {
    let unit = written.chars().next_back()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return None,
    };
    let number: u64 = written.strip_suffix(unit)?.parse().ok()?;
    let all = number.checked_mul(seconds * 1_000_000_000)?;
    (all > 0).then_some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn sightings_that_are_worth_an_alert() {
        let (first, burst) = (Rule::FirstSeen, Rule::Burst { more_than: 2 });
        for (rule, sightings, expect) in [
            // Each sighting of a problem puts off when it is new again.
            (first, vec![("a", 0), ("a", 9), ("a", 19), ("a", 30), ("a", 31)], vec![0, 30]),
            (first, vec![("a", 0), ("b", 1), ("a", 2), ("b", 3)], vec![0, 1]),
            // Late records tell nothing new.
            (first, vec![("a", 20), ("a", 5), ("a", 31), ("a", 25)], vec![20, 31]),
            // More than two within ten seconds; then as many again.
            (burst, vec![("a", 0), ("a", 5), ("a", 10), ("a", 11), ("a", 12), ("a", 13)], vec![10, 13]),
            (burst, vec![("a", 0), ("a", 5), ("a", 11), ("a", 17), ("a", 22)], vec![]),
            (burst, vec![("a", 0), ("a", 6), ("a", 12), ("a", 13)], vec![13]),
            (burst, vec![("a", 0), ("b", 1), ("a", 2), ("b", 3), ("b", 4)], vec![4]),
            (burst, vec![("a", 20), ("a", 21), ("a", 5), ("a", 19)], vec![19]),
        ] {
            let mut memory = Memory::new(rule, 10 * SECOND);
            let worth = sightings.iter().filter(|(problem, time)| memory.sees(problem, time * SECOND));
            assert_eq!(worth.map(|(_, time)| *time).collect::<Vec<_>>(), expect, "{rule:?} {sightings:?}");
        }
    }

    #[test]
    fn memory_is_bounded_and_what_was_seen_lately_stays() {
        for (rule, most) in [(Rule::FirstSeen, 10_000), (Rule::Burst { more_than: LARGEST_BURST }, 261)] {
            let mut memory = Memory::new(rule, 1_000 * SECOND);
            for number in 0..30_000u64 {
                memory.sees(&number.to_string(), number);
                memory.sees("often", number);
                assert!(memory.len() <= most, "{}", memory.len());
            }
            assert!(memory.len() >= most / 2 - 1, "{}", memory.len());
            if rule == Rule::FirstSeen {
                assert!(!memory.sees("often", 30_000));
            }
        }
    }

    #[test]
    fn ticks_forget_what_is_too_old_by_the_clock_of_the_records() {
        let mut memory = Memory::new(Rule::FirstSeen, 10 * SECOND);
        memory.sees("a", 0);
        memory.tick(1_000 * SECOND);
        assert_eq!(memory.len(), 1, "no later record came");
        memory.sees("b", 11 * SECOND);
        memory.tick(1_001 * SECOND);
        assert_eq!(memory.len(), 2, "too early");
        memory.tick(1_061 * SECOND);
        assert_eq!(memory.len(), 1);
        assert!(!memory.sees("b", 12 * SECOND));
        assert!(memory.sees("a", 12 * SECOND));
    }

    #[test]
    fn durations() {
        for (written, seconds) in [
            ("90s", Some(90)),
            ("5m", Some(300)),
            ("24h", Some(86_400)),
            ("7d", Some(604_800)),
            ("0s", None),
            ("5", None),
            ("h", None),
            ("-1h", None),
            ("1.5h", None),
            ("5é", None),
            ("", None),
            ("99999999999999d", None),
        ] {
            assert_eq!(duration(written), seconds.map(|seconds: u64| seconds * SECOND), "{written}");
        }
    }
}
