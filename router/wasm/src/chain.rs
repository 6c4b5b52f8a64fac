//! The plugins of a pipeline, in order, on one worker.
use std::mem::replace;
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
use crate::plugin::Plugin;
use crate::trial::Reason;
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
        let (fields, mut links) = self.link(plugins.iter());
        for link in &mut links {
            if let Some(old) = self.links.iter_mut().find(|old| Arc::ptr_eq(&old.plugin, &link.plugin)) {
                link.inherit(old);
            }
            link.trial = self.lineup.trial(&link.plugin);
        }
        (self.fields, self.links) = (fields, links);
    }

    /// Links of these plugins, without instances, and the fields that they read.
    fn link<'a>(&self, plugins: impl Iterator<Item = &'a Arc<Plugin>>) -> (Fields, Vec<Link>) {
        let mut fields = Fields::default();
        let links = plugins.map(|plugin| Link::new(plugin, &mut fields, self.generation.ledger())).collect();
        (fields, links)
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
            let verdict = match self.judge(&batch).await {
                Ok(verdict) => Some(verdict),
                Err(halt) if halt.on_trial => self.ask_the_one_before(&batch, halt).await,
                Err(halt) => {
                    self.halted(&batch, halt).await;
                    None
                }
            };
            if let Some(verdict) = verdict {
                self.links.iter_mut().for_each(|link| link.excused = false);
                return self.execute(batch, verdict).await;
            }
        }
    }

    fn tick(&mut self) -> Result<Option<Batch>, Failure> {
        if self.newest.has_changed().unwrap_or(false) {
            self.take_over();
        }
        let (now, mut alerts) = ((self.now)(), Vec::new());
        for link in self.links.iter_mut().filter(|link| link.plugin.kind() == Kind::Notifier) {
            match link.tick(now) {
                Ok(raised) => {
                    alerts.extend(raised.into_iter().map(|raised| verdict::alert(raised, &link.plugin, |item| item)));
                }
                Err(fault) => take_back(&self.lineup, link, fault.to_string()),
            }
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

    /// A version on trial failed: the one that it replaced is asked about the same records. Where that can answer for all
    /// of them, it takes over again, and this is its verdict; nothing of what the other one said takes effect. Where it
    /// cannot, the records are to blame, and are to be judged by the plugin's policy.
    ///
    /// All plugins are asked by new instances, as one that remembers records would take these for repeats.
    async fn ask_the_one_before(&mut self, batch: &Batch, halt: Halt) -> Option<Verdict> {
        let at = self.links.iter().position(|link| link.plugin.name() == halt.plugin)?;
        let trial = self.links[at].trial.clone()?;
        self.links.iter_mut().for_each(Link::forget);
        let mut plugins: Vec<Arc<Plugin>> = self.links.iter().map(|link| link.plugin.clone()).collect();
        plugins[at] = trial.before.clone();
        let (fields, mut links) = self.link(plugins.iter());
        // The fault has left its bundle, and perhaps these do not know yet that they are private.
        links.iter_mut().for_each(|link| link.leaves_bundles = false);
        let (fields, links) = (replace(&mut self.fields, fields), replace(&mut self.links, links));
        let faults = trial.before.counters().read().faults;
        let judged = self.judge(batch).await;
        let did_better = trial.before.counters().read().faults == faults;
        if did_better && let Ok(verdict) = judged {
            let (from, to) = (&trial.plugin, &trial.before);
            if self.lineup.roll_back(from, to, Reason::Fault, halt.why).unwrap_or(false) {
                // The verdict is that of the present links; the next batch meets those of the lineup.
                return Some(verdict);
            }
        }
        (self.fields, self.links) = (fields, links);
        self.links[at].excused = true;
        None
    }

    /// Waits for other plugins. Then all are asked again, by new instances: one that remembers records would take
    /// these for repeats.
    async fn halted(&mut self, batch: &Batch, Halt { plugin, why, may_pass, .. }: Halt) {
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

/// Without records there is nothing that the version before could be asked about.
fn take_back(lineup: &Lineup, link: &Link, why: String) {
    if let Some(trial) = &link.trial {
        // If what runs is another one by now, that is as good.
        let _ = lineup.roll_back(&trial.plugin, &trial.before, Reason::Fault, why);
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
