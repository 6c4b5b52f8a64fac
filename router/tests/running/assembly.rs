//! What is refused before anything flows, and a process without a command line.

use std::{fs, path::Path, time::Duration};

use sluice::{
    config::{self, Plan},
    process::Process,
};
use sluice_core::supervisor::State;

use crate::world::{World, component, eventually};

fn plan(text: &str) -> Plan {
    let checked = config::check(text, "sluice.yaml", &|_| None);
    checked.plan.unwrap_or_else(|| panic!("{:?}", checked.problems))
}

/// `plugins` and `sink` are YAML; `expect` is the whole error, in which COMPONENTS stands for the folder.
#[track_caller]
fn check(plugins: &str, sink: &str, rest: &str, expect: &str) {
    let folder = component("level-filter").parent().unwrap().display().to_string();
    let document = format!(
        "pipelines:
  p:
    source: {{ kafka: {{ brokers: [localhost:1], group: g, topics: [in] }} }}
    plugins: [{plugins}]
    sink: {{ {sink} }}
{rest}
"
    );
    let plan = plan(&document.replace("COMPONENTS", &folder));
    let refused = Process::start(Path::new("sluice.yaml"), plan, None).map(|_| ()).expect_err(plugins);
    assert_eq!(format!("{refused:#}").replace(&folder, "COMPONENTS"), expect);
}

#[test]
fn what_does_not_fit_together_is_refused_with_the_line_to_write() {
    let folder = tempfile::tempdir().unwrap();
    let url = folder.path().join("url");
    fs::write(&url, "http://127.0.0.1:9/services/T0/B0/secret").unwrap();
    let slack = format!("slack: {{ webhook: {{ file: {} }} }}", url.display());
    let kafka = "kafka: { brokers: [localhost:1], topic: logs }";
    let dead_letter = "dead_letter: { kafka: { brokers: [localhost:1], topic: dead } }";
    let notifier = "{ name: exceptions, component: COMPONENTS/exception-notifier.wasm }";
    let filter = "{ name: drop, component: COMPONENTS/level-filter.wasm, config: { at_least: info } }";
    check(
        filter,
        &slack,
        dead_letter,
        "pipeline p: slack sink: posts alerts, and no plugin of its pipeline raises any; add a notifier to `plugins`, as \
         in \"- { name: exceptions, component: /etc/sluice/plugins/exception-notifier.wasm }\"",
    );
    check(
        notifier,
        kafka,
        dead_letter,
        "pipeline p: plugin exceptions: is a notifier, and its pipeline's sink posts no alerts; give it a pipeline of its \
         own with \"sink: { slack: { webhook: { file: /etc/sluice/secrets/slack-url } } }\"",
    );
    check(
        &format!("{notifier}, {filter}"),
        &slack,
        dead_letter,
        "pipeline p: plugin drop: a filter stands behind the notifier exceptions; put notifiers last",
    );
    check(
        filter,
        kafka,
        "",
        "pipeline p: plugin drop: a record that it cannot answer for goes to the dead-letter topic (on_fault: \
         dead_letter, the default of filters and enrichers), and there is none; add a `dead_letter` block, or write \
         on_fault: halt or on_fault: pass",
    );
    check(
        "{ name: f, component: /nowhere/f.wasm }",
        kafka,
        dead_letter,
        "pipeline p: plugin f: cannot read its component /nowhere/f.wasm; mount it, or correct `component`: No such file or directory (os error 2)",
    );
}

#[test]
fn a_process_shows_itself_and_stops_on_order() {
    let world = World::new(&["logs"]);
    let filter = component("level-filter");
    let plugin = format!("{{ name: drop, component: {}, config: {{ at_least: info }} }}", filter.display());
    let document = format!("pipelines:\n{}{}", world.pipeline("ship", &plugin, "logs"), world.dead_letter());
    world.write("sluice.yaml", &document);
    let process = Process::start(&world.path("sluice.yaml"), plan(&document), None).unwrap();
    let observed = process.observed().clone();
    let state = || observed.pipelines()[0].status.state();
    eventually("the pipeline to run", || state() == State::Running);
    let writer = world.write_lines("ship");
    let mut topic = world.topic("logs");
    topic.wait_for_more(100);
    let end = writer.finish();
    topic.wait_for(end - 1);

    let view = &observed.pipelines()[0];
    let plugins: Vec<_> =
        view.plugins().iter().map(|plugin| (plugin.name().to_owned(), plugin.counters().read().records)).collect();
    assert_eq!((view.name.as_str(), plugins), ("ship", vec![("drop".to_owned(), end)]));
    assert_eq!(view.halted(), None);
    assert!(observed.reload().last_ok);
    assert!(!observed.is_stopping());

    process.stop(Duration::from_secs(20));
    process.wait().unwrap();
    assert!(observed.is_stopping());
    assert_eq!(state(), State::Stopped);
    let balance = view.ledger.balance();
    assert!(balance.is_balanced() && balance.read == end, "{balance}");
}

/// One that fails for good takes the others with it, in order, and the error says which.
#[test]
fn a_pipeline_that_fails_for_good_ends_the_process_with_its_reason() {
    let world = World::new(&["logs"]);
    let ship = world.pipeline("ship", "", "logs");
    let broken = world.pipeline("broken", "", "logs").replace("/checkpoints/", "/taken/");
    fs::write(world.path("taken"), "a file where a folder should be").unwrap();
    let document = format!("pipelines:\n{ship}{broken}");
    let process = Process::start(&world.path("sluice.yaml"), plan(&document), None).unwrap();
    let text = process.wait().unwrap_err().to_string();
    assert!(text.starts_with("pipeline broken: files source: "), "{text}");
    let states: Vec<State> = process.observed().pipelines().iter().map(|view| view.status.state()).collect();
    assert_eq!(states[0], State::Stopped);
    assert!(matches!(states[1], State::Failed(_)), "{states:?}");
}
