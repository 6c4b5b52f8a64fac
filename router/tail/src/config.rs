//! What to follow, and how.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use crate::Counters;

/// The settings of a [`crate::Tail`]. `Config::default()` follows nothing; set `include` and `checkpoints`.
#[derive(Clone, Debug)]
pub struct Config {
    /// Glob patterns of the files to follow.
    pub include: Vec<String>,
    /// Glob patterns of paths to leave out although `include` names them.
    pub exclude: Vec<String>,
    /// Becomes `kubernetes.host`.
    pub host: Option<String>,
    /// The folder of the checkpoints; made if it is missing.
    pub checkpoints: PathBuf,
    /// Leaves out containers named `sluice` or `sluice-…`.
    pub exclude_own: bool,
    /// Bytes of text after which a record is cut.
    pub max_line: usize,
    /// Time between two looks for new, renamed and removed files, where no notification comes earlier.
    pub scan_interval: Duration,
    /// Counted up over all generations: give each the same.
    pub counters: Arc<Counters>,
    /// Nanoseconds since 1970 UTC: the time of lines that carry none.
    pub clock: fn() -> u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            include: Vec::new(),
            exclude: Vec::new(),
            host: None,
            checkpoints: PathBuf::new(),
            exclude_own: true,
            max_line: 256 << 10,
            scan_interval: Duration::from_secs(10),
            counters: Arc::default(),
            clock: system_clock,
        }
    }
}

fn system_clock() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64)
}
