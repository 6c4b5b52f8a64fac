//! The plugins of a pipeline, in order, on one worker.
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sluice_core::encode::Encoding;
use sluice_core::pipeline::Transform;
use sluice_core::{Batch, DeadLetters, Failure, Generation};
use tokio::sync::watch;
use tokio::time::timeout;
use tracing::{error, info};

use crate::columns::{Columns, Fields};
use crate::component::Kind;
use crate::lineup::{Lineup, Plugins};
use crate::link::{Halt, Link};
use crate::verdict::{self, Verdict};

/// What one call may carry at most: a bound on the plugin's memory. A longer batch takes several calls.
const RECORDS: usize = 8192;
const BYTES: usize = 4 << 20;
/// After this a plugin that could not be started is tried again.
const TRY_AGAIN: Duration = Duration::from_secs(30);

/// Runs each batch through the plugins. What they drop is resolved in the batch's receipt under the plugin's name;
/// what they cannot answer for is found out record by record, and leaves by the plugin's `on_fault`.
///
/// A batch sees one version of the plugins, whole: nothing of what they say takes effect before the last has answered.
pub struct Chain<D> {
    lineup: Arc<Lineup>,
    newest: watch::Receiver<Plugins>,
    fields: Fields,
    links: Vec<Link>,
    generation: Arc<Generation>,
    dead_letters: Option<Arc<D>>,
    encoding: Encoding,
    now: fn() -> u64,
}

impl<D> Chain<D> {
    /// A chain with instances of its own. `encoding` is how a line looks in a dead letter.
    pub fn new(
        lineup: &Arc<Lineup>,
        generation: &Arc<Generation>,
        dead_letters: Option<Arc<D>>,
        encoding: Encoding,
    ) -> Self {
        lineup.set_halted(None);
        let mut chain = Self {
            lineup: lineup.clone(),
            newest: lineup.subscribe(),
            fields: Fields::default(),
            links: Vec::new(),
            generation: generation.clone(),
            dead_letters,
            encoding,
            now: unix_nanoseconds,
        };
        chain.take_over();
        chain
    }

    /// Makes links of the newest plugins. A plugin that stayed goes on with its instance.
    fn take_over(&mut self) {
        let plugins = self.newest.borrow_and_update().clone();
        let (mut fields, mut before) = (Fields::default(), std::mem::take(&mut self.links));
        for plugin in plugins.iter() {
            let mut link = Link::new(plugin, &mut fields, self.generation.ledger());
            if let Some(old) = before.iter_mut().find(|old| Arc::ptr_eq(&old.plugin, plugin)) {
                link.inherit(old);
            }
            self.links.push(link);
        }
        self.fields = fields;
    }

    async fn judge(&mut self, batch: &Batch) -> Result<Verdict, Halt> {
        let mut verdict = Verdict::new(batch.len());
        let now = (self.now)();
        for window in windows(batch) {
            let mut columns = Columns::new(batch, &self.fields, window);
            for (index, link) in self.links.iter_mut().enumerate() {
                if columns.alive().is_empty() {
                    break;
                }
                let outcome = link.ask(&mut columns, verdict.edits(), now).await?;
                verdict.take(outcome, index, &link.plugin, &mut columns);
            }
        }
        Ok(verdict)
    }
}

impl<D: DeadLetters> Transform for Chain<D> {
    async fn apply(&mut self, batch: Batch) -> Result<Batch, Failure> {
        loop {
            if self.newest.has_changed().unwrap_or(false) {
                self.take_over();
            }
            if self.links.is_empty() || batch.is_empty() {
                return Ok(batch);
            }
            match self.judge(&batch).await {
                Ok(verdict) => return self.execute(batch, verdict).await,
                Err(halt) => self.halted(&batch, halt).await,
            }
        }
    }

    fn tick(&mut self) -> Result<Option<Batch>, Failure> {
        if self.newest.has_changed().unwrap_or(false) {
            self.take_over();
        }
        let (now, mut alerts) = ((self.now)(), Vec::new());
        for link in self.links.iter_mut().filter(|link| link.plugin.kind() == Kind::Notifier) {
            let raised = link.tick(now);
            alerts.extend(raised.into_iter().map(|raised| verdict::alert(raised, &link.plugin, |item| item)));
        }
        Ok((!alerts.is_empty()).then(|| Batch::of_alerts(&self.generation, alerts)))
    }
}

impl<D: DeadLetters> Chain<D> {
    async fn execute(&self, batch: Batch, verdict: Verdict) -> Result<Batch, Failure> {
        let (batch, letters) = verdict.execute(batch, &self.links, self.generation.ledger(), self.encoding);
        for letter in letters {
            let Some(dead_letters) = &self.dead_letters else {
                return Err(Failure::fatal("plugins", "have a record for the dead-letter topic, and there is none"));
            };
            dead_letters.send(letter).await?;
        }
        Ok(batch)
    }

    /// Waits for other plugins. Then all are asked again, by new instances: one that remembers records would take
    /// these for repeats.
    async fn halted(&mut self, batch: &Batch, Halt { plugin, why, may_pass }: Halt) {
        let (records, place) = (batch.len(), batch.place());
        error!(
            plugin,
            records,
            %place,
            "halted: {why}; its records, and everything behind them, wait for another version or config of this plugin"
        );
        self.links.iter_mut().for_each(Link::forget);
        self.lineup.set_halted(Some(format!("plugin {plugin}: {why}")));
        let changed = if may_pass {
            timeout(TRY_AGAIN, self.newest.changed()).await.unwrap_or(Ok(()))
        } else {
            self.newest.changed().await
        };
        if changed.is_err() {
            // Nobody is left who could replace it.
            std::future::pending::<()>().await;
        }
        self.take_over();
        // They may have been replaced while the fault was found out.
        self.lineup.set_halted(None);
        info!(plugin, "the records that waited are judged anew");
    }
}

/// Cuts a batch into what one call may carry.
fn windows(batch: &Batch) -> Vec<Range<usize>> {
    let (mut windows, mut start, mut bytes) = (Vec::new(), 0, 0);
    for (index, record) in batch.records().iter().enumerate() {
        let size = (record.end - record.start) as usize;
        if index > start && (index - start == RECORDS || bytes + size > BYTES) {
            windows.push(start..index);
            (start, bytes) = (index, 0);
        }
        bytes += size;
    }
    windows.push(start..batch.len());
    windows
}

fn unix_nanoseconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64)
}

impl<D> std::fmt::Debug for Chain<D> {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.debug_list().entries(self.links.iter().map(|link| link.plugin.name())).finish()
    }
}
