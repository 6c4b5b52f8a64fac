//! The Java runtime that the servers run on.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

const OLDEST: u32 = 17;

/// A Java home and its version.
#[derive(Clone, Debug)]
pub(crate) struct Java {
    pub(crate) home: PathBuf,
    /// As its `release` file says, e.g. `17.0.15`.
    pub(crate) version: String,
}

impl Java {
    /// The oldest installed Java from 17 on, of `JAVA_HOME`, `java` on the path and `/usr/lib/jvm`: each server
    /// supports the oldest for certain and the newest only perhaps.
    pub(crate) fn find() -> Result<Self> {
        let mut homes: Vec<PathBuf> = env::var_os("JAVA_HOME").map(PathBuf::from).into_iter().collect();
        if let Some(paths) = env::var_os("PATH") {
            homes.extend(env::split_paths(&paths).filter_map(|folder| home_of(&folder.join("java"))));
        }
        if let Ok(entries) = fs::read_dir("/usr/lib/jvm") {
            homes.extend(entries.flatten().map(|entry| entry.path()));
        }
        homes
            .into_iter()
            .filter_map(|home| Some(Self { version: version_of(&home)?, home }))
            .filter(|java| java.major() >= OLDEST)
            .min_by_key(Java::major)
            .with_context(|| {
                format!(
                    "no Java {OLDEST} or newer found; type: apt-get install openjdk-17-jre-headless (or set JAVA_HOME)"
                )
            })
    }

    pub(crate) fn program(&self) -> PathBuf {
        self.home.join("bin/java")
    }

    fn major(&self) -> u32 {
        major(&self.version)
    }
}

/// `…/bin/java`, links followed, lies two folders under its home.
fn home_of(program: &Path) -> Option<PathBuf> {
    let program = fs::canonicalize(program).ok()?;
    Some(program.parent()?.parent()?.to_path_buf())
}

fn version_of(home: &Path) -> Option<String> {
    if !home.join("bin/java").exists() {
        return None;
    }
    let release = fs::read_to_string(home.join("release")).ok()?;
    release.lines().find_map(|line| Some(line.strip_prefix("JAVA_VERSION=")?.trim_matches('"').to_owned()))
}

fn major(version: &str) -> u32 {
    version.split(['.', '+', '-']).next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_number_is_the_major_version() {
        for (version, expect) in [("17.0.15", 17), ("25", 25), ("21-ea", 21), ("1.8.0_402", 1), ("", 0)] {
            assert_eq!(major(version), expect, "{version}");
        }
    }
}
