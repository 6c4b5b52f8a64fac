use anyhow::Result;
use sluice_end_to_end::Sluice;

const GOOD: &str = "pipelines:
  ship:
    source: { files: { include: [/var/log/containers/*.log], host: \"${NODE_NAME}\", checkpoints: /var/lib/sluice } }
    sink: { kafka: { brokers: [kafka:9092], topic: logs } }
";

#[test]
fn check_says_everything_at_once_and_touches_nothing() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let good = Sluice::check(folder.path(), GOOD)?;
    assert_eq!(good.status.code(), Some(0));
    assert_eq!(String::from_utf8(good.stdout)?, "sluice.yaml: ok, 1 pipeline: ship\n");

    let bad = GOOD.replace("topic: logs", "topik: logs").replace("checkpoints", "checkpoint");
    let bad = Sluice::check(folder.path(), &bad)?;
    assert_eq!(bad.status.code(), Some(2));
    let text = String::from_utf8(bad.stderr)?;
    for expected in [
        "sluice.yaml:3:",
        "pipelines.ship.source.files.checkpoint: unknown key; did you mean \"checkpoints\"?",
        "sluice.yaml:4:",
        "pipelines.ship.sink.kafka.topik: unknown key; did you mean \"topic\"?",
        "sluice.yaml: 2 errors",
    ] {
        assert!(text.contains(expected), "{expected} is not in\n{text}");
    }
    Ok(())
}

#[test]
fn run_refuses_what_check_refuses_and_says_what_is_missing() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let config = GOOD.replace("    sink:", "    plugins: [{ name: f, component: /nowhere/f.wasm }]\n    sink:");
    let process = Sluice::run(folder.path(), "agent", &config)?;
    sluice_end_to_end::eventually("the error", || process.said("plugin f: cannot read its component /nowhere/f.wasm"))?;
    process.kill()
}
