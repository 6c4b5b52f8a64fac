//! Log files → Kafka, by a whole `sluice run`.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::load::Load;
use super::meter::{Figures, LOOK, Meter};
use super::{Bench, same};
use crate::demo::sluice::Sluice;

/// CPU seconds a GiB, with lz4.
const TARGET: f64 = 12.0;
const PATIENCE: Duration = Duration::from_secs(900);

/// Where the records of a run without plugin go, for the indexer to read.
pub(crate) const TOPIC: &str = "bench-plain";
const FILTERED: &str = "bench-filtered";

pub(crate) fn run(bench: &Bench, load: &Load, name: &'static str, with_plugin: bool) -> Result<Figures> {
    let topic = if with_plugin { FILTERED } else { TOPIC };
    let config = bench.write_config(name, &config(bench, load, topic, with_plugin))?;
    let mut agent = Sluice::new(bench.program.clone(), config.clone(), config.with_extension("log"));
    agent.start()?;
    wait(bench, &mut agent, |agent| Ok(agent.books().is_some()))?;
    let mut meter = Meter::start(agent.pid()?)?;
    load.show()?;
    wait(bench, &mut agent, |agent| {
        meter.look()?;
        Ok(agent.books().is_some_and(|books| books.delivered + books.dropped >= load.lines))
    })?;
    let figures = meter.figures(name, load.lines, load.bytes, Some(TARGET))?;
    let books = agent.stop()?.unwrap_or_default();
    load.hide()?;
    let dropped = if with_plugin { load.debug_lines } else { 0 };
    same("records dropped by the agent", books.dropped, dropped)?;
    same("records delivered by the agent", books.delivered, load.lines - dropped)?;
    Ok(figures)
}

/// Looks every [`LOOK`] until `done`.
pub(super) fn wait(bench: &Bench, sluice: &mut Sluice, mut done: impl FnMut(&Sluice) -> Result<bool>) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while !done(sluice)? {
        bench.interrupt.check()?;
        sluice.check()?;
        if Instant::now() > deadline {
            bail!("not done within {} s; see {}", PATIENCE.as_secs(), sluice.log.display());
        }
        thread::sleep(LOOK);
    }
    Ok(())
}

fn config(bench: &Bench, load: &Load, topic: &str, with_plugin: bool) -> String {
    format!(
        r#"pipelines:
  ship:
    source:
      files:
        include: ["{include}"]
        host: bench-node
        checkpoints: "{checkpoints}"
{plugins}    sink:
      kafka: {{ brokers: ["{kafka}"], topic: {topic}, acks: 1, compression: lz4, include_tag: true, include_time: true }}
"#,
        include = load.include(),
        checkpoints = bench.folder.path().join(format!("checkpoints-{topic}")).display(),
        plugins = bench.plugins(with_plugin),
        kafka = bench.kafka.bootstrap(),
    )
}
