//! Where reading a file may go on.

/// Byte offsets in one file. Everything of a stream that lies before its offset is done with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    pub stdout: u64,
    pub stderr: u64,
    /// Memory that everything read up to here took in this life, in bytes; not saved.
    pub memory: u64,
    /// The time of the last well-formed line before [`Position::lowest`]: that of malformed lines after it, which
    /// so have the same time, and with it the same document, when they are read again.
    pub time: u64,
}

impl Position {
    /// Where a restart begins to read.
    pub fn lowest(self) -> u64 {
        self.stdout.min(self.stderr)
    }
}
