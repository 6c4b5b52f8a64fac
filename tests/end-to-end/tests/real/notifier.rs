use std::{
    collections::BTreeMap,
    fs,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result};
use serde_json::json;
use sluice_end_to_end::{Answer, Chain, Sluice, Webhook, committed, eventually, fill, kafka, messages};
use sluice_node::{Node, Spec, Stream};

/// The article's message about a container, byte for byte.
fn message(container: &str, namespace: &str, pod: &str, more: &str) -> String {
    format!(
        r##"{{"attachments":[{{"text":"Found problem in log\nContainer: {container}\nNamespace: {namespace} \nPod: {pod} \nHost: node-1{more}","color":"#00FF00"}}]}}"##
    )
}

/// Now, in nanoseconds: what is older than `max_age` is not posted.
fn now() -> Result<u64> {
    Ok(u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos())?)
}

fn chain(name: &str) -> Result<(Chain, Webhook)> {
    // No notifier knows of the index.
    let chain = Chain::new(name, &kafka()?.bootstrap(), "http://127.0.0.1:1")?;
    let webhook = Webhook::start()?;
    fs::write(chain.folder().join("webhook"), webhook.url() + "\n")?;
    Ok((chain, webhook))
}

fn assert_secret(webhook: &Webhook, what: &str, text: &str) {
    for secret in webhook.secrets() {
        assert!(!text.contains(secret), "{what} shows the webhook's address: {text}");
    }
}

#[test]
fn an_exception_is_told_at_once_and_its_repeats_when_the_window_ends() -> Result<()> {
    let (chain, webhook) = chain("alerts")?;
    let node = Node::new(chain.folder().join("node"))?;
    let mut cart = node.container(Spec::cri("shop", "cart-1", "cart"))?;
    let mut web = node.container(Spec::docker("front", "web-1", "app"))?;
    let now = now()?;
    cart.write(Stream::Stdout, "all is well", now)?;
    cart.write(Stream::Stderr, "java.lang.IllegalStateException: order 17 is gone", now + 1)?;
    cart.write(Stream::Stdout, "in Java an EXCEPTION is an object: order 18", now - 7_200_000_000_000)?;
    web.write(Stream::Stdout, r#"{"level":"error","msg":"Unhandled Exception in thread 12"}"#, now + 2)?;
    for number in 0..4 {
        let text = format!("java.lang.IllegalStateException: order {number} is gone");
        cart.write(Stream::Stderr, text, now + 3 + number)?;
    }
    cart.flush()?;
    web.flush()?;

    let config = chain.notifier("window: 6s")?;
    let checked = Sluice::check(chain.folder(), &config)?;
    assert_eq!(checked.status.code(), Some(0), "{}", String::from_utf8_lossy(&checked.stderr));
    let agent = Sluice::run(chain.folder(), "agent", &chain.agent_with(""))?;
    let notifier = Sluice::run(chain.folder(), "notifier", &config)?;
    eventually("two alerts", || Ok(webhook.taken().len() >= 2))?;
    let mut first: Vec<String> = webhook.taken().into_iter().take(2).collect();
    first.sort();
    assert_eq!(first, [message("app", "front", "web-1", ""), message("cart", "shop", "cart-1", "")]);
    eventually("the repeats", || Ok(webhook.taken().len() >= 3))?;
    let posts = webhook.posts();
    let first = posts.iter().find(|post| post.body == message("cart", "shop", "cart-1", "")).context("no alert")?;
    let waited = posts[2].at - first.at;
    assert!(waited >= Duration::from_millis(5_900), "the window is 6 s, and its end was told after {waited:?}");
    assert_eq!(posts[2].body, message("cart", "shop", "cart-1", "\\nRepeated 4 times in the last 6s"));
    let kind = posts[0].headers.iter().any(|line| line.eq_ignore_ascii_case("content-type: application/json"));
    assert!(kind, "{:?}", posts[0].headers);

    agent.stop()?;
    let log = notifier.log()?;
    let books = notifier.stop()?;
    assert_eq!(
        (&books[0]["read"], &books[0]["delivered"], &books[0]["dropped"], &books[0]["left"]),
        (&json!(8), &json!(2), &json!(6), &json!(0)),
    );
    assert_eq!(webhook.posts().len(), 3, "{:?}", webhook.taken());
    assert_secret(&webhook, "the log", &log);
    for output in [checked, Sluice::check_online(chain.folder(), &config)?] {
        assert_secret(&webhook, "check", &String::from_utf8_lossy(&output.stdout));
        assert_secret(&webhook, "check", &String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(webhook.posts().len(), 3, "check called the webhook");
    Ok(())
}

#[test]
fn a_pause_that_the_webhook_asks_for_is_kept() -> Result<()> {
    let (chain, webhook) = chain("pauses")?;
    webhook.answer(&[Answer::TooMany(3), Answer::TooMany(2)], Answer::Take);
    let record = |pod: &str| {
        let origin =
            format!(r#"{{"container_name":"app","namespace_name":"shop","pod_name":"{pod}","host":"node-1"}}"#);
        format!(r#"{{"log":"Exception","kubernetes":{origin}}}"#)
    };
    let time = i64::try_from(now()? / 1_000_000)?;
    let notifier = Sluice::run(chain.folder(), "notifier", &chain.notifier("window: 1h, retry: { initial: 10ms }")?)?;
    fill(&chain.bootstrap, "pauses", time, &[&record("a"), &record("b")])?;
    eventually("both alerts", || Ok(webhook.taken().len() == 2))?;
    let posts = webhook.posts();
    let answers: Vec<Answer> = posts.iter().map(|post| post.answer).collect();
    assert_eq!(answers, [Answer::TooMany(3), Answer::TooMany(2), Answer::Take, Answer::Take]);
    for (at, pause) in [(0, 3_000), (1, 2_000)] {
        let waited = posts[at + 1].at - posts[at].at;
        assert!(waited >= Duration::from_millis(pause), "asked for {pause} ms, came back after {waited:?}");
        assert_eq!(posts[at + 1].body, posts[at].body, "another message came in between");
    }
    let mut taken = webhook.taken();
    taken.sort();
    assert_eq!(taken, [message("app", "shop", "a", ""), message("app", "shop", "b", "")]);
    notifier.stop()?;
    Ok(())
}

/// SIGKILL and SIGTERM while the webhook takes nothing: the offset does not pass the alert's record, and the next
/// process posts it.
#[test]
fn an_alert_that_nobody_took_survives_a_kill_and_a_stop() -> Result<()> {
    let (chain, webhook) = chain("held")?;
    webhook.answer(&[], Answer::Unavailable);
    let values: Vec<String> = (0..200)
        .map(|number| match number {
            77 => r#"{"log":"exception 77","kubernetes":{"container_name":"app","namespace_name":"shop","pod_name":"cart-1","host":"node-1"}}"#.into(),
            _ => format!(r#"{{"log":"line {number}"}}"#),
        })
        .collect();
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    fill(&chain.bootstrap, "held", i64::try_from(now()? / 1_000_000)?, &values)?;
    let all = messages(&chain.bootstrap, "held", 200)?;
    let alert = all.iter().find(|message| message.value == values[77].as_bytes()).context("no alert's record")?;
    let mut ends = BTreeMap::new();
    for message in &all {
        ends.insert(message.partition, message.offset + 1);
    }
    let config = chain.notifier("retry: { initial: 100ms, max_interval: 200ms }")? + "grace_period: 2s\n";
    let group = chain.inspector();
    let offsets = || committed(&chain.bootstrap, &group, "held");
    // A batch is committed whole: that of the alert not at all, so that the offset may be before its record.
    let is_held = || -> Result<bool> {
        let mut offsets = offsets()?;
        let at_most = offsets.remove(&alert.partition).unwrap_or_default() <= alert.offset;
        let others = ends.iter().filter(|(partition, _)| **partition != alert.partition);
        Ok(at_most && offsets.iter().eq(others))
    };
    for (answer, attempts, is_killed) in
        [(Answer::Unavailable, 3, true), (Answer::HangUp, 3, true), (Answer::TooMany(60), 1, false)]
    {
        webhook.answer(&[], answer);
        let before = webhook.posts().len();
        let notifier = Sluice::run(chain.folder(), "notifier", &config)?;
        eventually("attempts", || Ok(webhook.posts().len() >= before + attempts))?;
        eventually("offsets up to the alert", is_held)?;
        assert_secret(&webhook, "the log", &notifier.log()?);
        if is_killed {
            notifier.kill()?;
        } else {
            let began = Instant::now();
            notifier.stop()?;
            assert!(began.elapsed() < Duration::from_secs(20), "a pause of 60 s held up the stop");
        }
        assert!(is_held()?, "{answer:?}: {:?}, the alert is at {}/{}", offsets()?, alert.partition, alert.offset);
        assert_eq!(webhook.taken(), [""; 0]);
    }

    webhook.answer(&[], Answer::Take);
    let notifier = Sluice::run(chain.folder(), "notifier", &config)?;
    eventually("the alert", || Ok(!webhook.taken().is_empty()))?;
    eventually("offsets up to the end", || Ok(offsets()? == ends))?;
    notifier.stop()?;
    assert_eq!(webhook.taken(), [message("app", "shop", "cart-1", "")]);
    Ok(())
}
