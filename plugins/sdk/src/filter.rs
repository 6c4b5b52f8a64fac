//! Plugins that drop records.
use crate::batch::Batch;
use crate::config::Config;
use crate::record::Record;

/// A plugin that drops records.
pub trait Filter: Sized {
    /// Reads the options and says which fields are read. An error is shown to whoever wrote the configuration.
    fn configure(config: &mut Config) -> Result<Self, String>;

    /// Whether the record goes on. The answer depends on nothing but the record and the options (hence `&self`): for
    /// records that follow each other and are alike in all fields that are read, such as those of one pod, it is asked for
    /// once.
    fn keep(&self, record: &Record) -> bool;
}

/// The indices of the records that `filter` does not keep, ascending.
pub(crate) fn drops<'a>(filter: &impl Filter, batch: &'a Batch<'a>) -> Vec<u32> {
    let mut drops = Vec::new();
    let (mut start, mut keeps) = (0, true);
    while start < batch.len() {
        let end = batch.alike_until(start);
        if !batch.is_as_before(start) {
            keeps = filter.keep(&batch.record(start));
        }
        if !keeps {
            if drops.is_empty() {
                // Once, and not again and again while it grows.
                drops.reserve(batch.len() - start);
            }
            drops.extend(start as u32..end as u32);
        }
        start = end;
    }
    drops
}
