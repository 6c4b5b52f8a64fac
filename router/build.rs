//! Facts about the build for `sluice --version`. What cannot be found out is "unknown": a source archive has no
//! history, and a build must not fail for it.

use std::{env, fs, path::Path, process::Command};

const UNKNOWN: &str = "unknown";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=SLUICE_COMMIT");
    println!("cargo:rerun-if-changed=../Cargo.lock");
    let commit = env::var("SLUICE_COMMIT").ok().filter(|commit| !commit.is_empty()).or_else(commit);
    fact("COMMIT", commit);
    fact("TARGET", env::var("TARGET").ok());
    fact("RUSTC", env::var("RUSTC").ok().and_then(|rustc| output(&rustc, &["--version"])).map(bare_version));
    fact("WASMTIME", fs::read_to_string("../Cargo.lock").ok().and_then(|lock| locked(&lock, "wasmtime")));
}

fn fact(name: &str, value: Option<String>) {
    println!("cargo:rustc-env=SLUICE_BUILD_{name}={}", value.as_deref().unwrap_or(UNKNOWN));
}

/// The commit that is checked out. The build script runs again when another one is: git's files are watched, but only
/// those that exist, since cargo takes a missing file for a changed one.
fn commit() -> Option<String> {
    let git = |arguments: &[&str]| output("git", arguments);
    // A source archive inside somebody else's repository has nothing to do with that one's history.
    let top = fs::canonicalize(git(&["rev-parse", "--show-toplevel"])?).ok()?;
    if top != fs::canonicalize("..").ok()? {
        return None;
    }
    let branch = git(&["symbolic-ref", "--quiet", "HEAD"]);
    for name in ["HEAD", "logs/HEAD"].into_iter().chain(branch.as_deref()) {
        let file = git(&["rev-parse", "--git-path", name])?;
        if Path::new(&file).exists() {
            println!("cargo:rerun-if-changed={file}");
        }
    }
    git(&["rev-parse", "--short=12", "HEAD"])
}

/// `1.95.0` of `rustc 1.95.0 (59807616e 2026-04-14)`.
fn bare_version(text: String) -> String {
    text.split(' ').nth(1).map(str::to_owned).unwrap_or(text)
}

/// A package's version in the lock file.
fn locked(lock: &str, package: &str) -> Option<String> {
    let (_, after) = lock.split_once(&format!("name = \"{package}\"\nversion = \""))?;
    after.split('"').next().map(str::to_owned)
}

fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok().filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}
