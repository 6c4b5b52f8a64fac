use std::{fs, path::Path, process::Command};

use sluice_deploy::{chart, generated, root, sluice};

use crate::renders;

#[test]
fn what_is_generated_is_as_the_chart_says() {
    let files = generated::files().unwrap();
    let stale = generated::stale(&files);
    assert!(stale.is_empty(), "type ./dev manifests and look at what changed; stale: {stale:#?}");
}

#[test]
fn helm_has_no_complaint() {
    for (_, values) in chart::CASES {
        chart::lint(&root().join(values)).unwrap();
    }
}

/// The config of each workload is one that the binary runs, as the init container and the process get it.
#[test]
fn the_binary_accepts_each_config() {
    for (case, objects) in renders() {
        let configs: Vec<_> = objects.iter().filter(|object| object.config().is_some()).collect();
        assert!(!configs.is_empty(), "{case}");
        for object in configs {
            let (folder, name) = (tempfile::tempdir().unwrap(), object.name());
            let printed = check(folder.path(), object.config().unwrap());
            assert!(printed.ends_with("ok"), "{case} {name}: {printed}");
        }
    }
}

/// The reason that `sluice check` gives, or `ok`.
fn check(folder: &Path, config: &str) -> String {
    let file = folder.join("sluice.yaml");
    fs::write(&file, config).unwrap();
    let mut command = Command::new(sluice().unwrap());
    command.arg("check").arg("--config").arg(&file).env("NODE_NAME", "node-1").env("SLUICE_TOPIC", "logs");
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { format!("{errors}ok") } else { errors }
}

/// Each pipeline runs once, and where its ends belong.
#[test]
fn pipelines_run_where_they_belong() {
    let expect = [
        ("minimal", "sluice-agent/sluice-agent: ship; sluice/sluice-indexer: index"),
        ("secured", "sluice-agent/sluice-agent: ship; sluice/sluice-indexer: index; sluice/sluice-notifier: alert"),
        ("pipelines", "sluice-agent/sluice-agent: containers, node; sluice/sluice-indexer: audit, index"),
        ("everything", "logs-of-nodes/logs-agent: ship; sluice/logs-indexer: index; sluice/logs-notifier: alert"),
    ];
    let pipelines = |object: &chart::Object| {
        let document = sluice_deploy::yaml::document(object.config()?).unwrap();
        let names: Vec<&str> = document["pipelines"].as_object().unwrap().keys().map(String::as_str).collect();
        Some(format!("{}: {}", object.name().trim_start_matches("ConfigMap "), names.join(", ")))
    };
    for ((case, objects), expect) in renders().into_iter().zip(expect) {
        let found: Vec<String> = objects.iter().filter_map(pipelines).collect();
        assert_eq!((case, &*found.join("; ")), expect);
    }
}

/// The commands that people are given name what is there.
#[test]
fn the_notes_name_what_is_there() {
    for ((_, values), (case, objects)) in chart::CASES.into_iter().zip(renders()) {
        let notes = chart::notes(&root().join(values)).unwrap();
        for object in objects.iter().filter(|object| matches!(object.kind(), "DaemonSet" | "Deployment")) {
            let (namespace, name) = object.name().split_once(' ').unwrap().1.split_once('/').map(own).unwrap();
            let kind = object.kind().to_lowercase();
            for text in [
                format!("kubectl -n {namespace} rollout status {kind}/{name}\n"),
                format!("kubectl -n {namespace} exec {kind}/{name} -c sluice -- sluice status\n"),
            ] {
                assert!(notes.contains(&text), "{case}: {text} is not in\n{notes}");
            }
        }
        assert!(notes.contains("helm test sluice -n sluice"), "{notes}");
    }
    let notes = chart::notes(&root().join("deploy/chart/examples/secured.yaml")).unwrap();
    assert!(
        notes
            .contains("in the namespace sluice-agent:\n    Secret kafka, key ca.crt\n    Secret kafka, key password\n"),
        "{notes}"
    );
}

fn own((namespace, name): (&str, &str)) -> (String, String) {
    (namespace.to_owned(), name.to_owned())
}
