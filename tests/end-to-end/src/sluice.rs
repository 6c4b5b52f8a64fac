//! The binary under test as a process.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use sluice_servers::{Launch, Process, wait_until};

use crate::admin::{self, Answer};

/// A running `sluice run`; dropping it kills it, and shows the end of its log: the test has failed half way.
pub struct Sluice {
    process: Option<Process>,
    log: PathBuf,
}

impl Sluice {
    /// Starts the binary with this config, which is written to `folder`/`name`.yaml; the log lies beside it.
    pub fn run(folder: &Path, name: &str, config: &str) -> Result<Self> {
        let config_file = folder.join(format!("{name}.yaml"));
        fs::write(&config_file, config)?;
        Self::run_file(folder, name, &config_file)
    }

    /// The same with a config file that is there.
    pub fn run_file(folder: &Path, name: &str, config_file: &Path) -> Result<Self> {
        let log = unused(folder, name);
        let process = Process::spawn(&Launch {
            program: binary()?,
            arguments: ["run", "--log-format", "json", "--report-every", "1", "--config"]
                .into_iter()
                .map(Into::into)
                .chain([config_file.into()])
                .collect(),
            environment: vec![("NODE_NAME", "node-1".into()), ("RUST_LOG", "info,rdkafka=off".into())],
            folder: folder.to_path_buf(),
            log: log.clone(),
            as_nobody: false,
        })?;
        Ok(Self { process: Some(process), log })
    }

    /// `sluice check` with this config.
    pub fn check(folder: &Path, config: &str) -> Result<Output> {
        Self::check_with(folder, config, &[])
    }

    /// `sluice check --online` with this config.
    pub fn check_online(folder: &Path, config: &str) -> Result<Output> {
        Self::check_with(folder, config, &["--online"])
    }

    fn check_with(folder: &Path, config: &str, more: &[&str]) -> Result<Output> {
        let config_file = folder.join("sluice.yaml");
        fs::write(&config_file, config)?;
        let mut command = Command::new(binary()?);
        command.current_dir(folder).args(["check", "--config", "sluice.yaml"]).args(more).env("NODE_NAME", "node-1");
        Ok(command.output()?)
    }

    /// Asks the process that was started with `admin: { listen: "127.0.0.1:0" }` for `path`.
    pub fn ask(&self, path: &str) -> Result<Answer> {
        admin::ask(self.address()?, path)
    }

    /// Where its admin server answers.
    pub fn address(&self) -> Result<SocketAddr> {
        let said = lines(&self.log)?.into_iter().rev().find_map(|line| line["address"].as_str()?.parse().ok());
        said.context("the log names no address of the admin server")
    }

    /// Sends a signal, such as `TERM`, and waits for nothing.
    pub fn signal(&self, name: &str) -> Result<()> {
        let process = self.process.as_ref().context("the process has ended")?;
        let status = Command::new("kill").args(["-s", name, &process.pid().to_string()]).status()?;
        ensure!(status.success(), "kill -s {name}: {status}");
        Ok(())
    }

    /// Waits until it has ended by itself; returns its exit code, and the time that it took.
    pub fn wait(&mut self, patience: Duration) -> Result<(Option<i32>, Duration)> {
        let began = Instant::now();
        let process = self.process.as_mut().context("the process has ended")?;
        let mut status = None;
        wait_until(patience, || {
            status = process.ended()?;
            Ok(status.is_some())
        })
        .context("the process does not end")?;
        let took = began.elapsed();
        self.process.take().map_or(Ok(()), Process::kill)?;
        Ok((status.and_then(|status| status.code()), took))
    }

    /// The lines of the log.
    pub fn lines(&self) -> Result<Vec<Value>> {
        lines(&self.log)
    }

    /// `sluice status` with these arguments.
    pub fn status(arguments: &[&str]) -> Result<Output> {
        Ok(Command::new(binary()?).arg("status").args(arguments).output()?)
    }

    /// SIGKILL, in the middle of whatever it does.
    pub fn kill(mut self) -> Result<()> {
        self.process.take().map_or(Ok(()), Process::kill)
    }

    /// SIGSTOP: it stays, holds its connections, and does nothing.
    pub fn pause(&self) -> Result<()> {
        self.process.as_ref().map_or(Ok(()), Process::pause)
    }

    /// SIGCONT.
    pub fn resume(&self) -> Result<()> {
        self.process.as_ref().map_or(Ok(()), Process::resume)
    }

    /// SIGTERM; returns the last books of each pipeline, which must all be balanced.
    pub fn stop(mut self) -> Result<Vec<Value>> {
        self.process.take().map_or(Ok(()), |process| process.stop(Duration::from_secs(60)))?;
        let books: Vec<Value> = lines(&self.log)?.into_iter().filter(|line| line.get("balanced").is_some()).collect();
        ensure!(!books.is_empty(), "no closed books; the log ends with:\n{}", tail(&self.log));
        for pipeline in &books {
            ensure!(pipeline["balanced"] == true, "books of a stopped process do not balance: {pipeline}");
        }
        Ok(books)
    }

    /// True once a line of the log holds `text`.
    pub fn said(&self, text: &str) -> Result<bool> {
        Ok(fs::read_to_string(&self.log)?.contains(text))
    }

    /// The whole log.
    pub fn log(&self) -> Result<String> {
        Ok(fs::read_to_string(&self.log)?)
    }
}

impl Drop for Sluice {
    fn drop(&mut self) {
        if self.process.take().is_some() {
            println!("the end of {}:\n{}", self.log.display(), tail(&self.log));
        }
    }
}

/// A log file's name that no earlier process of this test has.
fn unused(folder: &Path, name: &str) -> PathBuf {
    (0..).map(|number| folder.join(format!("{name}.{number}.log"))).find(|path| !path.exists()).unwrap_or_default()
}

fn lines(log: &Path) -> Result<Vec<Value>> {
    Ok(fs::read_to_string(log)?.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
}

/// The last lines, without the books that are told every second.
fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let books = text.lines().rfind(|line| line.contains("\"message\":\"books\""));
    let lines: Vec<&str> = text.lines().filter(|line| !line.contains("\"message\":\"books\"")).chain(books).collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

/// The binary that this workspace's build made, beside the test's own.
fn binary() -> Result<PathBuf> {
    let test = std::env::current_exe()?;
    let folder = test.parent().and_then(Path::parent).context("the test binary has no folder")?;
    let binary = folder.join("sluice");
    ensure!(binary.exists(), "{} is missing: run ./dev test, or cargo build -p sluice", binary.display());
    Ok(binary)
}
