//! What a plugin declared about itself, checked.
use crate::bindings;

/// How instances share the records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ordering {
    /// Any instance takes any batch.
    Any,
    /// All records of an origin go to one instance, in order. So it is wherever a worker has its own instance, since
    /// a file or a partition belongs to one worker.
    PerOrigin,
    /// One instance sees every record: only one chain with it may run in a process.
    One,
}

/// A plugin's declaration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The fields it reads, in the order of its columns; each a list of keys, at least one.
    pub reads: Vec<Vec<String>>,
    /// Whether it wants the times of records.
    pub times: bool,
    pub ordering: Ordering,
}

/// Columns that one plugin may ask for.
pub(crate) const MOST_READS: usize = 64;
/// Keys of one path.
const LONGEST_PATH: usize = 16;

impl Manifest {
    /// Checks what a filter declared; the error says which rule it breaks.
    pub(crate) fn of_filter(manifest: bindings::Manifest) -> Result<Self, String> {
        let bindings::Manifest { reads, writes, times, ordering, essential: _ } = manifest;
        if !writes.is_empty() {
            return Err("declares fields to write, which a filter cannot".into());
        }
        if reads.len() > MOST_READS {
            return Err(format!("reads {} fields, more than {MOST_READS}", reads.len()));
        }
        for (index, path) in reads.iter().enumerate() {
            let shown = crate::fault::one_line(&path.join("."));
            if path.is_empty() {
                return Err("reads a path without keys".into());
            }
            if path.len() > LONGEST_PATH {
                return Err(format!("reads {shown}, a path of more than {LONGEST_PATH} keys"));
            }
            if path[0] == "@metadata" {
                return Err(format!("reads {shown}, which this version does not know"));
            }
            if reads[..index].contains(path) {
                return Err(format!("reads {shown} twice"));
            }
        }
        let ordering = match ordering {
            bindings::Ordering::Any => Ordering::Any,
            bindings::Ordering::PerOrigin => Ordering::PerOrigin,
            bindings::Ordering::One => Ordering::One,
        };
        Ok(Self { reads, times, ordering })
    }
}
