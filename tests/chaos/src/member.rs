//! A `sluice run` process over its lives: killed, stopped, held still, started again, watched.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use sluice_servers::{Launch, Process, wait_until};

use crate::diary::Diary;
use crate::schedule::Lane;

/// How long an orderly end may take: the config's grace period and a little, on a busy machine.
const STOP: Duration = Duration::from_secs(30);
/// Before a process that ended by itself is started again, as a kubelet waits.
const BACK_OFF: Duration = Duration::from_secs(1);

/// One agent or indexer.
pub struct Member {
    pub lane: Lane,
    name: String,
    program: PathBuf,
    config: PathBuf,
    folder: PathBuf,
    process: Option<Process>,
    /// When it is to be started again after it ended by itself.
    due: Option<Instant>,
    pub record: Record,
}

/// What became of its lives.
#[derive(Debug, Default)]
pub struct Record {
    pub lives: u32,
    /// The most memory of any life, in bytes.
    pub peak: u64,
    /// Lives that a bad file or a full disk ended, as they must.
    pub refused: u32,
    /// What went wrong: ends that nothing excuses, books that do not balance.
    pub faults: Vec<String>,
    /// Words about the plugin's files: taken over, refused.
    pub swaps: (u64, u64),
}

impl Member {
    pub fn new(lane: Lane, name: &str, program: &Path, config: &Path, folder: &Path) -> Self {
        let (program, config, folder) = (program.to_path_buf(), config.to_path_buf(), folder.to_path_buf());
        Self {
            lane,
            name: name.to_owned(),
            program,
            config,
            folder,
            process: None,
            due: None,
            record: Record::default(),
        }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn start(&mut self) -> Result<()> {
        self.record.lives += 1;
        self.due = None;
        let log = self.log();
        self.process = Some(Process::spawn(&Launch {
            program: self.program.clone(),
            arguments: ["run", "--log-format", "json", "--report-every", "5", "--config"]
                .into_iter()
                .map(Into::into)
                .chain([self.config.clone().into()])
                .collect(),
            environment: Vec::new(),
            folder: self.folder.clone(),
            log,
            as_nobody: false,
        })?);
        Ok(())
    }

    /// SIGKILL. Does nothing if it is down.
    pub fn kill(&mut self) -> Result<()> {
        self.measure();
        self.due = None;
        self.process.take().map_or(Ok(()), Process::kill)?;
        self.read_log();
        Ok(())
    }

    /// SIGTERM, and waits for the end; one that is late or not in order is a fault of the process. Does nothing if it is
    /// down.
    pub fn terminate(&mut self, diary: &Diary) -> Result<()> {
        self.measure();
        self.due = None;
        let Some(mut process) = self.process.take() else { return Ok(()) };
        let pid = i32::try_from(process.pid()).ok().and_then(Pid::from_raw).context("a process without a pid")?;
        kill_process(pid, Signal::TERM).with_context(|| format!("cannot send SIGTERM to {}", self.name))?;
        let mut status = None;
        let waited = wait_until(STOP, || {
            status = process.ended()?;
            Ok(status.is_some())
        });
        if waited.is_err() {
            self.fault(diary, &format!("did not end within {} s of SIGTERM", STOP.as_secs()));
        }
        if let Some(status) = status.filter(|status| !status.success()) {
            self.fault(diary, &format!("ended with {status} after SIGTERM"));
        }
        process.kill()?;
        self.read_log();
        Ok(())
    }

    /// SIGSTOP. Does nothing if it is down.
    pub fn pause(&self) -> Result<()> {
        self.process.as_ref().map_or(Ok(()), Process::pause)
    }

    /// SIGCONT.
    pub fn resume(&self) -> Result<()> {
        self.process.as_ref().map_or(Ok(()), Process::resume)
    }

    /// To be called often while it should run: starts it again where it ended by itself, and measures it.
    pub fn tend(&mut self, diary: &Diary) -> Result<()> {
        self.measure();
        if self.due.is_some_and(|due| Instant::now() >= due) {
            return self.start();
        }
        let Some(status) = self.process.as_mut().map(Process::ended).transpose()?.flatten() else { return Ok(()) };
        if diary.excuses(self.lane) {
            self.record.refused += 1;
            diary.say(&format!("{} ends ({status}), as it must with such files or without room", self.name));
        } else {
            self.fault(diary, &format!("ended by itself ({status})"));
        }
        self.process.take().map_or(Ok(()), Process::kill)?;
        self.read_log();
        self.due = Some(Instant::now() + BACK_OFF);
        Ok(())
    }

    fn fault(&mut self, diary: &Diary, text: &str) {
        let text = format!("{} {text}; see {}, whose end is:\n{}", self.name, self.log().display(), tail(&self.log()));
        diary.say(&text);
        self.record.faults.push(text);
    }

    /// Notes what the log of a life that ended says: books that were closed, plugins that were swapped.
    fn read_log(&mut self) {
        let text = fs::read(self.log()).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
        for line in text.lines() {
            self.record.swaps.0 += u64::from(line.contains("of the plugin took over"));
            self.record.swaps.1 += u64::from(line.contains("a change is refused"));
            let closed = serde_json::from_str::<Value>(line).ok().filter(|line| line.get("balanced").is_some());
            if closed.is_some_and(|closed| closed["balanced"] != true) {
                self.record.faults.push(format!("{}: books that do not balance: {line}", self.name));
            }
        }
    }

    /// The kernel remembers the most memory that a process had.
    fn measure(&mut self) {
        let Some(process) = &self.process else { return };
        let status = fs::read_to_string(format!("/proc/{}/status", process.pid())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or_default();
        self.record.peak = self.record.peak.max(kib * 1024);
    }

    /// Of its present or last life.
    fn log(&self) -> PathBuf {
        self.folder.join(format!("{}.{}.log", self.name, self.record.lives))
    }
}

/// The last lines of a log, without the books that are told all the time.
fn tail(log: &Path) -> String {
    let text = fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().filter(|line| !line.contains("\"message\":\"books\"")).collect();
    lines[lines.len().saturating_sub(8)..].join("\n")
}
