//! One step of a task: a heading, the seconds, and on failure the line that repeats it.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};

/// Runs `work` under a heading and prints how long it took.
pub(crate) fn timed<T>(heading: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    eprintln!("\n== {heading}");
    let start = Instant::now();
    let result = work();
    let verdict = if result.is_ok() { "done" } else { "FAILED" };
    eprintln!("== {heading}: {verdict} in {:.1} s", start.elapsed().as_secs_f64());
    result
}

/// [`timed`] for a command.
pub(crate) fn step(heading: &str, command: Command) -> Result<()> {
    timed(heading, || run(command))
}

/// Runs a command with its output on the terminal; the error holds the line that repeats it.
pub(crate) fn run(mut command: Command) -> Result<()> {
    let line = line(&command);
    let status = command.status().with_context(|| format!("cannot run {line}"))?;
    if !status.success() {
        bail!("{status}; to repeat this step alone:\n    {line}");
    }
    Ok(())
}

/// A cargo command in `folder` that builds into `target`.
pub(crate) fn cargo(folder: &Path, target: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    command.args(arguments).current_dir(folder).env("CARGO_TARGET_DIR", target);
    command
}

/// The command as one can type it.
fn line(command: &Command) -> String {
    let mut words: Vec<String> = Vec::new();
    if let Some(folder) = command.get_current_dir() {
        words.push(format!("cd {} &&", folder.display()));
    }
    let set = |(name, value): (&std::ffi::OsStr, Option<&std::ffi::OsStr>)| {
        Some(format!("{}={}", name.to_string_lossy(), value?.to_string_lossy()))
    };
    words.extend(command.get_envs().filter_map(set));
    words.push(command.get_program().to_string_lossy().into_owned());
    words.extend(command.get_args().map(|argument| argument.to_string_lossy().into_owned()));
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_command_says_how_to_repeat_it() {
        let mut command = Command::new("false");
        command.arg("--now").current_dir("/").env("COLOUR", "blue");
        let error = run(command).unwrap_err().to_string();
        assert!(error.contains("cd / && COLOUR=blue false --now"), "{error}");
    }
}
