//! One plugin in its place in a chain: it is asked, and what it cannot answer for is found out.
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sluice_core::{Edits, Ledger, Tally};
use tracing::{error, warn};

use crate::answer::{Answer, Raised};
use crate::bindings;
use crate::breaker::{Breaker, MOST};
use crate::columns::{Columns, Fields};
use crate::fault::Fault;
use crate::instance::Instance;
use crate::plugin::{OnFault, Plugin};

/// How long the search for the records that a plugin fails on may take, for one call.
const SEARCH: Duration = Duration::from_secs(20);

/// A plugin with an instance of its own.
pub(crate) struct Link {
    pub plugin: Arc<Plugin>,
    /// Of the ledger: what it drops.
    pub dropped: Tally,
    /// The columns that it reads, in its order.
    fields: Vec<usize>,
    running: Option<Instance>,
    breaker: Breaker,
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
}

impl Link {
    pub fn new(plugin: &Arc<Plugin>, fields: &mut Fields, ledger: &Ledger) -> Self {
        Self {
            fields: plugin.manifest().reads.iter().map(|path| fields.add(path)).collect(),
            dropped: ledger.dropped_by(plugin.name()),
            plugin: plugin.clone(),
            running: None,
            breaker: Breaker::new(Instant::now()),
        }
    }

    /// Goes on where `old`, a link of the same plugin, was.
    pub fn inherit(&mut self, old: &mut Self) {
        self.running = old.running.take();
        std::mem::swap(&mut self.breaker, &mut old.breaker);
    }

    /// Asks the plugin about the records that are left.
    pub fn ask(&mut self, columns: &mut Columns, edits: &Edits, now: u64) -> Result<Outcome, Halt> {
        if self.breaker.is_resting() {
            self.plugin.counters().passed(columns.alive().len());
            return Ok(Outcome::default());
        }
        columns.prepare(&self.fields, self.plugin.manifest().times, edits);
        match self.call(columns, now) {
            Ok(answer) => Ok(Outcome { answers: vec![(0, answer)], poison: Vec::new() }),
            Err(fault) if self.plugin.on_fault() == OnFault::Halt => Err(self.halt(fault.to_string())),
            Err(fault) => self.search(columns, fault, now),
        }
    }

    /// What a notifier has to say without records.
    pub fn tick(&mut self, now: u64) -> Vec<Raised> {
        if self.breaker.is_resting() {
            return Vec::new();
        }
        let answer = self.instance().and_then(|mut instance| {
            let answer = instance.tick(now).map_err(|failed| self.plugin.fault(failed))?;
            self.running = Some(instance);
            Ok(answer)
        });
        self.plugin.counters().ticked(answer.as_ref().ok().map(|answer| match answer {
            Answer::Alerts(alerts) => alerts.len(),
            _ => 0,
        }));
        match answer {
            Ok(Answer::Alerts(alerts)) => alerts,
            Ok(_) => Vec::new(),
            Err(fault) => {
                warn!(plugin = self.plugin.name(), %fault, "the plugin starts anew");
                if self.breaker.fault(Instant::now()) {
                    self.rest(&fault);
                }
                Vec::new()
            }
        }
    }

    fn instance(&mut self) -> Result<Instance, Fault> {
        self.running.take().map_or_else(|| self.plugin.start(), Ok)
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
        let answer = answer.map_err(|failed| self.plugin.fault(failed))?;
        self.running = Some(instance);
        Ok(answer)
    }

    /// Halves the records of a call that failed until those are found that it fails on; the others get their answers.
    fn search(&mut self, columns: &Columns, first: Fault, now: u64) -> Result<Outcome, Halt> {
        let (len, began) = (columns.alive().len() as u32, Instant::now());
        let mut outcome = Outcome::default();
        // Parts that are still to be looked at, the first on top; of the whole the fault is known.
        let (mut parts, mut known) = (Vec::from_iter(std::iter::once(0..len)), Some(first));
        while let Some(part) = parts.pop() {
            let answer = match known.take() {
                Some(fault) => Err(fault),
                None => self.call(&columns.part(&part), now),
            };
            match answer {
                Ok(answer) => outcome.answers.push((part.start, answer)),
                Err(fault) if !is_about_records(&fault) || began.elapsed() > SEARCH => {
                    return self.give_up(outcome, &fault, part.start..len);
                }
                Err(fault) if part.len() == 1 => {
                    let too_many = self.breaker.fault(Instant::now());
                    if too_many {
                        return self.give_up(outcome, &fault, part.start..len);
                    }
                    self.put_aside(part.start, fault, &mut outcome);
                }
                Err(_) => {
                    let middle = part.start + part.len() as u32 / 2;
                    parts.extend([middle..part.end, part.start..middle]);
                }
            }
        }
        Ok(outcome)
    }

    fn put_aside(&self, record: u32, fault: Fault, outcome: &mut Outcome) {
        let plugin = self.plugin.name();
        if self.plugin.on_fault() == OnFault::Pass {
            warn!(plugin, %fault, "a record goes on without the plugin's answer");
            self.plugin.counters().passed(1);
        } else {
            warn!(plugin, %fault, "a record goes to the dead-letter topic");
            outcome.poison.push((record, fault));
        }
    }

    /// Too much fails: the plugin is left alone, or halted.
    fn give_up(&mut self, outcome: Outcome, fault: &Fault, unasked: Range<u32>) -> Result<Outcome, Halt> {
        if self.plugin.on_fault() != OnFault::Pass {
            let why = if is_about_records(fault) {
                format!("more than {MOST} records failed within a minute: ")
            } else {
                String::new()
            };
            return Err(self.halt(format!("{why}{fault}")));
        }
        self.plugin.counters().passed(unasked.len());
        self.rest(fault);
        Ok(outcome)
    }

    fn rest(&mut self, fault: &Fault) {
        error!(plugin = self.plugin.name(), %fault, "fails too often; it is left out for 30 s, and records go on without its answer");
        self.breaker.rest(Instant::now());
    }

    fn halt(&self, why: String) -> Halt {
        Halt { plugin: self.plugin.name().to_string(), why }
    }
}

/// False where the plugin did not even start: no record is to blame.
fn is_about_records(fault: &Fault) -> bool {
    !matches!(fault.call, "instantiate" | "configure")
}
