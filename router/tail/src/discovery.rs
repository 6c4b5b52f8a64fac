//! Which files there are to follow.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Path, PathBuf},
};

use glob::{MatchOptions, Pattern};
use sluice_core::Failure;
use tracing::{info, warn};

use crate::{
    Config,
    container::{self, Container},
    content::is_packed,
    descriptors::are_exhausted,
};

const OPTIONS: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: false };

/// What rotation leaves behind compressed or half written.
const NOT_PLAIN: [&str; 6] = ["gz", "tmp", "bz2", "xz", "zst", "zip"];

/// The patterns of a source.
#[derive(Debug)]
pub struct Patterns {
    include: Vec<String>,
    exclude: Vec<Pattern>,
    exclude_own: bool,
}

impl Patterns {
    pub fn new(config: &Config) -> Result<Self, Failure> {
        for pattern in &config.include {
            check(pattern)?;
        }
        let exclude = config.exclude.iter().map(|pattern| check(pattern)).collect::<Result<_, _>>()?;
        Ok(Self { include: config.include.clone(), exclude, exclude_own: config.exclude_own })
    }

    /// The paths that the patterns name now, whatever is there, in order. A folder that cannot be listed is
    /// complained of.
    pub fn paths(&self, complaints: &mut Complaints) -> BTreeSet<PathBuf> {
        let found = self.include.iter().filter_map(|pattern| glob::glob_with(pattern, OPTIONS).ok()).flatten();
        let found = found.filter_map(|path| {
            path.map_err(|error| complaints.about(error.path(), error.error())).ok().filter(|path| self.wants(path))
        });
        found.collect()
    }

    /// The folders that new files appear in, as far as the patterns tell without looking.
    pub fn folders(&self) -> BTreeSet<PathBuf> {
        let literal = |pattern: &String| {
            let parent = Path::new(pattern).parent()?.to_str()?;
            (!parent.contains(['*', '?', '['])).then(|| PathBuf::from(parent))
        };
        self.include.iter().filter_map(literal).collect()
    }

    pub(crate) fn excludes(&self, path: &Path) -> bool {
        self.exclude.iter().any(|pattern| pattern.matches_path_with(path, OPTIONS))
    }

    /// Whether a file with a rotated name is not to be read as a file of `identity`: `exclude` names it, or `include`
    /// does and it is followed by itself.
    pub fn keeps_apart(&self, path: &Path, identity: &str) -> bool {
        let is_named =
            |pattern: &String| Pattern::new(pattern).is_ok_and(|pattern| pattern.matches_path_with(path, OPTIONS));
        // What is compressed is followed by nobody else.
        let is_apart = !is_packed(path) && container::identity(path, path) != identity;
        self.excludes(path) || is_apart && self.include.iter().any(is_named)
    }

    fn wants(&self, path: &Path) -> bool {
        is_plain(path)
            && !self.excludes(path)
            && !(self.exclude_own && Container::of_path(path).is_some_and(|container| container.is_own()))
    }
}

fn check(pattern: &str) -> Result<Pattern, Failure> {
    Pattern::new(pattern).map_err(|error| {
        Failure::fatal(
            "files source",
            format!("the pattern {pattern:?} is wrong: {error}; correct it in `include` or `exclude`"),
        )
    })
}

fn is_plain(path: &Path) -> bool {
    path.extension().and_then(|extension| extension.to_str()).is_none_or(|extension| !NOT_PLAIN.contains(&extension))
}

/// The paths that cannot be read: each is told once, and told again when it works.
#[derive(Debug, Default)]
pub struct Complaints {
    told: BTreeMap<PathBuf, io::ErrorKind>,
    now: BTreeSet<PathBuf>,
    /// No more files could be opened in this scan, and that was told.
    exhausted: bool,
    /// The same in the scan before.
    was_exhausted: bool,
}

impl Complaints {
    pub fn about(&mut self, path: &Path, error: &io::Error) {
        self.now.insert(path.into());
        if are_exhausted(error) {
            if !std::mem::replace(&mut self.exhausted, true) && !self.was_exhausted {
                warn!(path = %path.display(), %error, "no more log files can be opened; raise the limit of open files of this process; it is tried again at each scan");
            }
            return;
        }
        if self.told.insert(path.into(), error.kind()) != Some(error.kind()) {
            warn!(path = %path.display(), %error, "a log file cannot be read; check that what it leads to is mounted and readable; it is tried again at each scan");
        }
    }

    /// Ends a scan; returns how many paths it complained of.
    pub fn settle(&mut self) -> usize {
        let now = std::mem::take(&mut self.now);
        self.was_exhausted = std::mem::take(&mut self.exhausted);
        self.told.retain(|path, _| {
            let still = now.contains(path);
            if !still {
                info!(path = %path.display(), "a log file that could not be read can be read now, or is gone");
            }
            still
        });
        now.len()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn names(paths: impl IntoIterator<Item = PathBuf>) -> Vec<String> {
        paths.into_iter().map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn patterns_include_and_exclude() {
        let folder = tempfile::tempdir().unwrap();
        let id = "0".repeat(64);
        let own = format!("agent_sluice_sluice-{id}.log");
        let foreign = format!("web_shop_app-{id}.log");
        for name in [own.as_str(), &foreign, "b.log", "a.log", "a.log.gz", "c.txt", "debug.log", "x.tmp"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let at = |pattern: &str| format!("{}/{pattern}", folder.path().display());
        for (include, exclude, exclude_own, expected) in [
            (&["*.log"][..], &["debug*"][..], true, &["a.log", "b.log", foreign.as_str()][..]),
            (&["*.log"], &[], false, &["a.log", own.as_str(), "b.log", "debug.log", &foreign]),
            (&["*"], &["*.log"], true, &["c.txt"]),
            (&["a.log", "[ab].log"], &[], true, &["a.log", "b.log"]),
            (&["none/*.log"], &[], true, &[]),
        ] {
            let config = Config {
                include: include.iter().map(|pattern| at(pattern)).collect(),
                exclude: exclude.iter().map(|pattern| at(pattern)).collect(),
                exclude_own,
                ..Config::default()
            };
            let found = Patterns::new(&config).unwrap().paths(&mut Complaints::default());
            assert_eq!(names(found), expected, "{include:?} {exclude:?}");
        }
    }

    #[test]
    fn rotated_names_that_the_patterns_keep_apart() {
        let config = Config {
            include: ["/log/*.log*", "/pods/*/*/*"].map(String::from).into(),
            exclude: vec!["/other/*.1".into(), "/other/*.3.gz".into()],
            ..Config::default()
        };
        let patterns = Patterns::new(&config).unwrap();
        for (path, base, expected) in [
            ("/log/a.log-20240101", "/log/a.log", true),
            ("/other/a.log.1", "/other/a.log", true),
            ("/other/a.log.2", "/other/a.log", false),
            ("/pods/n_p_u/c/0.log.20240101-000000", "/pods/n_p_u/c/0.log", false),
            ("/log/a.log-20240101.gz", "/log/a.log", false),
            ("/other/a.log.3.gz", "/other/a.log", true),
        ] {
            let identity = container::identity(Path::new(base), Path::new(base));
            assert_eq!(patterns.keeps_apart(Path::new(path), &identity), expected, "{path}");
        }
    }

    #[test]
    fn a_wrong_pattern_is_named() {
        let config = Config { include: vec!["/var/log/[.log".into()], ..Config::default() };
        let failure = Patterns::new(&config).unwrap_err();
        assert!(failure.text.contains("/var/log/[.log"), "{failure}");
    }

    #[test]
    fn complaints_are_told_once() {
        let mut complaints = Complaints::default();
        for path in ["/a", "/b", "/a"] {
            complaints.about(Path::new(path), &io::ErrorKind::PermissionDenied.into());
        }
        assert_eq!(complaints.settle(), 2);
        complaints.about(Path::new("/a"), &io::ErrorKind::PermissionDenied.into());
        assert_eq!(complaints.settle(), 1);
        assert_eq!(complaints.settle(), 0);
    }
}
