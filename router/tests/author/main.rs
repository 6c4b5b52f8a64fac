//! The commands of those who write plugins, as processes.
#![allow(clippy::unwrap_used, clippy::panic, reason = "clippy knows tests by `cfg(test)`, which helpers do not have")]

mod document;
mod world;

use std::fs;

use world::{Plugin, sluice};

const OPTIONS: &str = r#"{"paths":["/healthz"]}"#;

#[test]
fn a_new_plugin_is_built_and_passes_its_examples() {
    let plugin = Plugin::built();
    let report = sluice(&["plugin", "build"], &plugin.folder, "");
    report.expect(0, &["drop-paths.wasm: ", " bytes, 2 examples", "code ", "within 153600 bytes (150 KiB)"]);
    let passed = sluice(&["plugin", "test"], &plugin.folder, "");
    passed.expect(0, &["ok     requests of the paths are dropped", "drop-paths.wasm: 2 of 2 as expected"]);
    let inspected = sluice(&["plugin", "inspect", &plugin.component], &plugin.folder, "");
    inspected.expect(0, &["kind       filter", "imports"]);
    let again = sluice(&["plugin", "new", "drop-paths", "--kind", "filter"], plugin.folder.parent().unwrap(), "");
    again.expect(2, &["drop-paths is there already; choose another name, or remove it"]);
}

#[test]
fn an_example_that_comes_out_differently_is_shown() {
    let plugin = Plugin::built();
    let copy = tempfile::tempdir().unwrap();
    let bytes = fs::read(&plugin.component).unwrap();
    // The section stays as long as it was: the second record instead of the first.
    let text = br#""expect":{"kept":[1,2]}"#;
    let at = bytes.windows(text.len()).position(|window| window == text).unwrap();
    let mut wrong = bytes.clone();
    wrong[at..at + text.len()].copy_from_slice(br#""expect":{"kept":[0,2]}"#);
    let file = copy.path().join("wrong.wasm");
    fs::write(&file, wrong).unwrap();
    let told = sluice(&["plugin", "test", file.to_str().unwrap()], copy.path(), "");
    told.expect(1, &["failed requests of the paths are dropped", "1 of 2 as expected"]);
}

#[test]
fn what_a_plugin_would_do_to_a_log_is_shown_and_counted() {
    let plugin = Plugin::built();
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [
        (
            "cri.log",
            "2023-11-14T22:13:20Z stdout F {\"path\":\"/healthz\"}\n2023-11-14T22:13:20Z stdout F {\"path\":\"/a\"}\n",
        ),
        (
            "docker.log",
            "{\"log\":\"{\\\"path\\\":\\\"/healthz\\\"}\\n\",\"stream\":\"stdout\",\"time\":\"2023-11-14T22:13:20Z\"}\nbroken\n",
        ),
        ("plain.log", "{\"path\":\"/healthz\"}\nplain\n"),
        ("records.ndjson", "{\"log\":{\"path\":\"/healthz\"}}\n{\"log\":\"x\",\"kubernetes\":{}}\n"),
    ] {
        fs::write(folder.path().join(name), text).unwrap();
        let told = sluice(&["plugin", "test", &plugin.component, "--on", name, "--config", OPTIONS], folder.path(), "");
        let counts = "2 records: 1 left, 0 of them changed; 1 dropped (1 by drop-paths)";
        told.expect(0, &["line 1: dropped by drop-paths", "  - {\"log\":", counts]);
    }
    let few = sluice(
        &["plugin", "test", &plugin.component, "--on", "cri.log", "--config", OPTIONS, "--show", "0"],
        folder.path(),
        "",
    );
    few.expect(0, &["… and 1 more; --show 1 shows them all"]);
}

#[test]
fn lines_run_through_a_chain() {
    let plugin = Plugin::built();
    let spec = format!("{}:{OPTIONS}", plugin.component);
    let lines = "{\"path\":\"/healthz\"}\nkept\n{\"path\":\"/ready\"}\n";
    let second = format!("{}:{{\"paths\":[\"/ready\"]}}", plugin.component);
    let run = sluice(&["plugin", "run", "--plugin", &spec, "--plugin", &second], &plugin.folder, lines);
    run.expect(0, &["3 records: 1 left, 0 of them changed; 2 dropped (2 by drop-paths)"]);
    assert_eq!(run.out, "{\"log\":\"kept\"}\n", "no colours and no counts among the records");
    let config = format!(
        "pipelines:\n  agent:\n    source: {{ files: {{ include: [/var/log/containers/*.log], checkpoints: /tmp/c }} }}\n    \
         plugins:\n      - {{ name: drop, component: {}, on_fault: halt, config: {{ paths: [/healthz] }} }}\n    \
         sink: {{ kafka: {{ brokers: [kafka:9092], topic: logs }} }}\n",
        plugin.component
    );
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("sluice.yaml"), config).unwrap();
    let named = ["plugin", "run", "--config", "sluice.yaml", "--pipeline"];
    let run = sluice(&[&named[..], &["agent"]].concat(), folder.path(), lines);
    run.expect(0, &["3 records: 2 left, 0 of them changed; 1 dropped (1 by drop)"]);
    let run = sluice(&[&named[..], &["indexer"]].concat(), folder.path(), lines);
    run.expect(2, &["no pipeline is called \"indexer\"; write one of agent"]);
}

#[test]
fn a_bench_says_what_a_record_costs() {
    let plugin = Plugin::built();
    let told =
        sluice(&["plugin", "bench", &plugin.component, "--config", OPTIONS, "--for", "0.05"], &plugin.folder, "");
    told.expect(
        0,
        &["1000 records of 260 bytes", "1000 records a batch", "10 records a batch", "a call costs ", "beside: "],
    );
}

#[test]
fn components_become_a_config_map() {
    let plugin = Plugin::built();
    let made = sluice(&["plugin", "configmap", "plugins", &plugin.component, "-n", "logging"], &plugin.folder, "");
    made.expect(
        0,
        &["kind: ConfigMap", "  namespace: logging", "  drop-paths.wasm: AGFzb", "kubectl apply --server-side -f -"],
    );
    let packed = ["plugin", "configmap", "plugins", &plugin.component, "--compress", "always"];
    sluice(&packed, &plugin.folder, "").expect(0, &["  drop-paths.wasm.gz: H4sI", "has to end in .gz as well"]);
    let source = plugin.folder.join("src/lib.rs");
    let refused = sluice(&["plugin", "configmap", "plugins", source.to_str().unwrap()], &plugin.folder, "");
    refused.expect(2, &["is not a valid component"]);
}

#[test]
fn every_mistake_says_what_to_type() {
    let plugin = Plugin::built();
    let empty = tempfile::tempdir().unwrap();
    for (arguments, expect) in [
        (vec!["plugin", "build"], "`sluice plugin new NAME --kind filter` makes a folder that has one"),
        (vec!["plugin", "new", "My_Plugin", "--kind", "filter"], "write one like drop-health-checks"),
        (vec!["plugin", "new", "a", "--kind", "filter", "--sdk", "nowhere"], "cannot read nowhere/Cargo.toml"),
        (vec!["plugin", "test", "none.wasm"], "`sluice plugin build` makes one"),
        (vec!["plugin", "bench", &plugin.component], "cannot start with the options {}"),
        (vec!["plugin", "run", "-p", &plugin.component], "missing field `paths`"),
        (
            vec!["plugin", "test", &plugin.component, "--on", "no.log", "--config", OPTIONS],
            "cannot read no.log; name a log file",
        ),
    ] {
        sluice(&arguments, empty.path(), "").expect(2, &[expect]);
    }
}
