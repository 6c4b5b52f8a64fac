//! Plans against a world that is not there, and against what a test can put there: files.

use std::{net::TcpListener, path::PathBuf, time::Instant};

use super::*;
use crate::config;

fn plan(document: &str) -> Plan {
    let checked = config::check(document, "sluice.yaml", &|name| match name {
        "HOOK_URL" => Some("https://hooks.example.org/hunter2".to_owned()),
        _ => None,
    });
    checked.plan.unwrap_or_else(|| panic!("{:#?}", checked.problems))
}

fn findings(document: &str) -> Vec<String> {
    let mut lines = Vec::new();
    look(&plan(document), |finding| lines.push(finding.to_string())).unwrap();
    lines
}

fn closed_port() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

#[test]
fn servers_that_are_away_are_told_together_and_in_time() {
    let (kafka, index, other) = (closed_port(), closed_port(), closed_port());
    let began = Instant::now();
    let lines = findings(&format!(
        "pipelines:
  index:
    source: {{ kafka: {{ brokers: [\"{kafka}\"], group: g, topics: [logs] }} }}
    sink: {{ elasticsearch: {{ hosts: [\"http://{index}\", \"http://{other}\"] }} }}
  copy:
    source: {{ kafka: {{ brokers: [\"{kafka}\"], group: copy, topics: [logs] }} }}
    sink: {{ kafka: {{ brokers: [\"{kafka}\"], topic: copied }} }}
dead_letter: {{ kafka: {{ brokers: [\"{kafka}\"], topic: dead }} }}
"
    ));
    assert!(began.elapsed() < Duration::from_secs(9), "{:?}", began.elapsed());
    let expected = [
        format!("error: kafka {kafka}: no broker answers: "),
        format!("error: elasticsearch sink of index http://{index}: cannot be reached: Connection refused"),
        format!("error: elasticsearch sink of index http://{other}: cannot be reached: Connection refused"),
    ];
    assert_eq!(lines.len(), expected.len(), "one cluster is asked once: {lines:#?}");
    for (line, expected) in lines.iter().zip(&expected) {
        assert!(line.starts_with(expected), "{line}");
    }
    assert!(lines[0].contains("Connection refused") && lines[0].contains("; look at `brokers`"), "{}", lines[0]);
}

#[test]
fn secrets_are_read_and_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let (password, empty) = (file("password", "hunter2\n"), file("empty", "\n"));
    let (hook, words, pem) =
        (file("hook", "https://hooks.example.org/hunter2\n"), file("words", "hunter2"), file("pem", "hunter2"));
    let (port, plain) =
        (file("port", "https://hooks.example.org:99999/hunter2"), file("plain", "http://hooks.example.org/hunter2"));
    let none = folder.path().join("none").display().to_string();
    let cluster = closed_port();
    let slack = |name: &str, webhook: &str| {
        format!(
            "  {name}:
    source: {{ files: {{ include: [/none/*.log], checkpoints: /none/{name} }} }}
    plugins: [{{ name: exceptions, component: {none} }}]
    sink: {{ slack: {{ webhook: {webhook} }} }}\n"
        )
    };
    let lines = findings(&format!(
        "pipelines:\n{}{}{}{}{}{}  index:
    source: {{ kafka: {{ brokers: [\"{cluster}\"], group: g, topics: [logs], options: {{ sasl.password: {{ file: {password} }} }} }} }}
    sink:
      elasticsearch:
        hosts: [\"https://{cluster}\"]
        auth: {{ user: {{ file: {empty} }}, password: {{ file: {none} }} }}
        tls: {{ ca_file: {pem} }}
dead_letter: {{ kafka: {{ brokers: [\"{cluster}\"], topic: dead, options: {{ sasl.password: {{ file: {password} }} }} }} }}
",
        slack("a", &format!("{{ file: {hook} }}")),
        slack("b", &format!("{{ file: {words} }}")),
        slack("c", &format!("{{ file: {none} }}")),
        slack("d", "\"${HOOK_URL}\""),
        slack("e", &format!("{{ file: {port} }}")),
        slack("f", &format!("{{ file: {plain} }}")),
    ));
    for expected in [
        format!("ok: kafka option sasl.password {password}: the secret can be read"),
        format!("ok: slack sink of a {hook}: the webhook's address can be read; it was not called"),
        format!("error: slack sink of b {words}: the webhook's URL cannot be read: relative URL without a base; write"),
        format!("error: slack sink of e {port}: the webhook's URL cannot be read: invalid port number; write"),
        format!("error: slack sink of f {plain}: the webhook's URL must begin with https://"),
        format!("error: slack sink of c {none}: cannot read the secret {none}; mount it, or name another file"),
        "ok: slack sink of d webhook: the webhook's address can be read; it was not called".to_owned(),
        format!("error: elasticsearch sink of index {empty}: the secret is empty"),
        format!("error: elasticsearch sink of index {none}: cannot read the secret"),
        format!("error: elasticsearch sink of index {pem}: holds no PEM certificate"),
        format!("error: plugins of a: plugin exceptions: cannot read its component {none}"),
    ] {
        assert_eq!(lines.iter().filter(|line| line.starts_with(&expected)).count(), 1, "{expected} in {lines:#?}");
    }
    assert!(!lines.iter().any(|line| line.contains("hunter2")), "{lines:#?}");
}

#[test]
fn components_are_loaded_as_a_pipeline_would() {
    let components = components();
    let component = components.join("level-filter.wasm");
    let document = |config: &str, more: &str| {
        format!(
            "pipelines:
  ship:
    source: {{ files: {{ include: [/none/*.log], checkpoints: /none }} }}
    plugins: [{{ name: drop, component: {}, config: {config}{more} }}]
    sink: {{ kafka: {{ brokers: [\"{}\"], topic: logs }} }}\n",
            component.display(),
            closed_port(),
        )
    };
    let first = |config, more| plugins::look(&plan(&document(config, more))).unwrap().remove(0).to_string();
    let place = component.display();
    let line = first("{ at_least: info }", ", on_fault: halt");
    assert!(line.starts_with(&format!("ok: plugin drop of ship {place}: filter sha256:")), "{line}");
    let line = first("{ at_leest: info }", ", on_fault: halt");
    assert!(line.starts_with("error: plugins of ship: ") && line.contains("at_leest"), "{line}");
    assert!(line.contains("drop") && line.contains("sha256:"), "{line}");
    let line = first("{ at_least: info }", "");
    assert!(line.starts_with("error: plugins of ship: ") && line.contains("`dead_letter`"), "{line}");
}

/// The folder of the components that `./dev test` builds before it runs the tests.
pub(crate) fn components() -> PathBuf {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("SLUICE_COMPONENTS")
        .or_else(|| Some(set("SLUICE_CACHE")?.join("components")))
        .or_else(|| Some(set("XDG_CACHE_HOME")?.join("sluice/components")))
        .or_else(|| Some(set("HOME")?.join(".cache/sluice/components")))
        .expect("HOME is set")
}
