//! A version that took over is taken back where it does worse than the one before.
use std::sync::Arc;
use std::time::{Duration, Instant};

use sluice_core::pipeline::Transform;
use sluice_wasm::trial::{Bounds, Reason, Trial};
use sluice_wasm::{Limits, OnFault, Plugin};

use crate::batches::{lines, texts};
use crate::components::{load, plugin};
use crate::run::Run;

pub const MINUTES: Duration = Duration::from_secs(300);

/// Puts `new` in the place of the first plugin, on trial.
pub fn try_out(run: &Run, new: Plugin, time: Duration, bounds: Bounds) -> (Arc<Plugin>, Arc<Plugin>) {
    let (seen, new) = (run.lineup.current(), Arc::new(new));
    let mut plugins = seen.to_vec();
    let before = std::mem::replace(&mut plugins[0], new.clone());
    let trial = Trial { plugin: new.clone(), before: before.clone(), until: Instant::now() + time, bounds };
    assert!(run.lineup.try_out(&seen, plugins, vec![trial]).unwrap());
    (before, new)
}

fn misbehaves(trick: &str) -> Plugin {
    plugin("misbehaves", &format!(r#"{{"do":"{trick}"}}"#))
}

#[track_caller]
fn runs(run: &Run, plugin: &Arc<Plugin>) {
    assert!(Arc::ptr_eq(&run.lineup.current()[0], plugin), "{:?}", run.lineup.rollbacks());
}

#[test]
fn what_a_new_version_fails_on_is_answered_by_the_one_before() {
    for on_fault in [OnFault::Pass, OnFault::DeadLetter, OnFault::Halt] {
        let mut run = Run::new(vec![misbehaves("drop-all"), plugin("level-filter", r#"{"at_least":"info"}"#)]);
        let options = r#"{"do":"trap-on-poison"}"#;
        let new = Plugin::new("under-test", load("misbehaves"), options, Some(on_fault), Limits::default()).unwrap();
        let (before, new) = try_out(&run, new, MINUTES, Bounds::default());
        // Fine as long as it does its work.
        assert_eq!(texts(&run.apply(lines(&run.ledger, &["a", "b"]))), ["a", "b"]);
        runs(&run, &new);
        let left = run.apply(lines(&run.ledger, &["a", "poison", "b"]));
        assert_eq!(texts(&left), [""; 0], "the one before drops all");
        runs(&run, &before);
        assert_eq!((run.letters(), run.lineup.halted()), (vec![], None));
        let rollback = run.lineup.rollbacks().pop().unwrap();
        assert_eq!(rollback.reason, Reason::Fault);
        assert!(Arc::ptr_eq(&rollback.from, &new) && rollback.why.contains("`filter` of sha256:"), "{}", rollback.why);
        assert_eq!(texts(&run.apply(lines(&run.ledger, &["c"]))), [""; 0]);
        assert_eq!(run.lineup.rollback_counts().into_values().sum::<u64>(), 1);
    }
}

#[test]
fn records_that_both_versions_fail_on_are_not_held_against_the_new_one() {
    let mut run = Run::new(vec![misbehaves("trap-on-poison")]);
    let (_, new) = try_out(&run, misbehaves("trap-on-poison"), MINUTES, Bounds::default());
    let left = run.apply(lines(&run.ledger, &["a", "poison", "b"]));
    assert_eq!(texts(&left), ["a", "b"]);
    assert_eq!(run.letters().len(), 1);
    runs(&run, &new);
    // The next batch is another question.
    assert_eq!(texts(&run.apply(lines(&run.ledger, &["poison"]))), [""; 0]);
    assert_eq!((run.letters().len(), run.lineup.rollbacks().len()), (2, 0));
}

#[test]
fn after_its_trial_a_version_stays_whatever_it_does() {
    let mut run = Run::new(vec![misbehaves("nothing")]);
    let (_, new) = try_out(&run, misbehaves("trap-on-poison"), Duration::ZERO, Bounds::default());
    assert_eq!(texts(&run.apply(lines(&run.ledger, &["a", "poison"]))), ["a"]);
    assert_eq!(run.letters().len(), 1);
    runs(&run, &new);
}

#[test]
fn a_swap_that_did_not_see_a_rollback_changes_nothing() {
    let mut run = Run::new(vec![misbehaves("nothing")]);
    let (before, _) = try_out(&run, misbehaves("always-trap"), MINUTES, Bounds::default());
    let seen = run.lineup.current();
    run.apply(lines(&run.ledger, &["a"]));
    assert!(!run.lineup.try_out(&seen, vec![misbehaves("drop-all").into()], Vec::new()).unwrap());
    runs(&run, &before);
    // What takes over for good ends the story.
    run.lineup.replace(vec![misbehaves("nothing").into()]).unwrap();
    assert_eq!(run.lineup.rollbacks().len(), 0);
}

#[test]
fn bounds_of_the_operator_are_kept() {
    let many = vec!["a line"; 1000];
    let share = |max_drop: f64| Bounds { max_drop: Some(max_drop), max_time: None };
    let time = |max_time: Duration| Bounds { max_drop: None, max_time: Some(max_time) };
    for (bounds, records, taken_back) in [
        (Bounds::default(), 1000, None),
        (share(0.5), 1000, Some(Reason::Drops)),
        (share(0.5), 999, None),
        (share(1.0), 1000, None),
        (time(Duration::ZERO), 1000, Some(Reason::Time)),
        (time(Duration::from_secs(1)), 1000, None),
    ] {
        let mut run = Run::new(vec![misbehaves("nothing")]);
        let (before, new) = try_out(&run, misbehaves("drop-all"), MINUTES, bounds);
        run.apply(lines(&run.ledger, &many[..records]));
        run.lineup.look(Instant::now());
        runs(&run, if taken_back.is_some() { &before } else { &new });
        let reasons: Vec<Reason> = run.lineup.rollbacks().iter().map(|rollback| rollback.reason).collect();
        assert_eq!(reasons, Vec::from_iter(taken_back), "{bounds:?}");
    }
}

#[test]
fn a_notifier_whose_ticks_fail_is_taken_back() {
    let notifier = |trick: &str| plugin("misbehaves-notifier", &format!(r#"{{"do":"{trick}"}}"#));
    let mut run = Run::new(vec![notifier("nothing")]);
    let (before, _) = try_out(&run, notifier("trap-in-tick"), MINUTES, Bounds::default());
    run.chain.tick().unwrap();
    runs(&run, &before);
}
