//! A `sluice run` process: started, listened to, killed, started again, stopped.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// How long a process may take to end after SIGTERM: its grace period and a little.
const STOP: Duration = Duration::from_secs(40);

/// The last books of a pipeline, as its process logged them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Books {
    pub(crate) read: u64,
    pub(crate) delivered: u64,
    pub(crate) dropped: u64,
    pub(crate) dead_lettered: u64,
    pub(crate) expired: u64,
    pub(crate) in_flight: u64,
    pub(crate) read_per_s: u64,
    pub(crate) delivered_per_s: u64,
    pub(crate) lag: Option<Lag>,
    /// Whether they balanced, once the pipeline has ended.
    pub(crate) closed: Option<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lag {
    Bytes(u64),
    Records(u64),
}

impl Lag {
    pub(crate) fn is_none(self) -> bool {
        matches!(self, Self::Bytes(0) | Self::Records(0))
    }
}

/// One process of one pipeline.
pub(crate) struct Sluice {
    program: PathBuf,
    config: PathBuf,
    /// Takes everything that it logs, over all its lives.
    pub(crate) log: PathBuf,
    running: Option<Running>,
}

struct Running {
    child: Child,
    books: Arc<Mutex<Option<Books>>>,
    listener: JoinHandle<()>,
}

impl Sluice {
    pub(crate) fn new(program: PathBuf, config: PathBuf, log: PathBuf) -> Self {
        Self { program, config, log, running: None }
    }

    /// Starts the process. Call it from the main thread: the process is killed when the thread that started it ends.
    pub(crate) fn start(&mut self) -> Result<()> {
        let log = OpenOptions::new().create(true).append(true).open(&self.log);
        let log = log.with_context(|| format!("cannot create {}", self.log.display()))?;
        // setpriv becomes the program after asking the kernel to kill it when we die in whatever way.
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "KILL"])
            .arg(&self.program)
            .args(["run", "--log-format", "json", "--report-every", "1", "--config"])
            .arg(&self.config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            // Ctrl-C is for us, who then stop the processes in order.
            .process_group(0);
        let mut child = command.spawn().context("cannot run setpriv; type: apt-get install util-linux")?;
        let stderr = child.stderr.take().context("a process without standard error")?;
        let books = Arc::new(Mutex::new(None));
        let told = books.clone();
        let listener = thread::Builder::new().name("listener".into()).spawn(move || listen(stderr, log, &told))?;
        self.running = Some(Running { child, books, listener });
        Ok(())
    }

    /// The running process; fails while it is down.
    pub(crate) fn pid(&self) -> Result<u32> {
        self.running.as_ref().map(|running| running.child.id()).context("sluice is down")
    }

    /// What it said last; `None` before its first words and while it is down.
    pub(crate) fn books(&self) -> Option<Books> {
        self.running.as_ref()?.books.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Fails if it ended although nobody asked it to.
    pub(crate) fn check(&mut self) -> Result<()> {
        let Some(running) = &mut self.running else { return Ok(()) };
        match running.child.try_wait()? {
            None => Ok(()),
            Some(status) => {
                bail!("sluice ended by itself ({status}); the end of {}:\n{}", self.log.display(), tail(&self.log))
            }
        }
    }

    /// SIGKILL; returns the last books that it told.
    pub(crate) fn kill(&mut self) -> Result<Option<Books>> {
        let Some(mut running) = self.running.take() else { return Ok(None) };
        running.child.kill().context("cannot kill sluice")?;
        running.child.wait().context("cannot wait for sluice")?;
        Ok(running.last_books())
    }

    /// SIGTERM, and waits for an orderly end; returns the closed books.
    pub(crate) fn stop(&mut self) -> Result<Option<Books>> {
        let Some(mut running) = self.running.take() else { return Ok(None) };
        terminate(&running.child)?;
        let status = wait(&mut running.child, STOP)?;
        let Some(status) = status else {
            running.child.kill().context("cannot kill sluice")?;
            running.child.wait().context("cannot wait for sluice")?;
            bail!("sluice did not end within {} s of SIGTERM; see {}", STOP.as_secs(), self.log.display());
        };
        if !status.success() {
            bail!("sluice ended with {status} after SIGTERM; the end of {}:\n{}", self.log.display(), tail(&self.log));
        }
        Ok(running.last_books())
    }
}

impl Drop for Sluice {
    fn drop(&mut self) {
        // An error has nobody left to tell, and the kernel kills the process when we end.
        let _ = self.kill();
    }
}

impl Running {
    fn last_books(self) -> Option<Books> {
        // Ends with the pipe, so that the last words have been heard.
        let _ = self.listener.join();
        self.books.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

pub(crate) fn terminate(child: &Child) -> Result<()> {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).context("a process without a pid")?;
    kill_process(pid, Signal::TERM).context("cannot send SIGTERM to sluice")
}

/// Its status, or `None` if it still runs after `patience`.
pub(crate) fn wait(child: &mut Child, patience: Duration) -> Result<Option<ExitStatus>> {
    let deadline = Instant::now() + patience;
    loop {
        let status = child.try_wait().context("cannot wait for sluice")?;
        if status.is_some() || Instant::now() >= deadline {
            return Ok(status);
        }
        thread::sleep(Duration::from_millis(20));
    }
}

fn listen(stderr: ChildStderr, mut log: File, books: &Mutex<Option<Books>>) {
    for line in BufReader::new(stderr).split(b'\n').map_while(Result::ok) {
        // A full disk must not block the process that is listened to.
        let _ = log.write_all(&line).and_then(|()| log.write_all(b"\n"));
        if let Some(told) = parse(&line) {
            *books.lock().unwrap_or_else(PoisonError::into_inner) = Some(told);
        }
    }
}

/// The books in a line of the log; `None` for other lines.
fn parse(line: &[u8]) -> Option<Books> {
    let line: Value = serde_json::from_slice(line).ok()?;
    let message = line["message"].as_str()?;
    let closed = message.starts_with("books closed");
    if message != "books" && !closed {
        return None;
    }
    let number = |key: &str| line[key].as_u64().unwrap_or_default();
    let bytes = line["lag_bytes"].as_u64().map(Lag::Bytes);
    Some(Books {
        read: number("read"),
        delivered: number("delivered"),
        dropped: number("dropped"),
        dead_lettered: number("dead_lettered"),
        expired: number("expired"),
        in_flight: if closed { number("left") } else { number("in_flight") },
        read_per_s: number("read_per_s"),
        delivered_per_s: number("delivered_per_s"),
        lag: bytes.or_else(|| line["lag_records"].as_u64().map(Lag::Records)),
        closed: closed.then(|| line["balanced"].as_bool().unwrap_or(false)),
    })
}

/// The last lines of a log, for an error's text.
pub(crate) fn tail(log: &Path) -> String {
    let text = std::fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().filter(|line| !line.contains("\"message\":\"books\"")).collect();
    lines[lines.len().saturating_sub(10)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn books_are_found_in_the_log() {
        let agent = Books {
            read: 10,
            delivered: 7,
            dropped: 2,
            in_flight: 1,
            read_per_s: 5,
            delivered_per_s: 3,
            lag: Some(Lag::Bytes(9)),
            ..Books::default()
        };
        let indexer = Books { lag: Some(Lag::Records(4)), ..agent.clone() };
        let closed = Books { read: 9, delivered: 7, dropped: 2, closed: Some(true), ..Books::default() };
        for (line, expect) in [
            (
                r#"{"level":"INFO","message":"books","pipeline":"ship","read":10,"delivered":7,"dropped":2,"dead_lettered":0,"expired":0,"in_flight":1,"in_flight_bytes":3,"lag_bytes":9,"read_per_s":5,"delivered_per_s":3}"#,
                Some(agent),
            ),
            (
                r#"{"message":"books","read":10,"delivered":7,"dropped":2,"in_flight":1,"lag_records":4,"read_per_s":5,"delivered_per_s":3}"#,
                Some(indexer),
            ),
            (
                r#"{"message":"books closed: read 9 = …","balanced":true,"read":9,"delivered":7,"dropped":2,"left":0}"#,
                Some(closed),
            ),
            (r#"{"message":"following a file","read":1}"#, None),
            ("agent.yaml:1:1: warning: books", None),
            ("", None),
        ] {
            assert_eq!(parse(line.as_bytes()), expect, "{line}");
        }
    }
}
