//! The tests that documents name: each must exist, or a promise is held by nothing.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::tidy;

/// Fails with every test that a document names and no file has.
pub(crate) fn check(root: &Path) -> Result<()> {
    let mut sources = Vec::new();
    tidy::collect(root, &mut sources)?;
    let mut documents = vec![root.join("ARCHITECTURE.md"), root.join("CONTRIBUTING.md"), root.join("README.md")];
    for folder in ["docs", "docs/adr"] {
        let folder = root.join(folder);
        for entry in fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))? {
            let path = entry.with_context(|| format!("cannot list {}", folder.display()))?.path();
            documents.extend(path.extension().is_some_and(|extension| extension == "md").then_some(path));
        }
    }
    let (mut named, mut missing) = (0, Vec::new());
    for document in &documents {
        let text = fs::read_to_string(document).with_context(|| format!("cannot read {}", document.display()))?;
        for (file, test) in references(&text) {
            named += 1;
            if !has(&sources, file, test)? {
                let document = document.strip_prefix(root).unwrap_or(document).display();
                missing.push(format!("{document} names `{file}::{test}`, and there is no such test"));
            }
        }
    }
    if !missing.is_empty() {
        bail!("{}", missing.join("\n"));
    }
    eprintln!("{named} tests that documents name are there");
    Ok(())
}

/// What stands between backticks as `FILE.rs::TEST`.
fn references(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split('`').skip(1).step_by(2).filter_map(|code| {
        let (file, test) = code.split_once(".rs::")?;
        Some((&code[..file.len() + ".rs".len()], test.split("::").last()?))
    })
}

/// Whether a file whose path ends like this, or one of its modules of tests, has the test.
fn has(sources: &[PathBuf], file: &str, test: &str) -> Result<bool> {
    let module = file.trim_end_matches(".rs");
    let function = format!("fn {test}(");
    for source in sources {
        let folder = source
            .parent()
            .is_some_and(|folder| folder.ends_with(module) || folder.ends_with(format!("{module}/tests")));
        if !source.ends_with(file) && !folder {
            continue;
        }
        let text = fs::read_to_string(source).with_context(|| format!("cannot read {}", source.display()))?;
        if text.contains(&function) {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tests_are_references() {
        let text = "a `kills.rs` and `a/b.rs::c`, `Files::scan`, (`x.rs::tests::y`) x.rs::no";
        assert_eq!(references(text).collect::<Vec<_>>(), [("a/b.rs", "c"), ("x.rs", "y")]);
    }

    #[test]
    fn tests_are_found_in_their_file_or_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let sources =
            ["src/one.rs", "src/two/tests.rs", "src/three/tests/deep.rs"].map(|name| folder.path().join(name));
        for source in &sources {
            fs::create_dir_all(source.parent().unwrap()).unwrap();
            fs::write(source, "#[test]\nfn it_holds() {}\n").unwrap();
        }
        for (file, test, expect) in [
            ("src/one.rs", "it_holds", true),
            ("one.rs", "it_holds", true),
            ("one.rs", "it", false),
            ("src/two.rs", "it_holds", true),
            ("src/three.rs", "it_holds", true),
            ("src/four.rs", "it_holds", false),
        ] {
            assert_eq!(has(&sources, file, test).unwrap(), expect, "{file} {test}");
        }
    }
}
