use std::fs;

use anyhow::Result;
use serde_json::Value;
use sluice_end_to_end::{Chain, PythonNotifier, Sluice, Webhook, committed, eventually, fill, kafka};
use sluice_node::{Format, Node, Spec, Stream};

/// Lines of a container each, and whether they tell of an exception.
const LINES: [(&str, Format, bool); 9] = [
    ("java.lang.NullPointerException: no cart", Format::Cri, true),
    ("EXCEPTION in thread main", Format::DockerJson, true),
    (r#"{"level":"error","error":"Exception: \"quoted\""}"#, Format::Cri, true),
    ("an eXcEpTiOn with é, \u{1f525} and\ta tab", Format::DockerJson, true),
    ("exceptions are rare here", Format::Cri, true),
    ("exceptio n", Format::Cri, false),
    ("except ion", Format::DockerJson, false),
    ("all is well", Format::Cri, false),
    (r#"{"excepti":"on"}"#, Format::DockerJson, false),
];

/// `notifier.py` and ours read the same topic, filled by our agent and by Fluentd. Each record that alerts is the only
/// one of its pod, so that each is a group of its own.
#[test]
fn the_articles_notifier_alerts_on_the_same_records() -> Result<()> {
    let kafka = kafka()?;
    let chain = Chain::new("beside", &kafka.bootstrap(), "http://127.0.0.1:1")?;
    let (ours, theirs) = (Webhook::start()?, Webhook::start()?);
    fs::write(chain.folder().join("webhook"), ours.url())?;
    let node = Node::new(chain.folder().join("node"))?;
    for (number, (line, format, _)) in LINES.into_iter().enumerate() {
        let spec =
            Spec { namespace: "shop".into(), pod: format!("pod-{number}"), container: format!("c-{number}"), format };
        let mut container = node.container(spec)?;
        container.write(Stream::Stdout, line, 1_700_000_000_000_000_000)?;
        container.flush()?;
    }
    // Fluentd's own, with labels and time in other orders and forms; the last one has nothing under `log`.
    let fluentd = [
        r#"{"time":1700000000.5,"kubernetes":{"host":"n2","labels":{"app":"x"},"pod_name":"f-1","namespace_name":"ns","container_name":"c"},"log":"System.Exception\n"}"#,
        "{ \"kubernetes\" : {\"pod_name\":\"f-2\", \"host\":\"n\\u00e9\", \"container_name\":\"c\", \"namespace_name\":\"ns\"}, \"log\" : \"an \\u0065xception\" }",
        r#"{"log":"nothing","exception":"no","kubernetes":{"pod_name":"f-3","host":"exception","container_name":"c","namespace_name":"ns"}}"#,
        r#"{"message":"exception","kubernetes":{"pod_name":"f-4","host":"n","container_name":"c","namespace_name":"ns"}}"#,
    ];
    fill(&kafka.bootstrap(), "beside", 1_700_000_000_000, &fluentd)?;
    let expected = LINES.iter().filter(|(_, _, alerts)| *alerts).count() + 2;

    let agent = Sluice::run(chain.folder(), "agent", &chain.agent_with(""))?;
    let notifier = Sluice::run(chain.folder(), "notifier", &chain.notifier("max_age: off, window: 1h")?)?;
    let mut python = PythonNotifier::run(chain.folder(), &kafka.bootstrap(), "beside", &theirs.url())?;
    eventually("their alerts", || Ok(python.is_running()? && theirs.taken().len() >= expected))?;
    eventually("our alerts", || Ok(ours.taken().len() >= expected))?;
    let all = LINES.len() + fluentd.len();
    for group in ["logs-inspector", &chain.inspector()] {
        let read = || Ok::<i64, anyhow::Error>(committed(&kafka.bootstrap(), group, "beside")?.values().sum());
        eventually(&format!("{group} to read all"), || Ok(read()? == all as i64))?;
    }
    agent.stop()?;
    let books = notifier.stop()?;
    python.stop()?;

    assert_eq!(books[0]["read"], all as u64);
    assert_eq!(ours.taken_sorted()?, theirs.taken_sorted()?);
    let pods: Vec<String> = ours.taken_sorted()?.iter().map(pod).collect();
    assert_eq!(pods, ["pod-0", "pod-1", "pod-2", "pod-3", "pod-4", "f-1", "f-2"].map(|pod| format!("Pod: {pod} ")));
    Ok(())
}

fn pod(message: &Value) -> String {
    let text = message["attachments"][0]["text"].as_str().unwrap_or_default();
    text.lines().find(|line| line.starts_with("Pod:")).unwrap_or_default().to_owned()
}
