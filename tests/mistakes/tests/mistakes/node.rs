//! A folder with a container's log, and a source that follows it. Time is paused: waiting for the files takes none.

use std::{fs, path::PathBuf, sync::Arc, time::Duration};

use sluice_core::{Failure, Generation, Ledger, Stream, pipeline::Source};
use sluice_tail::{Config, Counters, Tail};
use tempfile::TempDir;

use crate::log::Log;

pub struct Node {
    folder: TempDir,
    ledger: Arc<Ledger>,
    pub config: Config,
}

impl Node {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("logs")).unwrap();
        let config = Config {
            include: vec![format!("{}/logs/*.log", folder.path().display())],
            checkpoints: folder.path().join("checkpoints"),
            max_line: 40,
            // 1970-01-01T00:00:42Z
            clock: || 42_000_000_000,
            ..Config::default()
        };
        Self { folder, ledger: Arc::default(), config }
    }

    /// A path in the folder.
    pub fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// The log of the container `app`.
    pub fn log(&self) -> PathBuf {
        self.at(&format!("logs/web_shop_app-{}.log", "0123456789abcdef".repeat(4)))
    }

    pub fn open(&self) -> Result<Tail, Failure> {
        Tail::open(self.config.clone(), "ship", Generation::new(self.ledger.clone()))
    }

    /// Reads until nothing comes for a minute and a half, delivers it, and saves.
    pub async fn read(&self, tail: &mut Tail) -> Vec<String> {
        let mut seen = Vec::new();
        while let Ok(batch) = tokio::time::timeout(Duration::from_secs(90), tail.next()).await {
            let batch = batch.unwrap().unwrap();
            for record in batch.records() {
                let text = std::str::from_utf8(batch.text(record)).expect("text is always UTF-8");
                let stream = if record.stream == Stream::Stdout { "stdout" } else { "stderr" };
                let cut = if record.truncated { ", cut" } else { "" };
                let raw = batch.raw(record).map(|raw| format!(", with its bytes {raw:02x?}")).unwrap_or_default();
                seen.push(format!("record {text:?} of {stream} at {} s{cut}{raw}", record.time / 1_000_000_000));
            }
            batch.into_parts().receipt.delivered();
        }
        seen
    }

    /// What was counted beside records, as words; `FOLDER` stands for the folder.
    pub fn outcome(&self, records: &[String], log: &Log) -> String {
        let Counters { files_unreadable, lines_malformed, lines_cut, lines_not_utf8, truncations, .. } =
            &*self.config.counters;
        let counted = [
            ("files_unreadable", files_unreadable),
            ("lines_malformed", lines_malformed),
            ("lines_cut", lines_cut),
            ("lines_not_utf8", lines_not_utf8),
            ("truncations", truncations),
        ];
        let counted = counted.iter().filter(|(_, counter)| counter.get() > 0);
        let counted = counted.map(|(name, counter)| format!("counted: {name} {}", counter.get()));
        let balance = self.ledger.balance();
        assert!(balance.is_balanced(), "{balance}");
        let expired = balance.expired_bytes.iter().filter(|(_, bytes)| **bytes > 0);
        let expired = expired.map(|(cause, bytes)| format!("booked as expired: {bytes} bytes, {cause}"));
        let mut lines = log.lines();
        lines.extend(records.iter().cloned().chain(counted).chain(expired));
        if lines.is_empty() {
            lines.push("no record, nothing counted, nothing logged".to_owned());
        }
        lines.join("\n").replace(self.folder.path().to_str().unwrap(), "FOLDER")
    }
}
