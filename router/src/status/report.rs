//! The document of `/status`. Fields may be added; one that is there keeps its name and its unit (docs/metrics.md).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One process. Times are whole seconds before the report was made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    pub version: String,
    pub commit: String,
    pub pid: u32,
    /// How long the process lives; missing where the system does not tell.
    pub up_s: Option<u64>,
    /// As `/readyz` says it.
    pub ready: bool,
    pub reasons: Vec<Reason>,
    pub notes: Vec<Reason>,
    /// In the order of the config.
    pub pipelines: Vec<Pipeline>,
    /// The books of all pipelines together.
    pub total: Books,
}

/// Why the process is not ready, or what should be known of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pipeline: Option<String>,
    pub component: String,
    pub text: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pipeline {
    pub name: String,
    /// `starting`, `running`, `stalled`, `halted`, `restarting`, `stopped` or `failed`.
    pub state: String,
    /// How long it has been in this state; missing before the first generation.
    pub since_s: Option<u64>,
    /// Why a plugin holds the pipeline, if one was halted.
    pub halted: Option<String>,
    pub restarts: u64,
    /// What ended a generation last; it stays when the pipeline runs again.
    pub last_failure: Option<Trouble>,
    pub books: Books,
    pub source: Source,
    pub sink: Sink,
    /// In the order of the chain.
    pub plugins: Vec<Plugin>,
}

/// A failure, and when it was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    pub component: String,
    pub text: String,
    pub ago_s: u64,
}

/// Records: `read = delivered + dropped + dead_lettered + in_flight`, in every report.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Books {
    /// Less what was given back.
    pub read: u64,
    pub delivered: u64,
    /// By whom.
    pub dropped: BTreeMap<String, u64>,
    /// Why.
    pub dead_lettered: BTreeMap<String, u64>,
    pub in_flight: u64,
    /// Given back unresolved, to be read again; in no sum.
    pub returned: u64,
    /// Messages that were gone before they could be read, by cause; in no sum.
    pub expired: BTreeMap<String, u64>,
    /// Bytes of files that were gone before they could be read, by cause; in no sum.
    pub expired_bytes: BTreeMap<String, u64>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// `files` or `kafka`.
    pub kind: String,
    pub lag: Lag,
    /// Of a source that is `files`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<FileFigures>,
    /// Of a source that is `kafka`: those that it has now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub partitions: Vec<Partition>,
}

/// What is there and not delivered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lag {
    /// Of files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Of topics: messages that are not committed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records: Option<u64>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileFigures {
    pub open: u64,
    /// Of `open`, those that no path leads to any more.
    pub held: u64,
    /// Bytes of `held` that are not read.
    pub held_unread_bytes: u64,
    pub unreadable: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partition {
    pub topic: String,
    pub partition: i32,
    /// Where a restart goes on; missing before the first commit.
    pub committed: Option<u64>,
    /// The offset that the next message will have; missing while it is not known.
    pub end: Option<u64>,
    pub lag: Option<u64>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sink {
    /// `kafka`, `elasticsearch` or `slack`.
    pub kind: String,
    /// Bytes that wait for their acknowledgement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_flight_bytes: Option<u64>,
    /// Messages that wait for the webhook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queued: Option<u64>,
    /// The last trouble with the other side; it stays when the trouble is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plugin {
    pub name: String,
    /// `filter`, `enricher` or `notifier`.
    pub kind: String,
    /// Of the component's bytes: `sha256:` and 64 hexadecimal digits.
    pub digest: String,
    /// The versions of the interfaces that it exports.
    pub exports: Vec<String>,
    pub calls: u64,
    pub records: u64,
    pub faults: u64,
    /// The version that was taken back, if this one runs in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_back: Option<TakenBack>,
}

/// A version of a plugin that was taken back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakenBack {
    /// Of its component's bytes.
    pub digest: String,
    pub why: String,
    pub ago_s: u64,
}

impl Books {
    /// Records that were dropped, by whomever.
    pub fn dropped(&self) -> u64 {
        self.dropped.values().sum()
    }

    /// Records that are dead letters, for whatever reason.
    pub fn dead_lettered(&self) -> u64 {
        self.dead_lettered.values().sum()
    }
}
