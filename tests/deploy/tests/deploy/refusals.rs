//! Values that cannot work are refused before anything reaches a cluster, with what to write.

use std::{ffi::OsStr, fs};

use sluice_deploy::chart;

/// A config that is fine, to be spoilt.
const FINE: &str = r#"
config:
  pipelines:
    ship:
      source: { files: { include: [/var/log/containers/*.log], checkpoints: /var/lib/sluice } }
      sink: { kafka: { brokers: [kafka:9092], topic: logs } }
    alert:
      source: { kafka: { brokers: [kafka:9092], group: alert, topics: [logs] } }
      plugins: [{ name: exceptions, component: /usr/share/sluice/plugins/exception-notifier.wasm }]
      sink: { slack: { webhook: { file: /etc/sluice/secrets/slack-url } } }
secrets:
  slack-url: { secret: slack, key: url }
"#;

fn render(values: &str) -> Result<String, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("values.yaml");
    fs::write(&file, values).unwrap();
    chart::render(&file, [""; 0]).map_err(|error| error.to_string())
}

#[test]
fn wrong_values_are_refused_with_what_to_write() {
    render(FINE).unwrap();
    let spoilt = |from: &str, to: &str| {
        assert!(FINE.contains(from), "{from}");
        FINE.replace(from, to)
    };
    let with = |more: &str| format!("{FINE}{more}");
    let cases = [
        ("{}".to_owned(), "config.pipelines is empty: write Sluice's config below `config`"),
        (with("agnet: {}\n"), "'agnet' not allowed"),
        (with("agent: { replicas: 2 }\n"), "'replicas' not allowed"),
        (with("indexer: { replicas: two }\n"), "at '/indexer/replicas': got string, want integer"),
        (with("admin: { port: 80 }\n"), "at '/admin/port': minimum: got 80, want 1,024"),
        (with("agent: { logFolders: [var/log] }\n"), "at '/agent/logFolders/0'"),
        (with("agent: { terminationGracePeriodSeconds: 5 }\n"), "at '/agent/terminationGracePeriodSeconds'"),
        (spoilt("topic: logs }", "topcis: logs }"), "'topcis' not allowed"),
        (spoilt("group: alert", "groups: alert"), "'groups' not allowed"),
        (
            spoilt("group: alert", "group: yes"),
            "at '/config/pipelines/alert/source/kafka/group': got boolean, want number or string",
        ),
        (spoilt("slack: {", "slack: { max_age: off,"), "/max_age': got boolean"),
        (spoilt("[/var/log/containers/*.log]", "/var/log/containers/*.log"), "want array"),
        (spoilt("ship:", "Ship:"), "Ship"),
        (
            spoilt("  slack-url: { secret", "  slack-uri: { secret"),
            "write  secrets: { slack-url: { secret: NAME, key: KEY } }",
        ),
        (spoilt("secret: slack, key", "secret: slack, configMap: slack, key"), "at '/secrets/slack-url'"),
        (spoilt(", key: url", ""), "missing property 'key'"),
        (
            spoilt("checkpoints: /var/lib/sluice", "checkpoints: /data"),
            "config.pipelines.ship.source.files.checkpoints is \"/data\": write /var/lib/sluice",
        ),
        (spoilt("/var/lib/sluice }", "/var/lib/sluice-other }"), "is \"/var/lib/sluice-other\""),
        (
            spoilt("/var/log/containers/*.log]", "/var/log/containers/*.log, /srv/log/*.log]"),
            "config.pipelines.ship.source.files.include: /srv/log/*.log lies in no folder of agent.logFolders",
        ),
        (
            spoilt("/usr/share/sluice/plugins/", "/etc/sluice/plugins/"),
            "notifier.pluginConfigMaps is empty, and its config names files in /etc/sluice/plugins",
        ),
        (
            spoilt("config:\n", "config:\n  plugin_cache: /tmp/cache\n"),
            "config.plugin_cache is /tmp/cache, and pods write below /var/lib/sluice alone",
        ),
        (spoilt("config:\n", "config:\n  admin: { listen: 0.0.0.0:1 }\n"), "the chart writes it; set admin.address"),
        (
            spoilt("config:\n", "config:\n  grace_period: 1m\n"),
            "config.grace_period is 1m, and a pod of the agent is killed after 30 s: raise agent.termination",
        ),
    ];
    for (values, expect) in cases {
        match render(&values) {
            Ok(_) => panic!("not refused, and {expect:?} was expected:\n{values}"),
            Err(error) => assert!(error.contains(expect), "{expect:?} is not in\n{error}"),
        }
    }
}

#[test]
fn all_problems_come_at_once() {
    let values = FINE
        .replace("checkpoints: /var/lib/sluice", "checkpoints: /data")
        .replace("  slack-url: {", "  other: {")
        .replace("config:\n", "config:\n  grace_period: 40s\n");
    let error = render(&values).unwrap_err();
    assert_eq!(error.lines().filter(|line| line.starts_with("- ")).count(), 4, "{error}");
}

#[test]
fn a_pipeline_of_an_earlier_file_can_be_taken_out() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (folder.path().join("first.yaml"), folder.path().join("second.yaml"));
    fs::write(&first, FINE).unwrap();
    fs::write(&second, "config: { pipelines: { alert: null } }").unwrap();
    let render = chart::render(&first, [OsStr::new("-f"), second.as_os_str()]).unwrap();
    assert!(render.contains("DaemonSet") && !render.contains("notifier"), "{render}");
    let none = FINE.replace("    alert:\n", "    other:\n");
    fs::write(&first, none.split("    ship:").next().unwrap()).unwrap();
    let error = chart::render(&first, [OsStr::new("-f"), second.as_os_str()]).unwrap_err().to_string();
    assert!(error.contains("config.pipelines is empty"), "{error}");
}
