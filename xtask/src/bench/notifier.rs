//! Kafka → exceptions → a webhook that nobody calls, by a whole `sluice run`.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Context, Result, bail};

use super::agent::{TOPIC, wait};
use super::load::Load;
use super::meter::{Figures, Meter};
use super::plugins::Chain;
use super::{Bench, same};
use crate::demo::sluice::{Lag, Sluice};

/// CPU time a record in microseconds that the notifier may add to what reading Kafka takes.
pub(crate) const TARGET: f64 = 0.4;

/// Reads what the agent wrote, in which there is no exception. What starting costs is measured by a second process, which
/// finds nothing left to read, and taken off.
pub(crate) fn run(bench: &Bench, load: &Load, name: &'static str, chain: Chain) -> Result<Figures> {
    let run = format!("bench-{}", chain.word());
    let webhook = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port on 127.0.0.1")?;
    webhook.set_nonblocking(true)?;
    let url = bench.folder.path().join("slack-url");
    std::fs::write(&url, format!("http://{}/", webhook.local_addr()?)).context("cannot write the webhook's address")?;
    let config = format!(
        r#"pipelines:
  alert:
    source: {{ kafka: {{ brokers: ["{kafka}"], group: {run}, topics: [{TOPIC}] }} }}
{plugins}    sink:
      slack: {{ webhook: {{ file: "{url}" }}, max_age: off }}
"#,
        plugins = chain.block(&bench.components),
        kafka = bench.kafka.bootstrap(),
        url = url.display(),
    );
    let config = bench.write_config(&run, &config)?;
    let mut notifier = Sluice::new(bench.program.clone(), config.clone(), config.with_extension("log"));
    notifier.start()?;
    let mut meter = Meter::whole(notifier.pid()?)?;
    wait(bench, &mut notifier, |notifier| {
        meter.look()?;
        Ok(notifier.books().is_some_and(|books| books.dropped >= load.lines))
    })?;
    let figures = meter.figures(name, load.lines, load.bytes, None)?;
    let books = notifier.stop()?.unwrap_or_default();
    same("records that the notifier found nothing in", books.dropped, load.lines)?;
    same("records delivered by the notifier", books.delivered, 0)?;
    notifier.start()?;
    let meter = Meter::whole(notifier.pid()?)?;
    wait(bench, &mut notifier, |notifier| {
        Ok(notifier.books().is_some_and(|books| books.lag.is_some_and(Lag::is_none)))
    })?;
    let start = meter.cpu()?;
    let books = notifier.stop()?.unwrap_or_default();
    same("records read again by the notifier", books.read, 0)?;
    match webhook.accept() {
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(figures.without(start)),
        Ok(_) => bail!("the webhook was called, and no record has an exception"),
        Err(error) => Err(error).context("the webhook cannot accept"),
    }
}
