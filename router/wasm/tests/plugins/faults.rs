//! What becomes of records that a plugin has no answer for, and of the records beside them.
use std::task::Poll;

use proptest::prelude::*;
use sluice_core::pipeline::Transform;
use sluice_wasm::{Limits, Lineup, OnFault, Plugin};

use crate::batches::{lines, texts};
use crate::components::{load, named, plugin};
use crate::run::{Run, poll};

fn traps_on_poison(on_fault: OnFault) -> Plugin {
    let options = r#"{"do":"trap-on-poison"}"#;
    Plugin::new("bad", load("misbehaves"), options, Some(on_fault), Limits::default()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Whatever stands around them, exactly the poisoned records are put aside, and the others keep their order.
    #[test]
    fn exactly_the_poisoned_records_are_put_aside(mut poisoned in prop::collection::vec(0usize..600, 0..8), len in 1usize..600) {
        poisoned.retain(|at| *at < len);
        poisoned.sort_unstable();
        poisoned.dedup();
        let all: Vec<String> =
            (0..len).map(|n| if poisoned.contains(&n) { format!("poison {n}") } else { format!("[DEBUG] {n}") }).collect();
        let mut run = Run::new(vec![
            traps_on_poison(OnFault::DeadLetter),
            named("drop", "level-filter", r#"{"at_least":"info","parse_text":true}"#),
        ]);
        let kept = run.apply(lines(&run.ledger, &all.iter().map(String::as_str).collect::<Vec<_>>()));
        let expect: Vec<String> = poisoned.iter().map(|at| format!("poison {at}")).collect();
        let aside: Vec<String> = run.letters().into_iter().map(|letter| letter.text).collect();
        prop_assert_eq!(aside.len(), expect.len());
        prop_assert!(aside.iter().zip(&expect).all(|(aside, expect)| aside.contains(&format!("\"{expect}\""))), "{:?}", aside);
        prop_assert_eq!(texts(&kept), Vec::<String>::new());
        prop_assert_eq!(run.ledger.dropped_by("drop").get() as usize, len - poisoned.len());
        run.deliver(kept);
    }
}

#[test]
fn the_letter_holds_the_record_as_it_was_read() {
    let promote = r#"{"fields":["n"]}"#;
    let mut run = Run::new(vec![plugin("json-promote", promote), traps_on_poison(OnFault::DeadLetter)]);
    let kept = run.apply(lines(&run.ledger, &[r#"{"n":1,"m":"poison"}"#, r#"{"n":2}"#]));
    assert_eq!(texts(&kept), [r#"{"n":2}"#]);
    let letter = &run.letters()[0];
    assert!(
        letter.text.starts_with(r#"{"log":"{\"n\":1,\"m\":\"poison\"}","stream":"#)
            && !letter.text.contains("\"n\":1,\"s"),
        "{letter:?}"
    );
    assert!(run.ledger.balance().dead_lettered["fault of bad"] == 1);
    run.deliver(kept);
}

#[test]
fn records_pass_where_the_policy_says_so() {
    let mut run = Run::new(vec![traps_on_poison(OnFault::Pass)]);
    let kept = run.apply(lines(&run.ledger, &["a", "poison", "b"]));
    assert_eq!(texts(&kept), ["a", "poison", "b"]);
    assert_eq!(run.lineup.current()[0].counters().read().passed, 1);
    run.deliver(kept);
}

#[test]
fn a_plugin_whose_faults_pass_rests_when_they_are_too_many() {
    let mut run = Run::new(vec![traps_on_poison(OnFault::Pass)]);
    let poison = vec!["poison"; 100];
    let kept = run.apply(lines(&run.ledger, &poison));
    assert_eq!(kept.len(), 100);
    let counts = run.lineup.current()[0].counters().read();
    assert_eq!(counts.passed, 100);
    let kept_later = run.apply(lines(&run.ledger, &poison));
    assert_eq!(run.lineup.current()[0].counters().read().calls, counts.calls, "it is not asked while it rests");
    assert_eq!(run.lineup.halted(), None);
    kept.into_parts().receipt.delivered();
    run.deliver(kept_later);
}

#[test]
fn a_poisoned_stream_halts_instead_of_going_to_dead_letters() {
    let mut run = Run::new(vec![traps_on_poison(OnFault::DeadLetter)]);
    let poison: Vec<String> = (0..100).map(|n| format!("poison {n}")).collect();
    let batch = lines(&run.ledger, &poison.iter().map(String::as_str).collect::<Vec<_>>());
    let mut applying = Box::pin(run.chain.apply(batch));
    assert!(matches!(poll(applying.as_mut()), Poll::Pending));
    let why = run.lineup.halted().unwrap();
    assert!(why.starts_with("plugin bad: more than 20 records failed within a minute: `filter` of sha256:"), "{why}");
    let balance = run.ledger.balance();
    assert_eq!((balance.in_flight(), balance.read), (100, 100), "nothing takes effect");

    run.lineup.replace(vec![plugin("level-filter", r#"{"at_least":"info"}"#).into()]).unwrap();
    assert_eq!(run.lineup.halted(), None);
    let Poll::Ready(Ok(kept)) = poll(applying.as_mut()) else { panic!("still waits") };
    drop(applying);
    assert_eq!(texts(&kept), poison, "the batch that waited goes to the new version");
    assert!(run.letters().is_empty());
    run.deliver(kept);
}

#[test]
fn one_fault_halts_where_the_policy_says_so() {
    let mut run = Run::new(vec![traps_on_poison(OnFault::Halt)]);
    let batch = lines(&run.ledger, &["a", "poison"]);
    let mut applying = Box::pin(run.chain.apply(batch));
    assert!(matches!(poll(applying.as_mut()), Poll::Pending));
    assert!(run.lineup.halted().is_some());
    run.lineup.replace(vec![traps_on_poison(OnFault::DeadLetter).into()]).unwrap();
    let Poll::Ready(Ok(kept)) = poll(applying.as_mut()) else { panic!("still waits") };
    drop(applying);
    assert_eq!((texts(&kept), run.letters().len()), (vec!["a".to_string()], 1));
    run.deliver(kept);
}

#[test]
fn policies_that_cannot_be() {
    let refused = Plugin::new("redact", load("redact"), "{}", Some(OnFault::Pass), Limits::default()).unwrap_err();
    assert!(refused.to_string().starts_with("plugin redact: refuses on_fault: pass"), "{refused}");

    let without = |plugin: Plugin| Lineup::new(vec![plugin.into()], false).map(drop);
    let refused = without(plugin("level-filter", r#"{"at_least":"info"}"#)).unwrap_err().to_string();
    assert!(refused.contains("add a `dead_letter` block, or write on_fault: halt or on_fault: pass"), "{refused}");
    assert!(without(traps_on_poison(OnFault::Pass)).is_ok() && without(traps_on_poison(OnFault::Halt)).is_ok());
    assert!(without(plugin("exception-notifier", "{}")).is_ok(), "faults of a notifier pass by default");
}

#[test]
fn an_instance_that_wears_out_costs_no_record() {
    // Its instance traps on the fifth record that it sees.
    for on_fault in [OnFault::DeadLetter, OnFault::Halt, OnFault::Pass] {
        let worn = r#"{"do":"trap-on-nth"}"#;
        let worn = Plugin::new("worn", load("misbehaves"), worn, Some(on_fault), Limits::default()).unwrap();
        let mut run = Run::new(vec![worn]);
        let mut kept = Vec::new();
        for n in 0..30 {
            kept.push(run.apply(lines(&run.ledger, &[&n.to_string()])));
        }
        assert!(kept.iter().all(|batch| batch.len() == 1) && run.letters().is_empty(), "{on_fault:?}");
        let counts = run.lineup.current()[0].counters().read();
        assert!(counts.faults >= 5 && counts.passed == 0, "{on_fault:?}: {counts:?}");
    }
}

#[test]
fn what_cannot_be_looked_into_does_not_pass_a_plugin_that_hides() {
    let mut run = Run::new(vec![plugin("redact", "{}")]);
    let deep = format!(r#"{{"log":"bob@example.com","deep":{}{}}}"#, "[".repeat(300), "]".repeat(300));
    let kept = run.apply(crate::batches::documents(&run.ledger, &[r#"{"log":"fine"}"#, &deep, r#"{"log":"as well"}"#]));
    assert_eq!(texts(&kept), [r#"{"log":"fine"}"#, r#"{"log":"as well"}"#]);
    let letters = run.letters();
    assert!(
        letters[0].detail.ends_with("could not be asked: the record is not UTF-8, or nested deeper than 200 levels")
    );
    run.deliver(kept);
}

#[test]
fn what_is_in_the_way_of_hiding_goes() {
    let mut run = Run::new(vec![plugin("redact", r#"{"fields":["log.user","user.mail"]}"#)]);
    let documents =
        [r#"{"log":"{\"user\":\"bob@example.com\"}","a":1}"#, r#"{"user":"{\"mail\":\"bob@example.com\"}"}"#];
    let kept = run.apply(crate::batches::documents(&run.ledger, &documents));
    let written: Vec<String> = (0..2)
        .map(|index| {
            let mut out = Vec::new();
            sluice_core::encode::Encoding::default().append(&kept, index, &mut out);
            String::from_utf8(out).unwrap()
        })
        .collect();
    assert_eq!(written, [r#"{"a":1}"#, "{}"]);
    assert_eq!(run.lineup.current()[0].counters().read().blocked, 2);
    run.deliver(kept);
}

#[test]
fn a_plugin_that_was_replaced_during_a_search_does_not_stay_halted() {
    let mut run = Run::new(vec![traps_on_poison(OnFault::Halt)]);
    let lineup = run.lineup.clone();
    let batch = lines(&run.ledger, &["poison"]);
    let mut applying = Box::pin(run.chain.apply(batch));
    assert!(poll(applying.as_mut()).is_pending());
    lineup.replace(vec![plugin("level-filter", r#"{"at_least":"info"}"#).into()]).unwrap();
    assert!(poll(applying.as_mut()).is_ready());
    drop(applying);
    assert_eq!(lineup.halted(), None);
}

#[test]
fn the_log_does_not_get_a_plugins_words_about_records() {
    let mut run = Run::new(vec![
        Plugin::new("bad", load("misbehaves"), r#"{"do":"error"}"#, Some(OnFault::Halt), Limits::default()).unwrap(),
    ]);
    let batch = lines(&run.ledger, &["a"]);
    assert!(poll(run.chain.apply(batch)).is_pending());
    let why = run.lineup.halted().unwrap();
    assert!(
        why.ends_with("returned an error, which the dead letter quotes") && !why.contains("cannot decide"),
        "{why}"
    );
}
