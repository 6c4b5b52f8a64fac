//! What is shown of the demo at a moment: plain numbers and texts, so that whatever draws it needs nothing else.

use std::path::PathBuf;
use std::time::Duration;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// Since the demo began.
    pub elapsed: Duration,
    /// Until the demo ends by itself; `None` if it does not.
    pub left: Option<Duration>,
    pub printed: u64,
    pub printed_per_s: u64,
    pub rotations: u64,
    /// Documents in the index.
    pub documents: u64,
    pub pipelines: Vec<Pipeline>,
    /// In the order in which records meet them.
    pub plugins: Vec<Plugin>,
    pub alerts: Alerts,
    pub pair: Option<Pair>,
    /// The newest first.
    pub events: Vec<Event>,
    pub places: Places,
    /// What a visitor may try, a sentence each.
    pub hints: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pipeline {
    pub name: String,
    /// From where to where, e.g. `files → kafka`.
    pub route: String,
    pub read_per_s: u64,
    pub delivered_per_s: u64,
    pub lag: Option<Lag>,
    pub in_flight: u64,
    pub delivered: u64,
    pub dropped: u64,
    pub dead_lettered: u64,
    pub expired: u64,
}

/// What a source has not delivered yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lag {
    Bytes(u64),
    Records(u64),
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plugin {
    pub pipeline: String,
    pub name: String,
    /// The first hexadecimal digits of its component's.
    pub digest: String,
    pub records: u64,
    pub dropped: u64,
    pub edits: u64,
    pub alerts: u64,
    pub faults: u64,
    /// `None` before the first record.
    pub ns_per_record: Option<f64>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Alerts {
    /// Messages that the webhook took.
    pub posted: u64,
    /// Counted instead of posted, since one of their kind was posted just before.
    pub repeats: u64,
    /// Requests that the webhook asked to repeat later.
    pub refused: u64,
    /// The newest first.
    pub latest: Vec<Alert>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Alert {
    /// Since the demo began.
    pub at: Duration,
    /// One line or several.
    pub text: String,
}

/// One record twice: as its container wrote it, and as the index has it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pair {
    /// Which record, e.g. `cart-1 line 812`.
    pub record: String,
    /// The line in the log file.
    pub before: String,
    /// The document in the index.
    pub after: String,
    /// What is marked in `before`: what must not reach the index.
    pub secrets: Vec<String>,
    /// What is marked in `after`: what stands for it there.
    pub masks: Vec<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Since the demo began.
    pub at: Duration,
    pub kind: Kind,
    pub text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Worth knowing.
    Note,
    /// A config or a component was taken.
    Change,
    /// Something is wrong; what it is and what to do about it.
    Fault,
}

/// What a visitor may open and edit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Places {
    pub config: PathBuf,
    /// The folder with the plugins' components.
    pub plugins: PathBuf,
    /// The folder with the containers' log files.
    pub containers: PathBuf,
    /// The router's own log.
    pub log: PathBuf,
    /// The index answers to `_search` below it.
    pub index: String,
}
