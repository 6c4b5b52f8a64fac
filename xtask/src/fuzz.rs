//! `./dev fuzz`: bytes that nobody would think of, into whatever reads bytes that others chose.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::duration::duration;
use crate::project::Project;
use crate::step::{cargo, run, timed};

/// What `cargo fuzz` passes to the compiler without a sanitizer: the stable one knows it, too.
const FLAGS: [&str; 6] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "--cfg=fuzzing",
];
/// Inputs that the repository keeps of each target: enough to begin well.
const KEPT: usize = 24;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// A target, as in tests/fuzz/Cargo.toml; without one all of them
    target: Option<String>,
    /// How long each target runs, e.g. 30s or 10m
    #[arg(long = "for", value_name = "DURATION", value_parser = duration, default_value = "60s")]
    time: Duration,
    /// Writes the smallest inputs that reach as much as all that were found to tests/fuzz/corpus
    #[arg(long)]
    keep: bool,
}

/// Where a target's inputs and findings lie.
struct Target {
    program: PathBuf,
    /// In the repository.
    seeds: PathBuf,
    /// In the cache, where it grows.
    corpus: PathBuf,
    findings: PathBuf,
    dictionary: PathBuf,
}

pub(crate) fn fuzz(project: &Project, options: &Options) -> Result<()> {
    let names = names(&project.root.join("tests/fuzz"))?;
    let chosen: Vec<&String> =
        names.iter().filter(|name| options.target.as_ref().is_none_or(|target| target == *name)).collect();
    ensure!(!chosen.is_empty(), "there is no such target; choose one of {}", names.join(", "));
    timed("build of the fuzz targets", || build(project))?;
    for name in chosen {
        let target = Target::new(project, name)?;
        let seconds = options.time.as_secs();
        timed(&format!("{name} for {seconds} s"), || target.run(seconds))?;
        if options.keep {
            timed(&format!("smallest inputs of {name}"), || target.keep())?;
        }
    }
    Ok(())
}

/// The targets: each is a file.
fn names(folder: &Path) -> Result<Vec<String>> {
    let targets = folder.join("targets");
    let mut names = Vec::new();
    for entry in fs::read_dir(&targets).with_context(|| format!("cannot list {}", targets.display()))? {
        let name = entry.context("cannot list the targets")?.file_name();
        names.extend(name.to_str().and_then(|name| name.strip_suffix(".rs")).map(str::to_owned));
    }
    names.sort();
    Ok(names)
}

/// The words of what a target reads: configs are YAML, the others have JSON in them.
fn dictionary(name: &str) -> &'static str {
    if name == "config" { "yaml.dict" } else { "json.dict" }
}

fn output(project: &Project) -> PathBuf {
    project.cache.join("fuzz")
}

/// For the machine's own target by name: so build scripts and macros are built without the flags.
fn build(project: &Project) -> Result<()> {
    let arguments = ["build", "--release", "--bins", "--target", &host()?];
    let mut command = cargo(&project.root.join("tests/fuzz"), &output(project), &arguments);
    command.env("RUSTFLAGS", FLAGS.join(" "));
    run(command)
}

fn host() -> Result<String> {
    let told = Command::new("rustc").arg("-vV").output().context("cannot run rustc")?;
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    let host = told.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc does not say what it builds for")?.to_owned())
}

impl Target {
    fn new(project: &Project, name: &str) -> Result<Self> {
        let output = output(project);
        let target = Self {
            program: output.join(host()?).join("release").join(name),
            seeds: project.root.join("tests/fuzz/corpus").join(name),
            corpus: output.join("corpus").join(name),
            findings: output.join("findings").join(name),
            dictionary: project.root.join("tests/fuzz").join(dictionary(name)),
        };
        for folder in [&target.seeds, &target.corpus, &target.findings] {
            fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        }
        Ok(target)
    }

    /// Runs for so many seconds; fails at the first finding, which libFuzzer tells with all that is known of it.
    fn run(&self, time: u64) -> Result<()> {
        let mut command = Command::new(&self.program);
        command.args([&self.corpus, &self.seeds]);
        command.arg(format!("-dict={}", self.dictionary.display()));
        command.arg(format!("-artifact_prefix={}/", self.findings.display()));
        command.arg(format!("-max_total_time={time}"));
        command.args(["-max_len=4096", "-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1"]);
        run(command).with_context(|| {
            format!(
                "a finding is in {}; the same program with its path as argument shows it again",
                self.findings.display()
            )
        })
    }

    /// What libFuzzer keeps of all inputs, the smallest first, in place of the seeds.
    fn keep(&self) -> Result<()> {
        let merged = self.corpus.with_extension("merged");
        if merged.exists() {
            fs::remove_dir_all(&merged).with_context(|| format!("cannot remove {}", merged.display()))?;
        }
        fs::create_dir_all(&merged).with_context(|| format!("cannot make {}", merged.display()))?;
        let mut command = Command::new(&self.program);
        command.args(["-merge=1", "-max_len=4096"]).args([&merged, &self.seeds, &self.corpus]);
        run(command)?;
        let mut found = Vec::new();
        for entry in fs::read_dir(&merged).with_context(|| format!("cannot list {}", merged.display()))? {
            let path = entry.context("cannot list what was merged")?.path();
            found.push(fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?);
        }
        if found.is_empty() {
            bail!("nothing was merged into {}", merged.display());
        }
        for (number, input) in choose(found).iter().enumerate() {
            let path = self.seeds.join(format!("found-{number:02}"));
            fs::write(&path, input).with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(())
    }
}

/// Of all inputs, ordered by their sizes, every so many-th: small ones and large ones.
fn choose(mut found: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    found.sort_by(|a, b| a.len().cmp(&b.len()).then_with(|| a.cmp(b)));
    let step = found.len().div_ceil(KEPT).max(1);
    found.into_iter().step_by(step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_inputs_of_every_size_are_kept() {
        let inputs = |count: usize| (0..count).map(|size| vec![0; size]).collect::<Vec<_>>();
        for (count, kept) in [(1, 1), (KEPT, KEPT), (KEPT + 1, KEPT / 2 + 1), (10_000, KEPT)] {
            let chosen = choose(inputs(count));
            assert_eq!(chosen.len(), kept, "of {count}");
            assert!(chosen.windows(2).all(|pair| pair[0].len() < pair[1].len()));
        }
    }

    #[test]
    fn every_target_is_in_the_manifest_and_has_seeds() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fuzz");
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        let names = names(&folder).unwrap();
        assert!(names.len() >= 6, "{names:?}");
        for name in names {
            assert!(manifest.contains(&format!("path = \"targets/{name}.rs\"")), "{name}");
            assert!(fs::read_dir(folder.join("corpus").join(&name)).unwrap().count() > 0, "{name} has no seeds");
        }
    }
}
