//! Where the demo's plugins come from: built by `./dev components`, or installed with the package.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

/// Components by their files' names.
pub(super) const NAMES: [&str; 4] =
    ["level-filter.wasm", "redact.wasm", "json-promote.wasm", "exception-notifier.wasm"];
const INSTALLED: &str = "/usr/share/sluice/plugins";

/// The folder that has all of them: `given`, else what the environment names, else the usual places.
pub(super) fn find(given: Option<&Path>, environment: &dyn Fn(&str) -> Option<OsString>) -> Result<PathBuf> {
    let places = places(given, environment);
    let mut reasons = Vec::new();
    for folder in &places {
        match NAMES.iter().find(|name| !folder.join(name).is_file()) {
            None => return Ok(folder.clone()),
            Some(missing) => reasons.push(format!("{} has no {missing}", folder.display())),
        }
    }
    bail!(
        "the demo's plugins are missing: {}; run `./dev components`, or name their folder with --plugins DIR",
        reasons.join(", ")
    )
}

fn places(given: Option<&Path>, environment: &dyn Fn(&str) -> Option<OsString>) -> Vec<PathBuf> {
    let named = |name| environment(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(folder) = given.map(Path::to_path_buf).or_else(|| named("SLUICE_COMPONENTS")) {
        return vec![folder];
    }
    let cache = named("SLUICE_CACHE");
    let caches = named("XDG_CACHE_HOME").or_else(|| Some(named("HOME")?.join(".cache")));
    let caches = [cache, caches.map(|folder| folder.join("sluice"))];
    let mut places: Vec<PathBuf> = caches.into_iter().flatten().map(|folder| folder.join("components")).collect();
    places.push(PathBuf::from(INSTALLED));
    places
}

/// Copies them into `folder`, where a visitor may replace them.
pub(super) fn copy(from: &Path, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    for name in NAMES {
        let (from, to) = (from.join(name), folder.join(name));
        fs::copy(&from, &to).with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_place_that_has_them_all() {
        let root = tempfile::tempdir().unwrap();
        let folder = |path: &str| {
            let folder = root.path().join(path);
            fs::create_dir_all(&folder).unwrap();
            folder
        };
        let fill = |folder: &Path| NAMES.iter().for_each(|name| fs::write(folder.join(name), "wasm").unwrap());
        let home = folder("home/.cache/sluice/components");
        fill(&home);
        let cache = folder("cache/components");
        let full = folder("full");
        fill(&full);
        let (cache_root, home_root) = (root.path().join("cache"), root.path().join("home"));
        let environment = |cache: Option<&Path>, named: Option<&Path>| {
            let (cache, named) = (cache.map(OsString::from), named.map(OsString::from));
            let home = OsString::from(&home_root);
            move |name: &str| match name {
                "SLUICE_CACHE" => cache.clone(),
                "SLUICE_COMPONENTS" => named.clone(),
                "HOME" => Some(home.clone()),
                _ => None,
            }
        };
        assert_eq!(find(Some(&full), &environment(None, None)).unwrap(), full);
        assert_eq!(find(None, &environment(None, Some(&full))).unwrap(), full);
        // The cache lacks them, and the next place has them.
        assert_eq!(find(None, &environment(Some(&cache_root), None)).unwrap(), home);
        // What was named is not replaced by something else.
        let error = find(Some(&cache), &environment(None, None)).unwrap_err().to_string();
        let expect = format!("{} has no level-filter.wasm; run `./dev components`", cache.display());
        assert!(error.contains(&expect), "{error}");
        copy(&full, &folder("copies/plugins")).unwrap();
        assert!(root.path().join("copies/plugins/redact.wasm").is_file());
    }
}
