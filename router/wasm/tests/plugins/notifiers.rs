//! Notifiers: alerts about records, with what other plugins dropped taken into account.
use sluice_core::Severity;
use sluice_core::pipeline::Transform;
use sluice_wasm::OnFault;
use sluice_wasm::{Limits, Plugin};

use crate::batches::{lines, texts};
use crate::components::{load, named, plugin};
use crate::run::Run;

#[test]
fn an_exception_is_an_alert_with_the_message_of_the_article() {
    let mut run = Run::new(vec![plugin("exception-notifier", "{}")]);
    let batch = lines(&run.ledger, &["fine", "java.lang.IllegalStateException: no\n", "EXCEPTION", "excep tion"]);
    let kept = run.apply(batch);
    let items: Vec<_> = kept.alerts().iter().map(|alert| alert.item).collect();
    assert_eq!((kept.len(), items), (4, vec![Some(1), Some(2)]));
    let alert = &kept.alerts()[0];
    let text = "Found problem in log\nContainer: unknown\nNamespace: shop \nPod: web-1 \nHost: unknown";
    assert_eq!((alert.text.as_str(), alert.title.as_str(), alert.color.as_str()), (text, "", "#00FF00"));
    assert_eq!((alert.plugin.as_str(), alert.severity), ("under-test", Severity::Error));
    assert_ne!(alert.fingerprint, kept.alerts()[1].fingerprint);
    run.deliver(kept);
}

#[test]
fn alerts_name_records_as_they_are_numbered_behind_the_filters() {
    let mut run = Run::new(vec![
        named("drop", "level-filter", r#"{"at_least":"info","parse_text":true}"#),
        plugin("exception-notifier", "{}"),
    ]);
    let all =
        ["[DEBUG] exception", "info a", "[DEBUG] b", "info exception 1", "[DEBUG] c", "info exception 2", "[DEBUG]"];
    let kept = run.apply(lines(&run.ledger, &all));
    let about: Vec<String> =
        kept.alerts().iter().map(|alert| texts(&kept)[alert.item.unwrap() as usize].clone()).collect();
    assert_eq!(about, ["info exception 1", "info exception 2"]);
    run.deliver(kept);
}

#[test]
fn records_that_a_notifier_has_no_answer_for_pass_or_are_put_aside_and_the_others_are_looked_at() {
    for (on_fault, kept_records, aside) in [(None, 3, 0), (Some(OnFault::DeadLetter), 2, 1)] {
        let options = r#"{"do":"trap-on-poison"}"#;
        let bad = Plugin::new("bad", load("misbehaves-notifier"), options, on_fault, Limits::default()).unwrap();
        let mut run = Run::new(vec![bad]);
        let kept = run.apply(lines(&run.ledger, &["a", "poison", "b"]));
        let about: Vec<String> =
            kept.alerts().iter().map(|alert| texts(&kept)[alert.item.unwrap() as usize].clone()).collect();
        assert_eq!((kept.len(), run.letters().len(), about), (kept_records, aside, vec!["a".to_string(), "b".into()]));
        run.deliver(kept);
    }
}

#[test]
fn a_tick_brings_alerts_without_records() {
    let mut run = Run::new(vec![plugin("misbehaves-notifier", r#"{"do":"alert-in-tick"}"#)]);
    let batch = run.chain.tick().unwrap().unwrap();
    assert_eq!((batch.len(), batch.alerts().len(), batch.alerts()[0].item), (0, 1, None));
    run.deliver(batch);
    let mut silent = Run::new(vec![plugin("exception-notifier", "{}")]);
    assert!(silent.chain.tick().unwrap().is_none());
}
