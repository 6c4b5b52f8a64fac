//! Kafka → exceptions → a webhook that nobody calls, by a whole `sluice run`.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Context, Result, bail};

use super::agent::{TOPIC, wait};
use super::load::Load;
use super::meter::{Figures, Meter, Target};
use super::plugins::Chain;
use super::{Bench, same};
use crate::demo::sluice::Sluice;

pub(crate) const NAME: &str = "notifier";

/// CPU time a record.
const TARGET: Target = Target::MicrosecondsPerRecord(0.4);

/// Reads what the agent wrote, in which there is no exception. Starting counts as well: it cannot be told from reading.
pub(crate) fn run(bench: &Bench, load: &Load) -> Result<Figures> {
    let webhook = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port on 127.0.0.1")?;
    webhook.set_nonblocking(true)?;
    let url = bench.folder.path().join("slack-url");
    std::fs::write(&url, format!("http://{}/", webhook.local_addr()?)).context("cannot write the webhook's address")?;
    let config = format!(
        r#"pipelines:
  alert:
    source: {{ kafka: {{ brokers: ["{kafka}"], group: bench-alert, topics: [{TOPIC}] }} }}
{plugins}    sink:
      slack: {{ webhook: {{ file: "{url}" }}, max_age: off }}
"#,
        plugins = Chain::ExceptionNotifier.block(&bench.components),
        kafka = bench.kafka.bootstrap(),
        url = url.display(),
    );
    let config = bench.write_config(NAME, &config)?;
    let mut notifier = Sluice::new(bench.program.clone(), config.clone(), config.with_extension("log"));
    notifier.start()?;
    let mut meter = Meter::whole(notifier.pid()?)?;
    wait(bench, &mut notifier, |notifier| {
        meter.look()?;
        Ok(notifier.books().is_some_and(|books| books.delivered >= load.lines))
    })?;
    let figures = meter.figures(NAME, load.lines, load.bytes, Some(TARGET))?;
    let books = notifier.stop()?.unwrap_or_default();
    same("records delivered by the notifier", books.delivered, load.lines)?;
    match webhook.accept() {
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(figures),
        Ok(_) => bail!("the webhook was called, and no record has an exception"),
        Err(error) => Err(error).context("the webhook cannot accept"),
    }
}
