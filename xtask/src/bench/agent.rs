//! Log files → Kafka, by a whole `sluice run`.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::load::Load;
use super::meter::{Figures, LOOK, Meter, Target};
use super::plugins::Chain;
use super::{Bench, same};
use crate::demo::sluice::Sluice;

/// CPU seconds a GiB, with lz4.
const TARGET: Target = Target::SecondsPerGib(12.0);
const PATIENCE: Duration = Duration::from_secs(900);

/// Where the records of the first run without plugins go, for the others to read.
pub(crate) const TOPIC: &str = "bench-none-1";

/// Ships all of `load` in the `round`th run with this chain.
pub(crate) fn run(bench: &Bench, load: &Load, name: &'static str, chain: Chain, round: usize) -> Result<Figures> {
    let run = format!("bench-{}-{round}", chain.word());
    let config = bench.write_config(&run, &config(bench, &load.include(), &run, chain))?;
    let mut agent = Sluice::new(bench.program.clone(), config.clone(), config.with_extension("log"));
    agent.start()?;
    wait(bench, &mut agent, |agent| Ok(agent.books().is_some()))?;
    let mut meter = Meter::start(agent.pid()?)?;
    load.show()?;
    wait(bench, &mut agent, |agent| {
        meter.look()?;
        Ok(agent.books().is_some_and(|books| books.delivered + books.dropped >= load.lines))
    })?;
    let figures = meter.figures(name, load.lines, load.bytes, (chain != Chain::Three).then_some(TARGET))?;
    let books = agent.stop()?.unwrap_or_default();
    load.hide()?;
    let dropped = if chain.drops_debug() { load.debug_lines } else { 0 };
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

/// `run` is the topic, and part of the names of files.
pub(super) fn config(bench: &Bench, include: &str, run: &str, chain: Chain) -> String {
    format!(
        r#"pipelines:
  ship:
    source:
      files:
        include: ["{include}"]
        host: bench-node
        checkpoints: "{checkpoints}"
{plugins}    sink:
      kafka: {{ brokers: ["{kafka}"], topic: {run}, acks: 1, compression: lz4, include_tag: true, include_time: true }}
dead_letter: {{ kafka: {{ brokers: ["{kafka}"], topic: bench-dead }} }}
"#,
        checkpoints = bench.folder.path().join(format!("checkpoints-{run}")).display(),
        plugins = chain.block(&bench.components),
        kafka = bench.kafka.bootstrap(),
    )
}
