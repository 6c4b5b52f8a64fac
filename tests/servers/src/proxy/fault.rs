//! What can go wrong with a bulk request, and which request it falls on.

use std::collections::BTreeMap;
use std::time::Duration;

/// What becomes of one bulk request.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// Nothing: it is sent on, and its answer is given back.
    None,
    /// Answered with this status and an error as an index words it; not sent on.
    Status(u16),
    /// Answered with 200 and a web page; not sent on.
    WebPage,
    /// This share (0 to 1) of the documents is refused with `status` and not sent on; the others are. All outcomes are
    /// in one answer, in the order of the request.
    Items { share: f64, status: u16 },
    /// The connection is closed when half of the request was read; not sent on.
    CutRequest,
    /// Sent on; the connection is closed in the middle of the answer.
    CutAnswer,
    /// No answer until the client gives up; `sent_on` says whether the index gets the request.
    Silence { sent_on: bool },
    /// Sent on after this long.
    Delay(Duration),
    /// Sent on; half of the answer is given back as if it were all.
    TruncatedAnswer,
    /// Sent on; the answer lacks its last document.
    MissingItem,
    /// Sent on; the connection is closed after the answer, without a word about it.
    CloseAfterAnswer,
}

impl Fault {
    /// The name in [`Tally::faults`].
    pub fn name(&self) -> &'static str {
        match self {
            Fault::None => "none",
            Fault::Status(_) => "status",
            Fault::WebPage => "web page",
            Fault::Items { .. } => "items",
            Fault::CutRequest => "cut request",
            Fault::CutAnswer => "cut answer",
            Fault::Silence { .. } => "silence",
            Fault::Delay(_) => "delay",
            Fault::TruncatedAnswer => "truncated answer",
            Fault::MissingItem => "missing item",
            Fault::CloseAfterAnswer => "close after answer",
        }
    }
}

/// Which requests a rule falls on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum When {
    Always,
    /// One in so many, beginning with the first; 0 is never.
    Every(u64),
    /// This share (0 to 1), by the proxy's seed.
    Share(f64),
    /// So many, then none.
    First(u64),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    pub fault: Fault,
    pub when: When,
}

/// What a proxy did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Bulk requests that came, as far as their head.
    pub bulks: u64,
    /// Bulk requests that were sent on to the index, whole or in part.
    pub sent_on: u64,
    /// Bulk requests that were sent on and got no answer, as the index is down.
    pub unreachable: u64,
    /// Documents that the index was given.
    pub items_sent_on: u64,
    /// Documents that were refused in its place.
    pub items_refused: u64,
    /// Bulk requests by [`Fault::name`].
    pub faults: BTreeMap<&'static str, u64>,
}

/// The rules of now, and the random numbers behind shares.
pub(super) struct Rules {
    random: fastrand::Rng,
    /// Each with the number of requests that it was asked about.
    rules: Vec<(Rule, u64)>,
}

impl Rules {
    pub(super) fn new(seed: u64) -> Self {
        Self { random: fastrand::Rng::with_seed(seed), rules: Vec::new() }
    }

    pub(super) fn set(&mut self, rules: Vec<Rule>) {
        self.rules = rules.into_iter().map(|rule| (rule, 0)).collect();
    }

    /// What the next request meets.
    pub(super) fn next(&mut self) -> Fault {
        for (rule, asked) in &mut self.rules {
            let number = *asked;
            *asked += 1;
            let falls = match rule.when {
                When::Always => true,
                When::Every(period) => period > 0 && number.is_multiple_of(period),
                When::Share(share) => self.random.f64() < share,
                When::First(count) => number < count,
            };
            if falls {
                return rule.fault.clone();
            }
        }
        Fault::None
    }

    /// Which of `count` documents are refused. At least one is, of a share above 0, so that a fault never is none.
    pub(super) fn choose(&mut self, count: usize, share: f64) -> Vec<bool> {
        let mut chosen: Vec<bool> = (0..count).map(|_| self.random.f64() < share).collect();
        if share > 0.0 && count > 0 && !chosen.contains(&true) {
            let index = self.random.usize(..count);
            chosen[index] = true;
        }
        chosen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(rules: Vec<Rule>, seed: u64, count: usize) -> Vec<Fault> {
        let mut known = Rules::new(seed);
        known.set(rules);
        (0..count).map(|_| known.next()).collect()
    }

    #[test]
    fn rules_fall_on_the_requests_that_they_say() {
        use Fault::{None, Status};
        let rule = |status, when| Rule { fault: Status(status), when };
        for (rules, expected) in [
            (vec![], [None, None, None, None]),
            (vec![rule(429, When::Always)], [Status(429), Status(429), Status(429), Status(429)]),
            (vec![rule(429, When::Every(2))], [Status(429), None, Status(429), None]),
            (vec![rule(429, When::Every(0))], [None, None, None, None]),
            (vec![rule(429, When::First(1))], [Status(429), None, None, None]),
            (vec![rule(429, When::Every(2)), rule(503, When::First(1))], [Status(429), Status(503), Status(429), None]),
        ] {
            assert_eq!(faults(rules.clone(), 1, 4), expected, "{rules:?}");
        }
    }

    #[test]
    fn shares_follow_the_seed() {
        let rules = vec![Rule { fault: Fault::CutAnswer, when: When::Share(0.3) }];
        let run = |seed| faults(rules.clone(), seed, 1000);
        let cut = run(7).iter().filter(|fault| **fault == Fault::CutAnswer).count();
        assert!((200..400).contains(&cut), "{cut}");
        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
    }

    #[test]
    fn a_share_of_documents_is_at_least_one_of_them() {
        let mut rules = Rules::new(1);
        let mut refused = |count, share| rules.choose(count, share).iter().filter(|chosen| **chosen).count();
        assert_eq!(refused(100, 0.000_001), 1);
        assert_eq!(refused(100, 1.0), 100);
        assert_eq!(refused(100, 0.0), 0);
        assert_eq!(refused(0, 1.0), 0);
        assert!((400..600).contains(&refused(1000, 0.5)));
    }
}
