//! One plugin in its place in a chain.
use std::sync::Arc;
use std::time::Instant;

use sluice_core::{Edits, Ledger, Tally};
use tracing::{error, warn};

use crate::answer::{Answer, Raised};
use crate::bindings;
use crate::breaker::Breaker;
use crate::columns::{Columns, Fields};
use crate::crash::{self, with_replay};
use crate::fault::{Cause, Fault};
use crate::instance::Instance;
use crate::plugin::{OnFault, Plugin};
use crate::trial::Trial;

/// A plugin with an instance of its own.
pub(crate) struct Link {
    pub plugin: Arc<Plugin>,
    /// Of the ledger: what it drops.
    pub dropped: Tally,
    /// The columns that it reads, in its order.
    pub(crate) fields: Vec<usize>,
    running: Option<Box<Instance>>,
    pub(crate) breaker: Breaker,
    /// Ticks hold no records, so their faults are counted apart.
    ticks: Breaker,
    /// Of a version that took over lately.
    pub trial: Option<Trial>,
    /// What it failed on in the present batch is nothing that the version before could have answered for.
    pub excused: bool,
    /// Whether its faults leave crash bundles, where those of its plugin do.
    pub leaves_bundles: bool,
}

/// What a plugin said to the records that are left. Indices are into `columns.alive()`.
#[derive(Default)]
pub(crate) struct Outcome {
    /// Each answer is about the records from the index on that stands beside it.
    pub answers: Vec<(u32, Answer)>,
    /// Ascending: what it has no answer for, and must not go on without.
    pub poison: Vec<(u32, Fault)>,
}

/// The plugin must not be asked again as it is, and no record goes on without it.
#[derive(Debug)]
pub(crate) struct Halt {
    pub plugin: String,
    pub why: String,
    /// Nothing is wrong with the records or the plugin as far as is known: the same may work later.
    pub may_pass: bool,
    /// The plugin is on trial: the version before has to be asked about the same records.
    pub on_trial: bool,
}

impl Link {
    pub fn new(plugin: &Arc<Plugin>, fields: &mut Fields, ledger: &Ledger) -> Self {
        Self {
            fields: plugin.manifest().reads.iter().map(|path| fields.add(path)).collect(),
            dropped: ledger.dropped_by(plugin.name()),
            plugin: plugin.clone(),
            running: None,
            breaker: Breaker::new(Instant::now()),
            ticks: Breaker::new(Instant::now()),
            trial: None,
            excused: false,
            leaves_bundles: true,
        }
    }

    /// Goes on where `old`, a link of the same plugin, was.
    pub fn inherit(&mut self, old: &mut Self) {
        self.running = old.running.take();
        std::mem::swap(&mut self.breaker, &mut old.breaker);
        std::mem::swap(&mut self.ticks, &mut old.ticks);
    }

    fn is_on_trial(&self) -> bool {
        !self.excused && self.trial.as_ref().is_some_and(|trial| trial.runs(Instant::now()))
    }

    /// The next call meets a new instance.
    pub fn forget(&mut self) {
        self.running = None;
    }

    /// Asks the plugin about the records that are left. Others may run while the records that it fails on are found.
    pub async fn ask(&mut self, columns: &mut Columns<'_>, edits: &Edits, now: u64) -> Result<Outcome, Halt> {
        if self.breaker.is_resting() {
            self.plugin.counters().passed(columns.alive().len());
            return Ok(Outcome::default());
        }
        columns.prepare(&self.fields, self.plugin.manifest().times, edits);
        let halts = self.plugin.on_fault() == OnFault::Halt;
        let mut outcome = match self.call_again(columns, now, halts || self.is_on_trial() || columns.alive().len() == 1)
        {
            Ok(answer) => Outcome { answers: vec![(0, answer)], poison: Vec::new() },
            Err(fault) if self.is_on_trial() => {
                return Err(Halt { on_trial: true, ..self.halt(self.shown_again(columns, now, &fault)) });
            }
            Err(fault) if halts => return Err(self.halt(self.shown_again(columns, now, &fault))),
            Err(fault) => self.search(columns, fault, now).await?,
        };
        if self.plugin.manifest().essential {
            self.refuse_unreadable(columns, &mut outcome)?;
        }
        Ok(outcome)
    }

    /// What is absent since nobody can look into the record must not go on as if there were nothing to hide.
    fn refuse_unreadable(&mut self, columns: &Columns, outcome: &mut Outcome) -> Result<(), Halt> {
        for record in columns.unreadable() {
            let fault = self.plugin.fault((self.plugin.kind().call(), Cause::Unreadable));
            if self.plugin.on_fault() == OnFault::Halt {
                return Err(self.halt(fault.to_string()));
            }
            if outcome.poison.iter().all(|(known, _)| *known != record) {
                self.condemn(record, fault, None, outcome)?;
            }
        }
        Ok(())
    }

    /// The same in one call, without looking for the records that it fails on.
    pub fn ask_once(&mut self, columns: &mut Columns<'_>, edits: &Edits, now: u64) -> Result<Answer, Fault> {
        columns.prepare(&self.fields, self.plugin.manifest().times, edits);
        self.call(columns, now)
    }

    /// What a notifier has to say without records, in one call.
    pub fn tick_once(&mut self, now: u64) -> Result<Vec<Raised>, Fault> {
        let mut instance = self.instance()?;
        let ticked = instance.tick(now);
        let answer = ticked.map_err(|failed| Fault { before: instance.answered(), ..self.plugin.fault(failed) })?;
        self.running = Some(instance);
        Ok(match answer {
            Answer::Alerts(alerts) => alerts,
            _ => Vec::new(),
        })
    }

    /// What a notifier has to say without records. An error, which says why, if a version on trial fails.
    pub fn tick(&mut self, now: u64) -> Result<Vec<Raised>, String> {
        if self.ticks.is_resting() {
            return Ok(Vec::new());
        }
        let raised = self.tick_once(now);
        self.plugin.counters().ticked(raised.as_ref().ok().map(Vec::len));
        let fault = match raised {
            Ok(raised) => return Ok(raised),
            Err(fault) => fault,
        };
        let replay = self.plugin.leave_bundle(&fault, || crash::Call::Tick(now));
        if self.is_on_trial() {
            return Err(with_replay(fault.to_string(), replay));
        }
        warn!(plugin = self.plugin.name(), %fault, replay, "the plugin starts anew");
        if self.ticks.fault(Instant::now()) {
            error!(plugin = self.plugin.name(), %fault, "its ticks fail too often; there are none for 30 s");
            self.ticks.rest(Instant::now());
        }
        Ok(Vec::new())
    }

    fn instance(&mut self) -> Result<Box<Instance>, Fault> {
        self.running.take().map_or_else(|| self.plugin.start().map(Box::new), Ok)
    }

    /// One call, and with `again` a second one where the first met an instance that has run before: the fault may be
    /// the instance's own, as of one whose memory has filled up.
    pub(crate) fn call_again(&mut self, columns: &Columns, now: u64, again: bool) -> Result<Answer, Fault> {
        let has_run = self.running.is_some();
        match self.call(columns, now) {
            Err(fault) if again && has_run => {
                let answer = self.call(columns, now);
                // Of two faults the one of the new instance says more, and is left behind by whoever looks for records.
                let replay = answer.as_ref().ok().and_then(|_| self.leave_bundle(columns, now, &fault));
                warn!(plugin = self.plugin.name(), %fault, replay, "the plugin starts anew");
                answer
            }
            answer => answer,
        }
    }

    /// One call; `columns` are prepared. An instance that failed is not kept.
    fn call(&mut self, columns: &Columns, now: u64) -> Result<Answer, Fault> {
        let mut instance = self.instance()?;
        let (views, times) = columns.view(&self.fields, self.plugin.manifest().times);
        let len = columns.alive().len();
        let batch = bindings::Batch { len: len as u32, now, times, columns: &views };
        let started = Instant::now();
        let answer = instance.call(batch);
        self.plugin.counters().called(len, answer.as_ref().ok(), started.elapsed());
        let answer = answer.map_err(|failed| Fault { before: instance.answered(), ..self.plugin.fault(failed) })?;
        self.running = Some(instance);
        Ok(answer)
    }

    /// No record goes on: it takes another version or config.
    pub(crate) fn halt(&self, why: String) -> Halt {
        Halt { plugin: self.plugin.name().to_string(), why, may_pass: false, on_trial: false }
    }
}
