//! Plugins are replaced between two batches, all of a pipeline at once.
use std::sync::Arc;

use sluice_core::encode::Encoding;
use sluice_core::{Generation, Ledger};
use sluice_wasm::{Chain, Lineup};

use crate::batches::{lines, texts};
use crate::components::{named, plugin};
use crate::run::{Letters, Run};

#[test]
fn the_next_batch_sees_the_new_plugins() {
    let filter = |level: &str| plugin("level-filter", &format!(r#"{{"at_least":"{level}","parse_text":true}}"#));
    let mut run = Run::new(vec![filter("info")]);
    let all = ["[DEBUG] a", "[INFO] b", "[WARN] c"];
    assert_eq!(texts(&run.apply(lines(&run.ledger, &all))), all[1..]);
    run.lineup.replace(vec![filter("warn").into()]).unwrap();
    assert_eq!(texts(&run.apply(lines(&run.ledger, &all))), all[2..]);
    run.lineup.replace(Vec::new()).unwrap();
    assert_eq!(texts(&run.apply(lines(&run.ledger, &all))), all);
}

#[test]
fn a_plugin_that_stays_keeps_its_instance() {
    let stays = Arc::new(plugin("level-filter", r#"{"at_least":"info"}"#));
    let ledger = Arc::new(Ledger::default());
    let lineup = Lineup::new(vec![stays.clone()], true).unwrap();
    let chain = Chain::<Letters>::new(&lineup, &Generation::new(ledger), None, Encoding::default());
    assert_eq!(format!("{chain:?}"), r#"["under-test"]"#);
    lineup.replace(vec![stays, Arc::new(named("more", "level-filter", r#"{"at_least":"warn"}"#))]).unwrap();
    assert_eq!(lineup.current().len(), 2);
}

#[test]
fn what_does_not_fit_is_refused_and_the_old_plugins_stay() {
    let filter = |name: &str| named(name, "level-filter", r#"{"at_least":"info"}"#);
    let run = Run::new(vec![filter("first")]);
    let notifier = named("exceptions", "exception-notifier", "{}");
    let refused = run.lineup.replace(vec![notifier.into(), filter("late").into()]).unwrap_err().to_string();
    assert_eq!(refused, "plugin late: a filter stands behind the notifier exceptions; put notifiers last");
    assert_eq!(run.lineup.current()[0].name(), "first");
}
