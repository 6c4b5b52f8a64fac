//! Kafka → an index that only counts, by a whole `sluice run`.

use anyhow::Result;

use super::agent::{TOPIC, wait};
use super::index::CountingIndex;
use super::load::Load;
use super::meter::{Figures, Meter, Target};
use super::plugins::Chain;
use super::{Bench, same};
use crate::demo::sluice::Sluice;

/// CPU seconds a GiB of documents.
const TARGET: Target = Target::SecondsPerGib(4.0);

/// Reads what the agent wrote without a plugin. Starting counts as well: it cannot be told from reading.
pub(crate) fn run(bench: &Bench, load: &Load, name: &'static str, chain: Chain) -> Result<Figures> {
    let mut index = CountingIndex::start(&bench.counting_index)?;
    let config = bench.write_config(&format!("index-{}", chain.word()), &config(bench, &index.url, TOPIC, chain))?;
    let mut indexer = Sluice::new(bench.program.clone(), config.clone(), config.with_extension("log"));
    indexer.start()?;
    let mut meter = Meter::whole(indexer.pid()?)?;
    let dropped = if chain.drops_debug() { load.debug_lines } else { 0 };
    wait(bench, &mut indexer, |_| {
        meter.look()?;
        Ok(index.totals()?.documents >= load.lines - dropped)
    })?;
    let totals = index.totals()?;
    same("documents in the index", totals.documents, load.lines - dropped)?;
    // Of dropped documents the index knows nothing; they are as long as the others.
    let bytes = totals.bytes_before * load.lines / totals.documents.max(1);
    println!(
        "a document has {} bytes in Kafka and {} in the index",
        totals.bytes_before / totals.documents.max(1),
        totals.bytes / totals.documents.max(1)
    );
    let figures = meter.figures(name, load.lines, bytes, Some(TARGET))?;
    indexer.stop()?;
    Ok(figures)
}

pub(super) fn config(bench: &Bench, url: &str, topic: &str, chain: Chain) -> String {
    format!(
        r#"pipelines:
  index:
    source: {{ kafka: {{ brokers: ["{kafka}"], group: index-{chain}, topics: [{topic}] }} }}
{plugins}    sink:
      elasticsearch:
        hosts: ["{url}"]
        index: {{ logstash_prefix: kubernetes }}
        flush: {{ interval: 500ms, bytes: 6MiB, concurrency: 8 }}
dead_letter: {{ kafka: {{ brokers: ["{kafka}"], topic: bench-dead }} }}
"#,
        chain = chain.word(),
        plugins = chain.block(&bench.components),
        kafka = bench.kafka.bootstrap(),
    )
}
