//! Tests of plugins without WebAssembly.
//!
//! ```
//! # use sluice_plugin::{Config, Field, Filter, Record, testing};
//! # struct OnlyShop(Field);
//! # impl Filter for OnlyShop {
//! #     fn configure(config: &mut Config) -> Result<Self, String> { Ok(Self(config.read("kubernetes.namespace_name"))) }
//! #     fn keep(&self, record: &Record) -> bool { record.text(self.0) == Some("shop") }
//! # }
//! let plugin = testing::configure::<OnlyShop>("{}").unwrap();
//! let kept = plugin.kept(&[
//!     r#"{"log":"a","kubernetes":{"namespace_name":"shop"}}"#,
//!     r#"{"log":"b","kubernetes":{"namespace_name":"bank"}}"#,
//! ]);
//! assert_eq!(kept, [0]);
//! ```
use serde_json::Value as Json;

mod changes;
mod columns;

use changes::{decode, not_valid, set};
use columns::{column, rows};

use crate::batch::Batch;
use crate::bindings::sluice::plugin::batches;
use crate::bindings::{enricher, notifier};
use crate::config::Config;
use crate::enricher::{Enricher, edits};
use crate::filter::{Filter, drops};
use crate::notifier::{Notifier, alerts, tick};

/// An alert as it crosses to the host, its record's index in `item`.
pub use crate::bindings::notifier::{Alert as Raised, Detail};

/// A plugin that was configured as the host would do it.
#[derive(Debug)]
pub struct Configured<T> {
    plugin: T,
    reads: Vec<Vec<String>>,
    writes: Vec<Vec<String>>,
    times: bool,
}

/// Configures a filter with the JSON of its options.
pub fn configure<T: Filter>(options: &str) -> Result<Configured<T>, String> {
    configured(options, T::configure)
}

/// Configures an enricher with the JSON of its options.
pub fn configure_enricher<T: Enricher>(options: &str) -> Result<Configured<T>, String> {
    configured(options, T::configure)
}

/// Configures a notifier with the JSON of its options.
pub fn configure_notifier<T: Notifier>(options: &str) -> Result<Configured<T>, String> {
    configured(options, T::configure)
}

fn configured<T>(
    options: &str,
    configure: impl FnOnce(&mut Config) -> Result<T, String>,
) -> Result<Configured<T>, String> {
    let mut config = Config::new(options.to_string());
    let plugin = configure(&mut config)?;
    let (reads, writes) = (config.reads().to_vec(), config.writes().to_vec());
    Ok(Configured { plugin, reads, writes, times: config.wants_times() })
}

impl<T> Configured<T> {
    fn batch(&self, rows: &[Json], in_runs: bool) -> batches::Batch {
        let times = (0..rows.len() as u64).map(|second| second * 1_000_000_000);
        batches::Batch {
            len: rows.len() as u32,
            now: 1_700_000_000_000_000_000,
            times: if self.times { times.collect() } else { Vec::new() },
            columns: self.reads.iter().map(|path| column(rows, path, in_runs)).collect(),
        }
    }
}

impl<T: Filter> Configured<T> {
    /// The indices of the records that the plugin keeps, of records given as JSON objects. The time of a record is
    /// its index in seconds.
    ///
    /// # Panics
    /// If a record is not JSON, or if the answer depends on how records are put into batches, which it must not.
    pub fn kept(&self, records: &[&str]) -> Vec<usize> {
        let rows = rows(records);
        let together = self.drops(&rows, false);
        let in_runs = self.drops(&rows, true);
        let one_by_one: Vec<u32> = (0..)
            .zip(&rows)
            .filter(|(_, row)| !self.drops(std::slice::from_ref(*row), false).is_empty())
            .map(|(i, _)| i)
            .collect();
        assert_eq!(together, in_runs, "records that are alike must be decided alike");
        assert!(self.times || together == one_by_one, "the answer must not depend on the other records of a batch");
        (0..rows.len()).filter(|index| !together.contains(&(*index as u32))).collect()
    }

    fn drops(&self, rows: &[Json], in_runs: bool) -> Vec<u32> {
        drops(&self.plugin, &Batch::new(&self.batch(rows, in_runs)))
    }
}

impl<T: Enricher> Configured<T> {
    /// The records as they are after the edits, of records given as JSON objects.
    ///
    /// # Panics
    /// If a record is not JSON, if an edit sets a field to what is not JSON of its kind, or if the edits depend on how
    /// records are put into batches, which they must not.
    pub fn enriched(&self, records: &[&str]) -> Vec<Json> {
        let rows = rows(records);
        let together = self.edited(&rows, false);
        let in_runs = self.edited(&rows, true);
        let one_by_one: Vec<Json> = rows.iter().flat_map(|row| self.edited(std::slice::from_ref(row), false)).collect();
        assert_eq!(together, in_runs, "records that are alike must be edited alike");
        assert!(self.times || together == one_by_one, "the edits must not depend on the other records of a batch");
        together
    }

    fn edited(&self, rows: &[Json], in_runs: bool) -> Vec<Json> {
        let enricher::Edits { changes, arena } = edits(&self.plugin, &Batch::new(&self.batch(rows, in_runs)));
        let mut rows = rows.to_vec();
        // What the host refuses.
        let values: usize = changes.iter().map(|edit| (edit.end - edit.start) as usize).sum();
        assert!(values <= rows.len() * self.writes.len(), "more edits than there are fields to write");
        for edit in changes {
            let bytes = &arena[edit.at as usize..][..edit.size as usize];
            let value = decode(edit.kind, std::str::from_utf8(bytes).unwrap_or_else(|e| not_valid(&e)));
            for row in &mut rows[edit.start as usize..edit.end as usize] {
                set(row, &self.writes[edit.field as usize], value.clone());
            }
        }
        rows
    }
}

impl<T: Notifier> Configured<T> {
    /// The alerts that the plugin raises about records given as JSON objects, handed over in one batch.
    ///
    /// # Panics
    /// If a record is not JSON.
    pub fn alerts(&mut self, records: &[&str]) -> Vec<Raised> {
        let batch = self.batch(&rows(records), false);
        alerts(&mut self.plugin, &Batch::new(&batch))
    }

    /// The alerts of one tick.
    pub fn tick(&mut self, now: u64) -> Vec<notifier::Alert> {
        tick(&mut self.plugin, now)
    }
}

#[cfg(test)]
mod tests;
