//! The plugins of a pipeline, in order, on one worker.
use std::ops::Range;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use sluice_core::pipeline::Transform;
use sluice_core::{Batch, Failure, Ledger, Tally};

use crate::Plugin;
use crate::bindings;
use crate::columns::{Columns, Fields};
use crate::fault::Fault;
use crate::filter::Filter;

/// What one call may carry at most: a bound on the plugin's memory. A longer batch takes several calls.
const RECORDS: usize = 8192;
const BYTES: usize = 4 << 20;

/// Runs each batch through the plugins. What they drop is resolved in the batch's receipt under the plugin's name.
///
/// A fault fails the whole batch, with nothing dropped of it; the instance is thrown away, and the next batch gets a
/// new one.
pub struct Chain {
    fields: Fields,
    links: Vec<Link>,
    now: fn() -> u64,
}

/// One plugin in its place.
struct Link {
    plugin: Arc<Plugin>,
    /// The columns that it reads, in its order.
    fields: Vec<usize>,
    dropped: Tally,
    running: Option<Filter>,
}

impl Chain {
    /// A chain with instances of its own. It may be empty.
    pub fn new(plugins: &[Arc<Plugin>], ledger: &Ledger) -> Self {
        let mut fields = Fields::default();
        let links = plugins.iter().map(|plugin| Link {
            plugin: plugin.clone(),
            fields: plugin.manifest().reads.iter().map(|path| fields.add(path)).collect(),
            dropped: ledger.dropped_by(plugin.name()),
            running: None,
        });
        Self { links: links.collect(), fields, now: unix_nanoseconds }
    }

    /// With another clock than the system's, in nanoseconds since 1970.
    pub fn with_clock(self, now: fn() -> u64) -> Self {
        Self { now, ..self }
    }

    /// Which plugin drops each record: indices into `links`.
    fn judge(&mut self, batch: &Batch) -> Result<Vec<Option<usize>>, Fault> {
        let mut dropped_by = vec![None; batch.len()];
        let now = (self.now)();
        for window in windows(batch) {
            let mut columns = Columns::new(batch, &self.fields, window);
            for (index, link) in self.links.iter_mut().enumerate() {
                if columns.alive().is_empty() {
                    break;
                }
                let drops = link.call(&mut columns, now)?;
                for drop in &drops {
                    dropped_by[columns.alive()[*drop as usize] as usize] = Some(index);
                }
                if !drops.is_empty() {
                    columns.remove(&drops);
                }
            }
        }
        Ok(dropped_by)
    }
}

impl Transform for Chain {
    async fn apply(&mut self, mut batch: Batch) -> Result<Batch, Failure> {
        if self.links.is_empty() || batch.is_empty() {
            return Ok(batch);
        }
        let mut dropped_by = self.judge(&batch)?;
        for (index, link) in self.links.iter().enumerate() {
            let drops: Vec<u32> =
                (0..).zip(&dropped_by).filter(|(_, by)| **by == Some(index)).map(|(at, _)| at).collect();
            if !drops.is_empty() {
                batch.drop_records(&drops, &link.dropped);
                dropped_by.retain(|by| *by != Some(index));
            }
        }
        Ok(batch)
    }

    fn tick(&mut self) -> Result<Option<Batch>, Failure> {
        Ok(None)
    }
}

impl Link {
    /// What the plugin drops of the records that are left: indices into `columns.alive()`.
    fn call(&mut self, columns: &mut Columns, now: u64) -> Result<Vec<u32>, Fault> {
        let (plugin, times) = (&self.plugin, self.plugin.manifest().times);
        let mut filter = match self.running.take() {
            Some(filter) => filter,
            None => plugin.start()?,
        };
        columns.prepare(&self.fields, times);
        let (views, times) = columns.view(&self.fields, times);
        let len = columns.alive().len();
        let batch = bindings::Batch { len: len as u32, now, times, columns: &views };
        let started = Instant::now();
        let answer = filter.call(batch);
        plugin.counters().called(len, answer.as_ref().ok().map(Vec::len), started.elapsed());
        let drops = answer.map_err(|failed| plugin.fault(failed))?;
        self.running = Some(filter);
        Ok(drops)
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

impl std::fmt::Debug for Chain {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.debug_list().entries(self.links.iter().map(|link| link.plugin.name())).finish()
    }
}
