//! Records pass plugins one after another, so that it is known of each record which plugin did what.

use std::{
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Result, anyhow, bail};
use sluice_core::{
    Alert, Batch, DeadLetter, DeadLetters, Failure, Generation, Ledger, Origin, Place, Record, RecordId, Shape, Stream,
    Watermark, encode::Encoding, pipeline::Transform,
};
use sluice_wasm::{Chain, Lineup, Plugin};
use tokio::runtime::Runtime;

use super::input::Input;

/// Between two looks whether a plugin was halted.
const LOOK: Duration = Duration::from_millis(20);

/// Plugins in the order in which a record passes them.
pub struct Play {
    stages: Vec<Stage>,
    runtime: Runtime,
}

struct Stage {
    plugin: String,
    lineup: Arc<Lineup>,
    chain: Chain<Letters>,
    letters: Arc<Letters>,
    ledger: Arc<Ledger>,
}

/// What became of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Played {
    pub input: Input,
    pub fate: Fate,
    pub alerts: Vec<Alert>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It goes on as it was.
    Kept,
    /// It goes on as this JSON object.
    Changed(Vec<u8>),
    /// By the plugin of this name.
    Dropped(String),
    /// A plugin has no answer for it: what it would say in the dead-letter topic.
    Failed(String),
}

impl Play {
    /// Fails if the plugins do not fit together.
    pub fn new(plugins: &[Arc<Plugin>]) -> Result<Self> {
        // The rules for the whole chain; each plugin then gets a chain of its own.
        Lineup::new(plugins.to_vec(), true).map_err(|failure| anyhow!("{}: {}", failure.component, failure.text))?;
        let stages = plugins.iter().map(Stage::new).collect::<Result<_>>()?;
        Ok(Self { stages, runtime: runtime()? })
    }

    /// What becomes of each record, in order.
    pub fn play(&mut self, inputs: Vec<Input>) -> Result<Vec<Played>> {
        let mut played: Vec<Played> =
            inputs.into_iter().map(|input| Played { input, fate: Fate::Kept, alerts: Vec::new() }).collect();
        for stage in &mut self.stages {
            stage.play(&self.runtime, &mut played)?;
        }
        Ok(played)
    }

    /// What notifiers have to say without records.
    pub fn tick(&mut self) -> Result<Vec<Alert>> {
        let mut alerts = Vec::new();
        for stage in &mut self.stages {
            let batch = stage.chain.tick().map_err(|failure| anyhow!("{}: {}", stage.plugin, failure.text))?;
            alerts.extend(batch.map(|batch| batch.alerts().to_vec()).unwrap_or_default());
        }
        Ok(alerts)
    }
}

impl Stage {
    fn new(plugin: &Arc<Plugin>) -> Result<Self> {
        let lineup = Lineup::new(vec![plugin.clone()], true).map_err(|failure| anyhow!("{}", failure.text))?;
        let (ledger, letters) = (Arc::new(Ledger::default()), Arc::new(Letters::default()));
        let generation = Generation::new(ledger.clone());
        let chain = Chain::new(&lineup, &generation, Some(letters.clone()), Encoding::default());
        Ok(Self { plugin: plugin.name().to_owned(), lineup, chain, letters, ledger })
    }

    /// Shows the plugin what is left of the records.
    fn play(&mut self, runtime: &Runtime, played: &mut [Played]) -> Result<()> {
        let left: Vec<usize> =
            (0..played.len()).filter(|index| matches!(played[*index].fate, Fate::Kept | Fate::Changed(_))).collect();
        if left.is_empty() {
            return Ok(());
        }
        let batch = self.batch(&left, played);
        let mut batch = runtime.block_on(apply(&mut self.chain, &self.lineup, batch))?;
        for index in &left {
            // Who is still there is said next; who failed is in the letters.
            let document = match std::mem::replace(&mut played[*index].fate, Fate::Dropped(self.plugin.clone())) {
                Fate::Changed(document) => Some(document),
                _ => None,
            };
            let at = batch.records().binary_search_by_key(&(*index as u64), |record| record.position);
            let Ok(at) = at else { continue };
            let edited = batch.edits().is_some_and(|edits| edits.is_edited(at));
            played[*index].fate = match (edited, document) {
                (true, _) => {
                    let mut bytes = Vec::new();
                    Encoding::default().append(&batch, at, &mut bytes);
                    Fate::Changed(bytes)
                }
                (false, Some(document)) => Fate::Changed(document),
                (false, None) => Fate::Kept,
            };
        }
        for alert in batch.alerts() {
            let position = alert.item.and_then(|item| batch.records().get(item as usize)).map(|record| record.position);
            let index = position.map_or(left[left.len() - 1], |position| position as usize);
            played[index].alerts.push(alert.clone());
        }
        for (position, detail) in self.letters.take() {
            if let Some(played) = played.get_mut(position as usize) {
                played.fate = Fate::Failed(detail);
            }
        }
        batch.take_receipt().delivered();
        Ok(())
    }

    /// A record's position is its index in `played`.
    fn batch(&self, left: &[usize], played: &[Played]) -> Batch {
        let rows = left.iter().map(|index| {
            let Played { input, fate, .. } = &played[*index];
            let document = if let Fate::Changed(document) = fate { document } else { &input.document };
            (*index, input.time, document.as_slice())
        });
        batch(&self.ledger, rows)
    }
}

/// Documents with their positions and times.
fn batch<'a>(ledger: &Arc<Ledger>, rows: impl ExactSizeIterator<Item = (usize, u64, &'a [u8])>) -> Batch {
    let mut watermark = Watermark::new(Generation::new(ledger.clone()), 0u64);
    let receipt = watermark.open(rows.len() as u32, rows.len() as u64);
    let mut arena = Vec::new();
    let records = rows.map(|(index, time, document)| {
        let start = arena.len() as u32;
        arena.extend_from_slice(document);
        Record {
            start,
            end: arena.len() as u32,
            raw_end: arena.len() as u32,
            origin: 0,
            time,
            timed: true,
            stream: Stream::Stdout,
            truncated: false,
            part: Default::default(),
            position: index as u64,
            id: RecordId(index as u128),
        }
    });
    let records = records.collect();
    let place = Arc::new(Place::File { path: "input".to_owned() });
    Batch::new(Shape::Documents, place, arena, records, vec![Arc::new(Origin::unknown())], receipt)
}

/// Asks one plugin and looks at the clock.
pub struct Meter {
    stage: Stage,
    runtime: Runtime,
}

impl Meter {
    pub fn new(plugin: &Arc<Plugin>) -> Result<Self> {
        Ok(Self { stage: Stage::new(plugin)?, runtime: runtime()? })
    }

    /// How long the chain takes for the records, as one batch.
    pub fn ask(&mut self, inputs: &[Input]) -> Result<Duration> {
        let Stage { chain, lineup, ledger, letters, .. } = &mut self.stage;
        let rows = inputs.iter().enumerate().map(|(index, input)| (index, input.time, input.document.as_slice()));
        let batch = batch(ledger, rows);
        let began = Instant::now();
        let mut batch = self.runtime.block_on(apply(chain, lineup, batch))?;
        let took = began.elapsed();
        batch.take_receipt().delivered();
        letters.take();
        Ok(took)
    }
}

fn runtime() -> Result<Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_time().build()?)
}

/// The batch as the plugin leaves it. A chain whose plugin was halted would wait for another version for ever.
pub async fn apply<D: DeadLetters>(chain: &mut Chain<D>, lineup: &Lineup, batch: Batch) -> Result<Batch> {
    let mut applying = pin!(chain.apply(batch));
    loop {
        match tokio::time::timeout(LOOK, applying.as_mut()).await {
            Ok(applied) => return applied.map_err(|failure| anyhow!("{}: {}", failure.component, failure.text)),
            Err(_) => {
                if let Some(why) = lineup.halted() {
                    bail!("{why}");
                }
            }
        }
    }
}

/// Remembers which records went to the dead letters, and why.
#[derive(Default)]
pub struct Letters(Mutex<Vec<(u64, String)>>);

impl Letters {
    fn take(&self) -> Vec<(u64, String)> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl DeadLetters for Letters {
    async fn send(&self, letter: DeadLetter) -> Result<(), Failure> {
        let DeadLetter { position, detail, receipt, tally, .. } = letter;
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((position, detail));
        receipt.dead_lettered(&tally);
        Ok(())
    }
}
