use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::testing::alert;

/// What groups are asked to do, and when (seconds since the last step).
#[derive(Clone, Copy, Debug)]
enum Step {
    Alert(u64, usize),
    Look(u64),
}

const WINDOW: u64 = 60;

/// Runs as the sink does: windows that ended are closed before an alert is looked at.
struct Run {
    groups: Groups,
    start: Instant,
    now: u64,
    /// In order: `+a` for a first alert of group a, `=a` for a repeat, `a3@60` for three repeats told at second 60.
    log: Vec<String>,
}

impl Run {
    fn new(most: usize) -> Self {
        let groups = Groups { most, ..Groups::new(Duration::from_secs(WINDOW)) };
        Self { groups, start: Instant::now(), now: 0, log: Vec::new() }
    }

    fn time(&self) -> Instant {
        self.start + Duration::from_secs(self.now)
    }

    fn told(&mut self, summary: Summary) {
        let Repeats { count, within } = summary.repeats;
        assert!(within <= Duration::from_secs(WINDOW));
        self.log.push(format!("{}{count}@{}", summary.first.fingerprint, self.now));
    }

    fn step(&mut self, step: Step) {
        let (Step::Alert(seconds, _) | Step::Look(seconds)) = step;
        self.now += seconds;
        while let Some(summary) = self.groups.close_ended(self.time()) {
            self.told(summary);
        }
        if let Step::Alert(_, group) = step {
            let name = ["a", "b", "c", "d"][group];
            let alert = alert(None, name);
            if self.groups.count(&alert) {
                return self.log.push(format!("={name}"));
            }
            self.log.push(format!("+{name}"));
            for summary in self.groups.open(Arc::new(alert), self.time()) {
                self.told(summary);
            }
        }
    }
}

fn check(most: usize, steps: &[Step], expected: &str) {
    let mut run = Run::new(most);
    for step in steps {
        run.step(*step);
    }
    assert_eq!(run.log.join(" "), expected, "{steps:?}");
}

#[test]
fn windows() {
    use Step::{Alert, Look};
    check(9, &[Alert(0, 0), Alert(1, 0), Alert(1, 1), Alert(1, 0), Look(60)], "+a =a +b =a a2@63");
    check(9, &[Alert(0, 0), Look(59), Alert(0, 0), Look(0), Look(1)], "+a =a a1@60");
    check(9, &[Alert(0, 0), Alert(59, 0), Alert(1, 0), Alert(1, 0)], "+a =a a1@60 +a =a");
    // A window without repeats closes in silence, and the next alert opens one again.
    check(9, &[Alert(0, 0), Look(60), Alert(60, 0)], "+a +a");
    // Looked at late: the number is told before the next first alert.
    check(9, &[Alert(0, 0), Alert(1, 0), Alert(500, 0)], "+a =a a1@501 +a");
    check(9, &[Alert(0, 0), Alert(1, 1), Alert(1, 1), Alert(1, 0), Look(90)], "+a +b =b =a a1@93 b1@93");
    // No room: the oldest is closed early, and told if there is something to tell.
    check(2, &[Alert(0, 0), Alert(1, 1), Alert(1, 0), Alert(1, 2), Alert(1, 0)], "+a +b =a +c a1@3 +a");
    check(2, &[Alert(0, 0), Alert(1, 1), Alert(1, 2), Alert(1, 0)], "+a +b +c +a");
}

#[test]
fn plugins_have_groups_of_their_own() {
    let mut groups = Groups::new(Duration::from_secs(60));
    let (one, other) = (alert(None, "f"), Alert { plugin: "q".into(), ..alert(None, "f") });
    groups.open(Arc::new(one.clone()), Instant::now());
    assert!(groups.count(&one));
    assert!(!groups.count(&other));
}

#[test]
fn kept_texts_are_bounded() {
    let mut groups = Groups::new(Duration::from_secs(60));
    let now = Instant::now();
    for group in 0..40 {
        groups.open(Arc::new(Alert { text: "x".repeat(1 << 20), ..alert(None, &group.to_string()) }), now);
    }
    assert_eq!((groups.open.len(), groups.ends.len()), (15, 15));
    // One that is too large alone is still kept, and the last.
    groups.open(Arc::new(Alert { text: "x".repeat(20 << 20), ..alert(None, "huge") }), now);
    assert_eq!(groups.open.len(), 1);
    assert_eq!(groups.close_any(now), None);
    assert_eq!((groups.bytes, groups.open.len()), (0, 0));
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..30u64, 0..4usize).prop_map(|(seconds, group)| Step::Alert(seconds, group)),
        1 => (0..90u64).prop_map(Step::Look),
    ];
    prop::collection::vec(step, 0..60)
}

proptest! {
    /// Every alert is posted or counted in exactly one number that is told; the first of a window is posted; and no
    /// more windows are open than allowed.
    #[test]
    fn every_alert_is_told(steps in steps(), most in 1..5usize) {
        let mut run = Run::new(most);
        for step in &steps {
            run.step(*step);
            prop_assert!(run.groups.ends.len() <= most);
            prop_assert_eq!(run.groups.ends.len(), run.groups.open.len());
        }
        while let Some(summary) = run.groups.close_any(run.time()) {
            run.told(summary);
        }
        prop_assert_eq!(run.groups.bytes, 0);
        let alerts = steps.iter().filter(|step| matches!(step, Step::Alert(..))).count();
        let mut posted = 0;
        let (mut open, mut untold) = (BTreeSet::new(), BTreeMap::<&str, usize>::new());
        let mut told = 0;
        for entry in &run.log {
            match entry.split_at(1) {
                ("+", group) => {
                    posted += 1;
                    open.insert(group);
                    prop_assert_eq!(untold.get(group).copied().unwrap_or(0), 0, "told before the next window opens");
                }
                ("=", group) => {
                    prop_assert!(open.contains(group), "repeats only what was posted");
                    *untold.entry(group).or_default() += 1;
                }
                (group, number) => {
                    let count: usize = number.split_once('@').unwrap().0.parse().unwrap();
                    told += count;
                    prop_assert_eq!(untold.insert(group, 0), Some(count));
                }
            }
        }
        prop_assert_eq!(posted + told, alerts);
    }
}
