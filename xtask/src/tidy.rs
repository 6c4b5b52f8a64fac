//! Rules on the text of the sources that neither rustfmt nor clippy knows.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// Longer files hold more than one noun. A module's tests at its end are not counted.
const LONGEST: usize = 400;
/// Marks of unfinished work; put together so that this file does not find itself.
const UNFINISHED: [&str; 4] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("todo", "!("), concat!("XX", "X")];

/// Fails with every fault of every source file of the checkout.
pub(crate) fn check(root: &Path) -> Result<()> {
    let mut files = Vec::new();
    collect(root, &mut files)?;
    let mut faults = Vec::new();
    for path in &files {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let place = path.strip_prefix(root).unwrap_or(path).display();
        faults.extend(judge(&text, is_measured(path)).into_iter().map(|fault| format!("{place}{fault}")));
    }
    if !faults.is_empty() {
        bail!("{}", faults.join("\n"));
    }
    eprintln!("{} files are tidy", files.len());
    Ok(())
}

/// Faults, each beginning with its place inside the file.
fn judge(text: &str, measured: bool) -> Vec<String> {
    let mut faults = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if let Some(mark) = UNFINISHED.iter().find(|mark| line.contains(**mark)) {
            faults.push(format!(":{}: {mark}: finish it, or say it in an issue", index + 1));
        }
    }
    let length = text.lines().take_while(|line| *line != "#[cfg(test)]").count();
    if measured && length > LONGEST {
        faults.push(format!(": {length} lines before its tests (at most {LONGEST}): give each noun a file"));
    }
    faults
}

/// Rust, and not a module's tests in a file of their own.
fn is_measured(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests.rs")
}

/// Source files under `folder`; hidden folders and build output are left out.
pub(crate) fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))? {
        let entry = entry.with_context(|| format!("cannot list {}", folder.display()))?;
        let (path, name) = (entry.path(), entry.file_name());
        let kind = entry.file_type().with_context(|| format!("cannot read {}", path.display()))?;
        if kind.is_dir() {
            if !name.to_string_lossy().starts_with('.') && name != "target" {
                collect(&path, files)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "rs" || extension == "wit" || extension == "sh")
        {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_found() {
        let long = "x\n".repeat(LONGEST + 1);
        let long_tests = format!("{}#[cfg(test)]\n{long}", "x\n".repeat(LONGEST));
        let marked = format!("fine\n// {}\n", UNFINISHED[0]);
        let cases =
            [("fine\n", true, 0), (&long, true, 1), (&long, false, 0), (&long_tests, true, 0), (&marked, true, 1)];
        for (text, rust, expect) in cases {
            assert_eq!(judge(text, rust).len(), expect, "{} lines", text.lines().count());
        }
        assert!(judge(&marked, true)[0].starts_with(":2:"));
    }
}
