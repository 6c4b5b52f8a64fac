use std::{fs, path::Path, process::Output};

use anyhow::Result;
use sluice_end_to_end::{Chain, Sluice, Webhook, component, fill, kafka};
use sluice_servers::{Elasticsearch, ElasticsearchOptions, User};

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

/// What `check --online` says of a config: its exit code and its lines.
fn online(folder: &Path, config: &str) -> Result<(Option<i32>, String)> {
    let Output { status, stdout, stderr } = Sluice::check_online(folder, config)?;
    Ok((status.code(), format!("{}{}", String::from_utf8(stdout)?, String::from_utf8(stderr)?)))
}

/// Fails unless there is a line with each of these pieces.
fn assert_lines(said: &str, expected: &[&[&str]]) {
    for pieces in expected {
        let is_said = said.lines().any(|line| pieces.iter().all(|piece| line.contains(piece)));
        assert!(is_said, "no line with {pieces:?} in:\n{said}");
    }
}

/// Real brokers, with a topic of one replica and one that is missing; a webhook that must not be called.
#[test]
fn check_online_asks_the_brokers_and_leaves_the_webhook_alone() -> Result<()> {
    let kafka = kafka()?;
    let chain = Chain::new("online", &kafka.bootstrap(), "http://127.0.0.1:1")?;
    let webhook = Webhook::start()?;
    fs::write(chain.folder().join("webhook"), webhook.url())?;
    fill(&kafka.bootstrap(), "online", 1_700_000_000_000, &["{}"])?;
    let config = chain.notifier("window: 1m")?;
    let (code, said) = online(chain.folder(), &config)?;
    assert_eq!(code, Some(0), "{said}");
    let broker = kafka.bootstrap();
    assert_lines(
        &said,
        &[
            &["ok: kafka", &broker, "1 broker: "],
            &[
                "warning: kafka",
                "topic online has 4 partitions and the replication factor 1",
                "give the topic 2 replicas",
            ],
            &["warning: kafka", "topic online-dead does not exist; the broker creates it"],
            &["ok: plugin exceptions of alert", "notifier sha256:", "accepts its config"],
            &["ok: slack sink of alert", "/webhook", "it was not called"],
        ],
    );
    assert!(webhook.posts().is_empty(), "the webhook was called: {:?}", webhook.posts());
    for secret in webhook.secrets() {
        assert!(!said.contains(secret), "{said}");
    }
    // Looking makes no topic and joins no group.
    let (_, again) = online(chain.folder(), &config)?;
    assert_lines(&again, &[&["topic online-dead does not exist"]]);

    let (code, said) = online(chain.folder(), &config.replace(&broker, "127.0.0.1:1"))?;
    assert_eq!(code, Some(2), "{said}");
    assert_lines(&said, &[&["error: kafka 127.0.0.1:1", "Connection refused", "look at `brokers`"]]);
    let misspelt = config.replace(&component("exception-notifier")?.display().to_string(), "/none/plugin.wasm");
    let (code, said) = online(chain.folder(), &misspelt)?;
    assert_eq!(code, Some(2), "{said}");
    assert_lines(&said, &[&["error: plugins of alert", "/none/plugin.wasm"]]);
    Ok(())
}

/// A real index with a password: right, wrong, none; and a port where nothing listens. The server for tests has no
/// `GET /`, which Elasticsearch as it is installed answers; what it says of it is no index's answer, and yet tells that
/// the password was taken.
#[test]
fn check_online_asks_the_index_who_it_is() -> Result<()> {
    let kafka = kafka()?;
    let user = User { name: "sluice".into(), password: "correct horse".into() };
    let options = ElasticsearchOptions { user: Some(user), ..ElasticsearchOptions::default() };
    let elasticsearch = Elasticsearch::start(options)?;
    let mut chain = Chain::new("asked", &kafka.bootstrap(), &elasticsearch.url())?;
    let secret = chain.folder().join("password");
    let auth = format!("        auth: {{ user: sluice, password: {{ file: {} }} }}\n", secret.display());
    chain.index_options = auth.clone();
    for (password, expected) in [
        ("correct horse", &["elasticsearch sink of index", "answers with status 4"][..]),
        ("battery staple", &["error: elasticsearch sink of index", "refuses the credentials (401); correct `auth`"]),
    ] {
        fs::write(&secret, password)?;
        let (_, said) = online(chain.folder(), &chain.indexer()?)?;
        assert_lines(&said, &[expected, &["ok: elasticsearch sink of index", "/password", "the secret can be read"]]);
        assert!(!said.contains(password), "{said}");
    }
    chain.index_options.clear();
    let (code, said) = online(chain.folder(), &chain.indexer()?)?;
    assert_eq!(code, Some(2));
    assert_lines(&said, &[&["error: elasticsearch sink of index", "wants credentials (401)"]]);
    chain.index_url = "http://127.0.0.1:1".into();
    let (code, said) = online(chain.folder(), &chain.indexer()?)?;
    assert_eq!(code, Some(2));
    assert_lines(&said, &[&["error: elasticsearch sink of index http://127.0.0.1:1", "Connection refused"]]);
    Ok(())
}
