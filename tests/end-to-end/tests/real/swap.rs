use std::{
    collections::BTreeMap,
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use sluice_end_to_end::{Chain, ConfigMap, Sluice, component, elasticsearch, eventually, kafka, messages};
use sluice_node::{Container, Node, Spec, Stream};

use crate::lines::number;

/// The level of line n is the one at n modulo 3.
const LEVELS: [&str; 3] = ["debug", "info", "warn"];

/// While lines flow from a file to the index, the agent's filter gets another config, and the indexer's another
/// component and then a broken one. Every line is judged once: by the old rule up to one place, by the new one after it.
#[test]
fn plugins_change_while_lines_flow_and_each_line_is_judged_once() -> Result<()> {
    let (kafka, elasticsearch) = (kafka()?, elasticsearch()?);
    let chain = Chain::new("swapped", &kafka.bootstrap(), &elasticsearch.url())?;
    let node = Node::new(chain.folder().join("node"))?;
    let filter = fs::read(component("level-filter")?)?;
    let admin = "admin: { listen: \"127.0.0.1:0\" }\n";

    let mut on_node = ConfigMap::new(chain.folder().join("agent-etc"))?;
    let at_least = |level: &str| -> Result<String> {
        let component = component("level-filter")?.display().to_string();
        Ok(chain.agent_with(&format!("{{ name: drop, component: {component}, config: {{ at_least: {level} }} }}"))
            + admin)
    };
    on_node.publish(&[("sluice.yaml", at_least("info")?.as_bytes())])?;
    let mut behind = ConfigMap::new(chain.folder().join("indexer-etc"))?;
    let plugin =
        format!("{{ name: keep, component: {}, config: {{ at_least: info }} }}", behind.path("keep.wasm").display());
    let config = chain.indexer_with(&plugin) + admin;
    behind.publish(&[("sluice.yaml", config.as_bytes()), ("keep.wasm", &filter)])?;

    let writer = Writer::start(node.container(Spec::cri("shop", "web-1", "app"))?);
    let agent = Sluice::run_file(chain.folder(), "agent", &on_node.path("sluice.yaml"))?;
    let indexer = Sluice::run_file(chain.folder(), "indexer", &behind.path("sluice.yaml"))?;
    let mut documents = 0;
    let mut some_more = |count: u64| {
        let wanted = documents + count;
        eventually("more documents", || {
            elasticsearch.refresh("swapped-*")?;
            documents = elasticsearch.count("swapped-*")?;
            Ok(documents >= wanted)
        })
    };
    some_more(200)?;
    on_node.publish(&[("sluice.yaml", at_least("warn")?.as_bytes())])?;
    eventually("the agent's new config", || agent.said("another config of the plugin took over"))?;
    some_more(100)?;
    behind.publish(&[("sluice.yaml", config.as_bytes()), ("keep.wasm", &with_section(&filter))])?;
    eventually("the indexer's new component", || indexer.said("another component of the plugin took over"))?;
    some_more(100)?;
    behind.publish(&[("sluice.yaml", config.as_bytes()), ("keep.wasm", &filter[..filter.len() / 2])])?;
    eventually("a word about the broken one", || indexer.said("a change is refused; what ran before goes on"))?;
    let why = indexer.log()?.lines().find(|line| line.contains("a change is refused")).map(ToOwned::to_owned);
    let why = why.context("no reason")?;
    for word in ["plugin keep", "keep.wasm", "sha256:", "not a valid component"] {
        assert!(why.contains(word), "no {word}: {why}");
    }
    let ready = indexer.ask("/readyz")?;
    assert!(ready.status == 200 && ready.body.contains("not a valid component"), "{ready:?}");
    assert_eq!(indexer.ask("/metrics")?.figures()?["sluice_config_last_reload_successful"], 0.0);
    some_more(100)?;

    let end = writer.finish()?;
    eventually("the last line", || Ok(sent(&kafka.bootstrap())?.contains_key(&(end - 1))))?;
    let books = agent.stop()?;
    assert_eq!(books[0]["read"], json!(end));
    let sent = sent(&kafka.bootstrap())?;
    let count = sent.len() as u64;
    eventually("all documents", || {
        elasticsearch.refresh("swapped-*")?;
        Ok(elasticsearch.count("swapped-*")? >= count)
    })?;
    let books = indexer.stop()?;
    assert_eq!(elasticsearch.count("swapped-*")?, count);
    assert_eq!((&books[0]["read"], &books[0]["delivered"]), (&json!(count), &json!(count)));

    // Once each; all `warn`, no `debug`, and `info` up to one place and no further.
    assert!(sent.values().all(|times| *times == 1), "twice on Kafka: {sent:?}");
    let of =
        |level: usize| -> Vec<u64> { sent.keys().copied().filter(|number| (*number % 3) as usize == level).collect() };
    let written = |level: u64, end: u64| -> Vec<u64> { (0..end).filter(|number| number % 3 == level).collect() };
    assert_eq!(of(0), [0; 0]);
    assert_eq!(of(2), written(2, end));
    let last_info = *of(1).last().context("no info line")?;
    assert_eq!(of(1), written(1, last_info + 1));
    assert!(last_info + 3 < end, "the switch came after the last line: the test shows nothing");
    Ok(())
}

/// How often each line is on Kafka.
fn sent(bootstrap: &str) -> Result<BTreeMap<u64, u32>> {
    let mut sent = BTreeMap::new();
    for message in messages(bootstrap, "swapped", 1)? {
        *sent.entry(number(&serde_json::from_slice::<Value>(&message.value)?)?).or_default() += 1;
    }
    Ok(sent)
}

/// Another component that does the same: a custom section more.
fn with_section(component: &[u8]) -> Vec<u8> {
    [component, &[0, 6, 5], b"newer"].concat()
}

/// Writes numbered lines until it is told to end.
struct Writer {
    is_done: Arc<AtomicBool>,
    thread: JoinHandle<Result<u64>>,
}

impl Writer {
    fn start(mut container: Container) -> Self {
        let is_done = Arc::new(AtomicBool::new(false));
        let done = is_done.clone();
        let thread = thread::spawn(move || {
            let mut number = 0;
            while !done.load(Ordering::Relaxed) || number % 3 != 0 {
                let text = format!(r#"{{"level":"{}","n":{number}}}"#, LEVELS[(number % 3) as usize]);
                container.write(Stream::Stdout, text, 1_700_000_000_000_000_000 + number)?;
                container.flush()?;
                number += 1;
                // As an application does; nobody waits for it.
                thread::sleep(Duration::from_millis(2));
            }
            Ok(number)
        });
        Self { is_done, thread }
    }

    /// How many lines there are now; the last one is `warn`.
    fn finish(self) -> Result<u64> {
        self.is_done.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| anyhow::anyhow!("the writer panicked"))?
    }
}
