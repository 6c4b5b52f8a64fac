//! What the document of checkpoints says: its versions and its checksum.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sluice_core::Failure;
use tracing::warn;
use xxhash_rust::xxh3::xxh3_64;

use super::{COMPONENT, Entry};

const VERSION: u32 = 2;
/// What programs wrote that were older than the checksum.
const FIRST_VERSION: u32 = 1;
const PROGRAM: &str = concat!("sluice ", env!("CARGO_PKG_VERSION"));

#[derive(Serialize, Deserialize)]
struct Document {
    version: u32,
    /// The program and its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    written_by: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    host: Option<String>,
    /// Of `files` as it stands there, as hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    checksum: Option<String>,
    files: Box<RawValue>,
}

/// What a document says.
#[derive(Debug)]
pub struct Memory {
    pub host: Option<String>,
    pub entries: Vec<Entry>,
}

impl Memory {
    /// The entries as the agent of `host` may use them.
    pub fn for_host(self, host: Option<&str>, path: &Path) -> Vec<Entry> {
        let (Some(theirs), Some(ours)) = (self.host, host) else { return self.entries };
        if theirs == ours {
            return self.entries;
        }
        warn!(
            checkpoints = %path.display(), written_on = theirs, host = ours,
            "these checkpoints were written on another host; they are used for files that are the same here, and all \
             other files are read from their beginning"
        );
        self.entries.into_iter().map(|entry| Entry { foreign: true, ..entry }).collect()
    }
}

/// A checksum is looked at wherever there is one; only the first version had none.
pub fn understand(content: &[u8]) -> Result<Memory, String> {
    #[derive(Deserialize)]
    struct Versioned {
        version: u32,
        written_by: Option<String>,
    }
    let Versioned { version, written_by } = serde_json::from_slice(content).map_err(|error| error.to_string())?;
    if !(FIRST_VERSION..=VERSION).contains(&version) {
        let by = written_by.map_or_else(String::new, |program| format!(" by {program}"));
        return Err(format!("it was written{by} as version {version}, and {PROGRAM} reads versions up to {VERSION}"));
    }
    let Document { host, checksum, files, .. } = serde_json::from_slice(content).map_err(|error| error.to_string())?;
    match checksum {
        Some(checksum) if checksum != checksum_of(&files) => Err("its checksum does not agree".into()),
        None if version > FIRST_VERSION => Err("its checksum is missing".into()),
        _ => {
            let entries = serde_json::from_str(files.get()).map_err(|error| error.to_string())?;
            Ok(Memory { host, entries })
        }
    }
}

/// The document as it would be saved, of one that is understood.
pub fn rewritten(content: &[u8]) -> Option<Vec<u8>> {
    let Memory { host, entries } = understand(content).ok()?;
    document(&entries, host.as_deref()).ok()
}

pub fn document(entries: &[Entry], host: Option<&str>) -> Result<Vec<u8>, Failure> {
    let write = || {
        let files = RawValue::from_string(serde_json::to_string_pretty(entries)?)?;
        serde_json::to_vec_pretty(&Document {
            version: VERSION,
            written_by: Some(PROGRAM.into()),
            host: host.map(str::to_owned),
            checksum: Some(checksum_of(&files)),
            files,
        })
    };
    write().map_err(|error: serde_json::Error| Failure::fatal(COMPONENT, format!("cannot write checkpoints: {error}")))
}

fn checksum_of(files: &RawValue) -> String {
    format!("{:016x}", xxh3_64(files.get().as_bytes()))
}
