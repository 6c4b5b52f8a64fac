//! What a plugin declared about itself, checked.
use sluice_core::Route;
use sluice_core::route::METADATA;

use crate::bindings;
use crate::component::Kind;

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
    /// The fields that an enricher may set; the same form.
    pub writes: Vec<Vec<String>>,
    /// Whether it wants the times of records.
    pub times: bool,
    /// Whether no record may go on without its answer.
    pub essential: bool,
    pub ordering: Ordering,
}

/// Columns that one plugin may ask for, and fields that it may write.
pub(crate) const MOST_READS: usize = 64;
/// Keys of one path.
const LONGEST_PATH: usize = 16;

impl Manifest {
    /// Checks what a plugin declared; the error says which rule it breaks.
    pub(crate) fn check(manifest: bindings::Manifest, kind: Kind) -> Result<Self, String> {
        let bindings::Manifest { reads, writes, times, ordering, essential } = manifest;
        if kind != Kind::Enricher && !writes.is_empty() {
            return Err(format!("declares fields to write, which a {kind} cannot"));
        }
        check_paths("reads", &reads)?;
        check_paths("writes", &writes)?;
        let ordering = match ordering {
            bindings::Ordering::Any => Ordering::Any,
            bindings::Ordering::PerOrigin => Ordering::PerOrigin,
            bindings::Ordering::One => Ordering::One,
        };
        Ok(Self { reads, writes, times, essential, ordering })
    }
}

fn check_paths(does: &str, paths: &[Vec<String>]) -> Result<(), String> {
    if paths.len() > MOST_READS {
        return Err(format!("{does} {} fields, more than {MOST_READS}", paths.len()));
    }
    for (index, path) in paths.iter().enumerate() {
        let shown = crate::fault::one_line(&path.join("."));
        if path.is_empty() {
            return Err(format!("{does} a path without keys"));
        }
        if path.len() > LONGEST_PATH {
            return Err(format!("{does} {shown}, a path of more than {LONGEST_PATH} keys"));
        }
        if path[0] == METADATA && Route::of(path).is_none() {
            return Err(format!(
                "{does} {shown}, which this version does not know: of @metadata it knows topic and index"
            ));
        }
        if paths[..index].contains(path) {
            return Err(format!("{does} {shown} twice"));
        }
    }
    Ok(())
}
