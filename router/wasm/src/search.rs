//! Finds the records that a plugin fails on: a call that failed is halved until single records are left.
use std::ops::Range;
use std::time::{Duration, Instant};

use tokio::task::yield_now;
use tracing::{error, warn};

use crate::breaker::MOST;
use crate::columns::Columns;
use crate::crash::with_replay;
use crate::fault::Fault;
use crate::limits::thread_cpu_time;
use crate::link::{Halt, Link, Outcome};
use crate::plugin::OnFault;

/// CPU time that the search for one call may take: a record that loops costs the limit of a call for each halving.
const LONGEST: Duration = Duration::from_secs(20);
/// Bytes that the answers of the parts may have, all together: what one call may answer with, several times.
const MOST_BYTES: usize = 64 << 20;

impl Link {
    /// Asks about parts of what a call failed on, whose fault is `first`, until every record has an answer or is known
    /// to have none.
    pub(crate) async fn search(&mut self, columns: &Columns<'_>, first: Fault, now: u64) -> Result<Outcome, Halt> {
        let len = columns.alive().len() as u32;
        let whole = first.clone();
        let mut is_blamed = false;
        let (mut outcome, mut bytes, mut used) = (Outcome::default(), 0, Duration::ZERO);
        // Parts that are still to be looked at, the first on top; of the whole the fault is known.
        let (mut parts, mut known) = (Vec::from_iter(std::iter::once(0..len)), Some(first));
        while let Some(part) = parts.pop() {
            let answer = match known.take() {
                Some(fault) => Err(fault),
                None => {
                    // Positions are saved and orders heard in between.
                    yield_now().await;
                    let before = thread_cpu_time();
                    let answer = self.call_again(&columns.part(&part), now, part.len() == 1);
                    used += thread_cpu_time().saturating_sub(before);
                    answer
                }
            };
            match answer {
                Ok(answer) => {
                    bytes += answer.weight();
                    outcome.answers.push((part.start, answer));
                    if bytes > MOST_BYTES {
                        let why = format!("its answers to one batch have more than {} MiB", MOST_BYTES >> 20);
                        let why = with_replay(why, self.leave_bundle(columns, now, &whole));
                        return self.give_up(outcome, why, part.end..len);
                    }
                }
                // It did not even start: no record is to blame, and the machine may be.
                Err(fault) if !is_about_records(&fault) => {
                    let why = self.shown_again(columns, now, &fault);
                    let given_up = self.give_up(outcome, why, part.start..len);
                    return given_up.map_err(|halt| Halt { may_pass: true, ..halt });
                }
                Err(fault) if used > LONGEST => {
                    let fault = self.shown_again(&columns.part(&part), now, &fault);
                    let why = format!("the records that it fails on were not found within {LONGEST:?}: {fault}");
                    return self.give_up(outcome, why, part.start..len);
                }
                Err(fault) if part.len() == 1 => {
                    is_blamed = true;
                    let replay = self.leave_bundle(&columns.part(&part), now, &fault);
                    self.condemn(part.start, fault, replay, &mut outcome)?;
                    if self.breaker.is_resting() {
                        self.plugin.counters().passed((len - part.end) as usize);
                        return Ok(outcome);
                    }
                }
                Err(_) => {
                    let middle = part.start + part.len() as u32 / 2;
                    parts.extend([middle..part.end, part.start..middle]);
                }
            }
        }
        if !is_blamed {
            // New instances answered for all of it.
            let replay = self.leave_bundle(columns, now, &whole);
            warn!(plugin = self.plugin.name(), fault = %whole, replay, "the plugin started anew");
        }
        Ok(outcome)
    }

    /// The plugin has no answer for this record. Beyond a number of such records none is put aside any more. `replay` is
    /// what to type to see the fault again.
    pub(crate) fn condemn(
        &mut self,
        record: u32,
        fault: Fault,
        replay: Option<String>,
        outcome: &mut Outcome,
    ) -> Result<(), Halt> {
        let (plugin, passes) = (self.plugin.name(), self.plugin.on_fault() == OnFault::Pass);
        if self.breaker.fault(Instant::now()) {
            let why = with_replay(format!("more than {MOST} records failed within a minute: {fault}"), replay);
            if !passes {
                return Err(self.halt(why));
            }
            self.rest(&why, 1);
            return Ok(());
        }
        if passes {
            warn!(plugin, %fault, replay, "a record goes on without the plugin's answer");
            self.plugin.counters().passed(1);
        } else {
            warn!(plugin, %fault, replay, "a record goes to the dead-letter topic");
            outcome.poison.push((record, fault));
        }
        Ok(())
    }

    /// The plugin is left alone for a while, or halted.
    fn give_up(&mut self, outcome: Outcome, why: String, unasked: Range<u32>) -> Result<Outcome, Halt> {
        if self.plugin.on_fault() != OnFault::Pass {
            return Err(self.halt(why));
        }
        self.rest(&why, unasked.len());
        Ok(outcome)
    }

    fn rest(&mut self, why: &str, unasked: usize) {
        let plugin = self.plugin.name();
        error!(plugin, why, "fails too often; it is left out for 30 s, and records go on without its answer");
        self.plugin.counters().passed(unasked);
        self.breaker.rest(Instant::now());
    }
}

/// False where the plugin did not even start.
fn is_about_records(fault: &Fault) -> bool {
    !matches!(fault.call, "instantiate" | "configure")
}
