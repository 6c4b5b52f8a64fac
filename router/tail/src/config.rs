//! What to follow, and how.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use crate::{Counters, Format, LineTime, multiline::Multiline};

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
    /// Bytes of text after which a record is cut, or split.
    pub max_line: usize,
    pub long_lines: LongLines,
    /// The format of all files; without one it is that of each file's first line.
    pub format: Option<Format>,
    /// Where the lines of plain files have their time; without one it is when they are read.
    pub line_time: Option<LineTime>,
    /// Which lines of a stream are one record.
    pub multiline: Option<Multiline>,
    /// Silence after which a text leaves whose end has not come.
    pub join_timeout: Duration,
    /// Where files are begun that are there at the first scan of a first start.
    pub read_from: ReadFrom,
    /// Bytes a second that are read of a container, its rotated files included. Over it files wait; nothing is dropped.
    pub rate_limit: Option<u64>,
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
            long_lines: LongLines::Truncate,
            format: None,
            line_time: None,
            multiline: None,
            join_timeout: Duration::from_secs(5),
            read_from: ReadFrom::Beginning,
            rate_limit: None,
            scan_interval: Duration::from_secs(10),
            counters: Arc::default(),
            clock: system_clock,
        }
    }
}

/// What becomes of a text that is longer than the longest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LongLines {
    /// Its beginning is a record, and is marked.
    #[default]
    Truncate,
    /// It becomes several records, which are numbered.
    Split,
}

/// Where a file is begun that was there before the pipeline was. Files that come later are read from their beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReadFrom {
    #[default]
    Beginning,
    /// Behind the last whole line.
    End,
}

fn system_clock() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64)
}
