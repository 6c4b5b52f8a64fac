//! How long lines were held up: computed from looks at the index and what was harmed when.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::diary::Entry;

/// What the index held at a moment since the start.
#[derive(Clone, Debug)]
pub struct Look {
    pub at: Duration,
    pub documents: u64,
    /// When the newest line of each pod was printed, since the start.
    pub newest: BTreeMap<String, Duration>,
}

/// From the end of a fault until lines that were printed after it are in the index. Time in which something else was
/// harmed does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// The first line of any pod.
    pub first: Duration,
    /// A line of every pod.
    pub all: Duration,
}

/// `None` if the run ended before. `pods` is how many there are.
pub fn recovery(entry: &Entry, entries: &[Entry], looks: &[Look], pods: usize) -> Option<Recovery> {
    let ended = entry.ended?;
    let until = |enough: usize| {
        let has_newer = |look: &&Look| look.newest.values().filter(|printed| **printed >= ended).count() >= enough;
        let look = looks.iter().filter(|look| look.at >= ended).find(has_newer)?;
        Some((look.at - ended).saturating_sub(harmed(entries, ended, look.at)))
    };
    Some(Recovery { first: until(1)?, all: until(pods)? })
}

/// How much of a stretch something was harmed that holds lines up.
fn harmed(entries: &[Entry], from: Duration, to: Duration) -> Duration {
    let holding = entries.iter().filter(|entry| entry.harm.holds_up());
    let mut stretches: Vec<(Duration, Duration)> = holding
        .map(|entry| (entry.began.max(from), entry.ended.unwrap_or(to).min(to)))
        .filter(|(began, ended)| began < ended)
        .collect();
    stretches.sort();
    let (mut sum, mut until) = (Duration::ZERO, from);
    for (began, ended) in stretches {
        sum += ended.saturating_sub(began.max(until));
        until = until.max(ended);
    }
    sum
}

/// The longest time without a new document while nothing was harmed that holds lines up. Looks are in order; they end
/// when nothing is to come any more.
pub fn longest_stall(entries: &[Entry], looks: &[Look]) -> Duration {
    let mut longest = Duration::ZERO;
    let Some(begin) = looks.first() else { return longest };
    let (mut since, mut documents) = (begin.at, begin.documents);
    for look in looks {
        let broken = entries.iter().filter(|entry| entry.harm.holds_up() && entry.overlaps(since, look.at));
        let healed = broken.map(|entry| entry.ended.unwrap_or(look.at).min(look.at)).max();
        since = since.max(healed.unwrap_or_default());
        longest = longest.max(look.at - since);
        if look.documents > documents {
            (since, documents) = (look.at, look.documents);
        }
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::{Harm, Part};

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn entry(began: u64, ended: u64) -> Entry {
        Entry { part: Part::Agent, harm: Harm::Kill, began: seconds(began), ended: Some(seconds(ended)) }
    }

    /// Looks as (second, documents, newest line of pod a, of pod b).
    fn looks(all: &[(u64, u64, u64, u64)]) -> Vec<Look> {
        let newest = |a, b| BTreeMap::from([("a".to_owned(), seconds(a)), ("b".to_owned(), seconds(b))]);
        all.iter()
            .map(|(at, documents, a, b)| Look { at: seconds(*at), documents: *documents, newest: newest(*a, *b) })
            .collect()
    }

    #[test]
    fn a_fault_is_over_when_lines_from_after_it_are_there() {
        let looks = looks(&[(10, 5, 9, 9), (12, 6, 10, 10), (14, 7, 13, 11), (16, 9, 15, 13)]);
        let times = |first, all| Some(Recovery { first: seconds(first), all: seconds(all) });
        for (faults, pods, expect) in [
            (vec![entry(5, 10)], 2, times(2, 2)),
            (vec![entry(5, 11)], 2, times(3, 3)),
            (vec![entry(5, 13)], 2, times(1, 3)),
            (vec![entry(5, 15)], 2, None),
            (vec![entry(5, 15)], 1, times(1, 1)),
            (vec![entry(5, 11), entry(8, 12)], 2, times(2, 2)),
            (vec![entry(5, 11), entry(8, 12), entry(9, 13)], 2, times(1, 1)),
            (vec![entry(5, 11), entry(9, 13), entry(10, 12)], 2, times(1, 1)),
            (vec![entry(5, 11), entry(12, 13)], 2, times(2, 2)),
            (vec![entry(5, 13), entry(15, 16)], 2, times(1, 2)),
            (vec![entry(5, 11), Entry { harm: Harm::OtherConfig, ..entry(8, 13) }], 2, times(3, 3)),
            (vec![Entry { ended: None, ..entry(5, 6) }], 2, None),
            (vec![entry(5, 11), Entry { ended: None, ..entry(12, 12) }], 2, times(1, 1)),
        ] {
            assert_eq!(recovery(&faults[0], &faults, &looks, pods), expect, "{faults:?}");
        }
    }

    #[test]
    fn only_time_in_which_nothing_was_harmed_is_a_stall() {
        let steady = looks(&[(1, 10, 0, 0), (2, 20, 0, 0), (3, 30, 0, 0), (4, 40, 0, 0)]);
        let halting = looks(&[(1, 10, 0, 0), (2, 20, 0, 0), (10, 20, 0, 0), (12, 30, 0, 0), (13, 40, 0, 0)]);
        for (entries, looks, expect) in [
            (vec![], &steady, 1),
            (vec![], &halting, 10),
            (vec![entry(2, 8)], &halting, 4),
            (vec![entry(2, 20)], &halting, 0),
            (vec![entry(3, 5), entry(6, 11)], &halting, 1),
            (vec![Entry { harm: Harm::OtherConfig, ..entry(2, 20) }], &halting, 10),
        ] {
            assert_eq!(longest_stall(&entries, looks), seconds(expect), "{entries:?}");
        }
    }
}
