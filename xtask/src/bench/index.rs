//! The process that plays the index and only counts.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result};
use serde_json::Value;

/// Ends when it is dropped.
pub(crate) struct CountingIndex {
    child: Child,
    ask: ChildStdin,
    answers: BufReader<ChildStdout>,
    /// `http://127.0.0.1:PORT`
    pub(crate) url: String,
}

/// What it took so far.
pub(crate) struct Totals {
    pub(crate) documents: u64,
    /// Of the documents, as they came.
    pub(crate) bytes: u64,
    /// Of the documents, as they were before the indexer put `@timestamp` into each.
    pub(crate) bytes_before: u64,
}

impl CountingIndex {
    pub(crate) fn start(program: &Path) -> Result<Self> {
        let mut command = Command::new(program);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("cannot run {}", program.display()))?;
        let ask = child.stdin.take().context("a process without input")?;
        let mut answers = BufReader::new(child.stdout.take().context("a process without output")?);
        let mut url = String::new();
        answers.read_line(&mut url).context("the counting index did not tell its address")?;
        Ok(Self { child, ask, answers, url: url.trim().to_owned() })
    }

    pub(crate) fn totals(&mut self) -> Result<Totals> {
        self.ask.write_all(b"\n").context("the counting index has ended")?;
        let mut line = String::new();
        self.answers.read_line(&mut line).context("the counting index has ended")?;
        totals(&line)
    }
}

impl Drop for CountingIndex {
    fn drop(&mut self) {
        // Without it nothing was left to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn totals(line: &str) -> Result<Totals> {
    let line: Value = serde_json::from_str(line).with_context(|| format!("not JSON: {line}"))?;
    let number = |key: &str| line[key].as_u64().with_context(|| format!("no {key} in {line}"));
    let (documents, bytes) = (number("documents")?, number("bytes")?);
    let timestamp = line["sample"]["@timestamp"].as_str();
    let added = timestamp.map_or(0, |time| r#""@timestamp":"","#.len() + time.len()) as u64;
    Ok(Totals { documents, bytes, bytes_before: bytes.saturating_sub(documents * added) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_indexer_added_is_taken_off() {
        for (line, expect) in [
            (r#"{"requests":0,"documents":0,"bytes":0,"sample":null}"#, (0, 0)),
            (r#"{"requests":1,"documents":2,"bytes":100,"sample":{"@timestamp":"1234"}}"#, (2, 60)),
            (r#"{"requests":1,"documents":2,"bytes":100,"sample":{"a":1}}"#, (2, 100)),
        ] {
            let got = totals(line).unwrap();
            assert_eq!((got.documents, got.bytes_before), expect, "{line}");
        }
        assert!(totals("{}").is_err() && totals("").is_err());
    }
}
