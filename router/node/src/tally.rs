//! What arrived against what was printed: every line once, and none that had to be dropped.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Level, Stream, Written};

/// How often each line of each pod arrived, and in which order.
#[derive(Debug)]
pub struct Tally {
    seen: BTreeMap<String, Pod>,
    /// Arrivals that no line stands for.
    pub strangers: u64,
}

#[derive(Debug)]
struct Pod {
    times: Vec<u32>,
    /// The last line that arrived for the first time on each way.
    last: BTreeMap<Way, u64>,
    /// Lines that came for the first time after a later one of their stream.
    late: Vec<u64>,
}

/// How a line arrived: the lines of a way are in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Way {
    pub stream: Stream,
    pub partition: i32,
}

/// Lines by their pod and number.
pub type Lines = Vec<(String, u64)>;

/// What is wrong, if anything.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Lines that had to arrive and did not.
    pub missing: Lines,
    /// Lines that arrived more than once.
    pub repeated: Lines,
    /// Lines that had to be dropped and arrived.
    pub unexpected: Lines,
}

impl Tally {
    pub fn new(written: &Written) -> Self {
        let pod = |lines: usize| Pod { times: vec![0; lines], last: BTreeMap::new(), late: Vec::new() };
        let seen = written.iter().map(|(name, lines)| (name.clone(), pod(lines.len()))).collect();
        Self { seen, strangers: 0 }
    }

    /// A line arrived; `None` where its number cannot be read. False where it is none that was printed.
    pub fn count(&mut self, pod: &str, way: Way, line: Option<u64>) -> bool {
        let place = line.and_then(|line| {
            let pod = self.seen.get_mut(pod)?;
            usize::try_from(line).is_ok_and(|line| line < pod.times.len()).then_some((line, pod))
        });
        let Some((line, pod)) = place else {
            self.strangers += 1;
            return false;
        };
        let times = &mut pod.times[line as usize];
        *times += 1;
        if *times == 1 {
            let last = pod.last.entry(way).or_insert(line);
            if *last > line {
                pod.late.push(line);
            } else {
                *last = line;
            }
        }
        true
    }

    /// Lines whose first arrival was after that of a later line of the same way.
    pub fn late(&self) -> Lines {
        self.seen.iter().flat_map(|(name, pod)| pod.late.iter().map(|line| (name.clone(), *line))).collect()
    }

    /// Pods whose lines arrived by several partitions, where nothing keeps them in order.
    pub fn scattered(&self) -> Vec<String> {
        let partitions = |pod: &Pod| pod.last.keys().map(|way| way.partition).collect::<BTreeSet<_>>().len();
        self.seen.iter().filter(|(_, pod)| partitions(pod) > 1).map(|(name, _)| name.clone()).collect()
    }

    /// Arrivals beyond the first of each line.
    pub fn repeats(&self) -> u64 {
        let times = self.seen.values().flat_map(|pod| &pod.times);
        times.map(|times| u64::from(times.saturating_sub(1))).sum()
    }

    /// `wanted` says of a line's level whether it had to arrive.
    pub fn judge(&self, written: &Written, wanted: impl Fn(Option<Level>) -> bool) -> Verdict {
        let mut verdict = Verdict::default();
        for (name, lines) in written {
            let Some(pod) = self.seen.get(name) else { continue };
            for (line, (level, times)) in lines.iter().zip(&pod.times).enumerate() {
                let place = || (name.clone(), line as u64);
                match (wanted(*level), times) {
                    (true, 0) => verdict.missing.push(place()),
                    (true, 1) | (false, 0) => {}
                    (true, _) => verdict.repeated.push(place()),
                    (false, _) => verdict.unexpected.push(place()),
                }
            }
        }
        verdict
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written() -> Written {
        Written::from([
            ("web".to_owned(), vec![Some(Level::Info), Some(Level::Debug), None, None]),
            ("cart".to_owned(), vec![Some(Level::Trace), Some(Level::Error)]),
        ])
    }

    /// Arrivals as "POD LINE", with an "e" behind it for stderr, and a "+" for another partition.
    fn tally(arrivals: &str) -> Tally {
        let mut tally = Tally::new(&written());
        for arrival in arrivals.split_terminator(", ") {
            let (pod, line) = arrival.split_once(' ').unwrap();
            let stream = if line.contains('e') { Stream::Stderr } else { Stream::Stdout };
            let way = Way { stream, partition: i32::from(line.contains('+')) };
            tally.count(pod, way, line.trim_end_matches(['e', '+']).parse().ok());
        }
        tally
    }

    fn text(lines: &Lines) -> String {
        lines.iter().map(|(pod, line)| format!("{pod} {line}")).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn what_is_wrong_is_named() {
        // (arrivals, missing, repeated, unexpected, strangers)
        for (arrivals, missing, repeated, unexpected, strangers) in [
            ("web 0, web 2, web 3, cart 1", "", "", "", 0),
            ("web 2, web 3, cart 1", "web 0", "", "", 0),
            ("web 0, web 2, web 3, cart 1, web 2", "", "web 2", "", 0),
            ("web 0, web 1, web 2, web 3, cart 0, cart 1", "", "", "cart 0, web 1", 0),
            ("web 0, web 2, web 3, cart 1, web 4, x 0, web ?", "", "", "", 3),
            ("", "cart 1, web 0, web 2, web 3", "", "", 0),
        ] {
            let tally = tally(arrivals);
            let verdict = tally.judge(&written(), |level| level.is_none_or(|level| level >= Level::Info));
            let got = (text(&verdict.missing), text(&verdict.repeated), text(&verdict.unexpected), tally.strangers);
            assert_eq!(got, (missing.into(), repeated.into(), unexpected.into(), strangers), "{arrivals}");
        }
    }

    #[test]
    fn first_arrivals_are_in_order_in_each_stream() {
        // (arrivals, late, repeats, scattered)
        for (arrivals, late, repeats, scattered) in [
            ("web 0, web 1, web 3", "", 0, ""),
            ("web 0, web 1, web 0, web 1, web 2", "", 2, ""),
            ("web 0, web 2, web 1, web 3", "web 1", 0, ""),
            ("web 0, web 3e, web 1, web 2e", "web 2", 0, ""),
            ("web 3, web 2, web 1", "web 1, web 2", 0, ""),
            ("web 1, cart 0, web 0", "web 0", 0, ""),
            ("web 1, cart 0, web 0+, cart 1", "", 0, "web"),
            ("web 1, web 1+", "", 1, ""),
        ] {
            let tally = tally(arrivals);
            let mut got = tally.late();
            got.sort();
            let all = (text(&got), tally.repeats(), tally.scattered().join(", "));
            assert_eq!(all, (late.into(), repeats, scattered.into()), "{arrivals}");
        }
    }
}
