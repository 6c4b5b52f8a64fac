//! What processes use that have nothing to do.

use std::time::{Duration, Instant};

use anyhow::Result;
use sluice_node::{Container, Node, Spec, Stream};

use super::index::CountingIndex;
use super::meter::{Meter, verdict};
use super::plugins::Chain;
use super::{Bench, agent, indexer};
use crate::demo::sluice::Sluice;

const FILES: usize = 50;
/// After a process has done what there was: connections, caches and allocators come to rest.
const SETTLE: Duration = Duration::from_secs(5);
const WATCH: Duration = Duration::from_secs(20);
/// Per cent of one core.
const CPU_TARGET: f64 = 1.0;

/// An agent with three plugins and quiet files, then an indexer with a topic to which nothing comes.
pub(crate) fn run(bench: &Bench) -> Result<()> {
    let node = Node::new(bench.folder.path().join("quiet"))?;
    let mut containers: Vec<Container> = (0..FILES)
        .map(|n| node.container(Spec::cri("shop", &format!("quiet-7d4b9c6f5-{n:05}"), "app")))
        .collect::<Result<_, _>>()?;
    for container in &mut containers {
        container.write(Stream::Stdout, r#"{"level":"info","msg":"started"}"#, 1_700_000_000_000_000_001)?;
        container.flush()?;
    }
    const TOPIC: &str = "bench-idle";
    let config = agent::config(bench, &node.include(), TOPIC, Chain::Three);
    let agent =
        watch(bench, "agent", &config, |agent| Ok(agent.books().is_some_and(|books| books.delivered >= FILES as u64)))?;
    let mut index = CountingIndex::start(&bench.counting_index)?;
    let config = indexer::config(bench, &index.url, TOPIC, Chain::None);
    let indexer = watch(bench, "indexer", &config, |_| Ok(index.totals()?.documents >= FILES as u64))?;
    println!("\n{:<40} {:>14} {:>10}", "idle", "CPU % of a core", "RSS MiB");
    for (name, (cpu, kib)) in [("agent, three plugins, 50 quiet files", agent), ("indexer", indexer)] {
        println!("{name:<40} {cpu:>14.2} {:>10}{}", kib / 1024, verdict(cpu, CPU_TARGET, "% of a core"));
    }
    Ok(())
}

/// CPU in per cent of a core, and resident memory in KiB, of a process that is `ready` and has come to rest.
fn watch(bench: &Bench, name: &str, config: &str, ready: impl FnMut(&Sluice) -> Result<bool>) -> Result<(f64, u64)> {
    let config = bench.write_config(&format!("idle-{name}"), config)?;
    let mut sluice = Sluice::new(bench.program.clone(), config.clone(), config.with_extension("log"));
    sluice.start()?;
    agent::wait(bench, &mut sluice, ready)?;
    let settled = Instant::now() + SETTLE;
    agent::wait(bench, &mut sluice, |_| Ok(Instant::now() >= settled))?;
    let (meter, start) = (Meter::start(sluice.pid()?)?, Instant::now());
    agent::wait(bench, &mut sluice, |_| Ok(start.elapsed() >= WATCH))?;
    let used = (100.0 * meter.cpu()?.as_secs_f64() / start.elapsed().as_secs_f64(), meter.memory()?);
    sluice.stop()?;
    Ok(used)
}
