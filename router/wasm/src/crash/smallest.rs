//! Finds few records that a fault needs: parts of a batch are tried, and what the fault does not need is left out.
use std::ops::Range;

/// The records of a batch of `len` without which the fault is another one or none. `fails` says whether it shows with
/// some of them, indices ascending; nothing ends the search, and what is left by then is the answer.
///
/// This is delta debugging (Zeller, Hildebrandt: Simplifying and Isolating Failure-Inducing Input). A single record is
/// found with about 2·log2(len) trials; where several must meet, no single one of those that are left can be spared.
pub(super) fn smallest(len: u32, mut fails: impl FnMut(&[u32]) -> Option<bool>) -> Vec<u32> {
    let mut records: Vec<u32> = (0..len).collect();
    let mut parts = 2;
    while records.len() > 1 {
        match fewer(&records, parts, &mut fails) {
            None => break,
            Some(Found::Part(part)) => (records, parts) = (part, 2),
            Some(Found::Rest(rest)) => (records, parts) = (rest, (parts - 1).max(2)),
            Some(Found::Nothing) if parts >= records.len() => break,
            Some(Found::Nothing) => parts = (parts * 2).min(records.len()),
        }
    }
    records
}

enum Found {
    /// One of the parts is enough.
    Part(Vec<u32>),
    /// One of the parts is not needed.
    Rest(Vec<u32>),
    Nothing,
}

fn fewer(records: &[u32], parts: usize, fails: &mut impl FnMut(&[u32]) -> Option<bool>) -> Option<Found> {
    let size = records.len().div_ceil(parts);
    for part in records.chunks(size) {
        if fails(part)? {
            return Some(Found::Part(part.to_vec()));
        }
    }
    // Of two parts, the rest of one is the other.
    for at in (0..records.len()).step_by(size).filter(|_| parts > 2) {
        let rest = without(records, at..(at + size).min(records.len()));
        if !rest.is_empty() && fails(&rest)? {
            return Some(Found::Rest(rest));
        }
    }
    Some(Found::Nothing)
}

fn without(records: &[u32], part: Range<usize>) -> Vec<u32> {
    [&records[..part.start], &records[part.end..]].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whatever records the fault needs: exactly those are found, if there is time.
        #[test]
        fn exactly_what_is_needed_is_left(needed in prop::collection::btree_set(0u32..300, 1..4), more in 0u32..700) {
            let len = needed.last().unwrap() + 1 + more;
            let mut trials = 0;
            let found = smallest(len, |records| {
                trials += 1;
                Some(needed.iter().all(|record| records.binary_search(record).is_ok()))
            });
            prop_assert_eq!(&found, &Vec::from_iter(needed.clone()));
            prop_assert!(needed.len() > 1 || trials <= 2 * 10, "{}", trials);
        }
    }

    #[test]
    fn a_search_that_runs_out_of_time_keeps_what_it_has() {
        for (most, expect) in [(0, 1000), (1, 500), (2, 250), (100, 1)] {
            let mut trials = 0;
            let found = smallest(1000, |records| {
                trials += 1;
                (trials <= most).then(|| records.contains(&0))
            });
            assert_eq!((found.len(), found[0]), (expect, 0), "{most}");
        }
    }
}
