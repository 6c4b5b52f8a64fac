//! Asks a new instance about an example's records, and compares what it says.
use std::sync::Arc;

use serde_json::Value;
use sluice_core::encode::Encoding;
use sluice_core::{Batch, Generation, Ledger, Origin, Part, Place, Record, RecordId, Shape, Stream, Watermark};

use super::difference;
use super::outcome::Outcome;
use super::{Example, plugin_name};
use crate::columns::{Columns, Fields};
use crate::component::{Component, Kind};
use crate::fault::Fault;
use crate::limits::Limits;
use crate::link::{self, Link};
use crate::plugin::{OnFault, Plugin};
use crate::verdict::{self, Verdict};

/// What is not as the example expects, a line each.
pub(super) fn run(example: &Example, component: &Component, limits: &Limits) -> Vec<String> {
    let name = plugin_name(example, component.digest);
    let plugin = Plugin::new(&name, component.clone(), &example.config, Some(OnFault::Halt), limits.clone());
    match (plugin, &example.expect.refused) {
        (Ok(_), Some(expected)) => vec![format!("the options are taken, and were to be refused with {expected:?}")],
        (Err(failure), Some(expected)) if failure.text.contains(expected.as_str()) => Vec::new(),
        (Err(failure), Some(expected)) => {
            vec![format!("the options are refused with {:?}, which does not say {expected:?}", failure.text)]
        }
        (Err(failure), None) => vec![format!("its options are refused: {}", failure.text)],
        (Ok(plugin), None) => match ask(example, &Arc::new(plugin)) {
            Ok(outcome) => difference::of(&example.expect, &outcome),
            Err(fault) => vec![fault.in_full()],
        },
    }
}

fn ask(example: &Example, plugin: &Arc<Plugin>) -> Result<Outcome, Fault> {
    let generation = Generation::new(Arc::<Ledger>::default());
    let mut fields = Fields::default();
    let mut link = Link::new(plugin, &mut fields, generation.ledger());
    let batch = batch(example, &generation);
    let mut outcome = if batch.is_empty() {
        Outcome::default()
    } else {
        let verdict = judge(&mut link, &batch, &fields, example.now)?;
        let (batch, _) = verdict.execute(batch, std::slice::from_ref(&link), generation.ledger(), Encoding::default());
        let outcome = Outcome::of(&batch);
        batch.into_parts().receipt.delivered();
        outcome
    };
    if plugin.kind() == Kind::Notifier {
        for tick in &example.ticks {
            let now = example.now.saturating_add(tick.saturating_mul(1_000_000_000));
            let raised = link.tick_once(now)?.into_iter();
            outcome.alerts.extend(raised.map(|raised| verdict::alert(raised, plugin, |item| item)));
        }
    }
    Ok(outcome)
}

fn judge(link: &mut Link, batch: &Batch, fields: &Fields, now: u64) -> Result<Verdict, Fault> {
    let mut verdict = Verdict::new(batch.len());
    let mut columns = Columns::new(batch, fields, 0..batch.len());
    let answer = link.ask_once(&mut columns, verdict.edits(), now)?;
    let plugin = link.plugin.clone();
    verdict.take(link::Outcome { answers: vec![(0, answer)], poison: Vec::new() }, 0, &plugin, &mut columns);
    Ok(verdict)
}

/// The records as an indexer has them: documents of which nothing else is known.
fn batch(example: &Example, generation: &Arc<Generation>) -> Batch {
    let mut watermark = Watermark::new(generation.clone(), ());
    let receipt = watermark.open(example.records.len() as u32, ());
    let mut arena = Vec::new();
    let records =
        example.records.iter().enumerate().map(|(index, document)| record(example, index, document, &mut arena));
    let records = records.collect();
    let place = Arc::new(Place::File { path: format!("example {:?}", example.name) });
    Batch::new(Shape::Documents, place, arena, records, vec![Arc::new(Origin::unknown())], receipt)
}

fn record(example: &Example, index: usize, document: &Value, arena: &mut Vec<u8>) -> Record {
    let start = arena.len() as u32;
    arena.extend_from_slice(document.to_string().as_bytes());
    let end = arena.len() as u32;
    Record {
        start,
        end,
        raw_end: end,
        origin: 0,
        time: example.times.get(index).copied().unwrap_or(example.now),
        timed: true,
        stream: Stream::default(),
        truncated: false,
        part: Part::default(),
        position: index as u64,
        id: RecordId(index as u128),
    }
}
