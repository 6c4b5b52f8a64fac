//! The files that come from others: the chart's schema, the part of docs/kubernetes.md that lists values, the kustomize
//! base, and the renders that are kept to be looked at.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use crate::{chart, document, root, schema};

const SCHEMA: &str = "deploy/chart/values.schema.json";
const BASE: &str = "deploy/kustomize/base";
const GOLDEN: &str = "tests/deploy/golden";
/// At the top of each, so that nobody edits it.
const HEAD: &str = "# Written by `./dev manifests` from deploy/chart; edit that.\n";
/// Labels that say whose objects these are: helm's, which kustomize's are not.
const OF_HELM: [&str; 2] = ["helm.sh/chart:", "app.kubernetes.io/managed-by:"];

/// All of them: paths in the checkout, and what they have to hold. Helm reads the schema that is there now.
pub fn files() -> Result<BTreeMap<PathBuf, String>> {
    let mut files = BTreeMap::new();
    files.insert(SCHEMA.into(), schema::text()?);
    files.insert("docs/kubernetes.md".into(), document::text()?);
    for (name, values) in chart::CASES {
        let render = chart::render(&root().join(values), [""; 0]).with_context(|| values.to_owned())?;
        files.insert(Path::new(GOLDEN).join(format!("{name}.yaml")), format!("{HEAD}{render}"));
    }
    files.extend(base()?);
    Ok(files)
}

/// Those that do not hold what they have to.
pub fn stale(files: &BTreeMap<PathBuf, String>) -> Vec<&Path> {
    let differs =
        |(path, text): &(&PathBuf, &String)| fs::read_to_string(root().join(path)).ok().as_ref() != Some(text);
    files.iter().filter(differs).map(|(path, _)| path.as_path()).collect()
}

/// `./dev manifests`: writes what is stale, and says what that was.
pub fn write() -> Result<Vec<PathBuf>> {
    let schema = BTreeMap::from([(PathBuf::from(SCHEMA), schema::text()?)]);
    let mut written = write_stale(&schema)?;
    written.extend(write_stale(&files()?)?);
    Ok(written)
}

fn write_stale(files: &BTreeMap<PathBuf, String>) -> Result<Vec<PathBuf>> {
    let mut written = Vec::new();
    for path in stale(files) {
        let place = root().join(path);
        let folder = place.parent().context("a file in no folder")?;
        fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        fs::write(&place, &files[path]).with_context(|| format!("cannot write {}", place.display()))?;
        written.push(path.to_owned());
    }
    Ok(written)
}

/// The kustomize base: the chart with its simplest values, one file a template.
fn base() -> Result<BTreeMap<PathBuf, String>> {
    let values = root().join("deploy/chart/examples/minimal.yaml");
    let render = chart::render(&values, ["--set", "createNamespace=true", "--skip-tests"])?;
    let mut parts = BTreeMap::<String, String>::new();
    for part in render.split("---\n# Source: sluice/templates/").filter(|part| !part.trim().is_empty()) {
        let (file, object) = part.split_once('\n').context("helm printed a template without a name")?;
        let text = parts.entry(file.to_owned()).or_insert_with(|| HEAD.to_owned());
        text.push_str("---\n");
        for line in object.lines().filter(|line| !OF_HELM.iter().any(|label| line.trim_start().starts_with(label))) {
            let _ = writeln!(text, "{line}");
        }
    }
    let mut list = format!("{HEAD}apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n");
    for file in parts.keys() {
        let _ = writeln!(list, "  - {file}");
    }
    parts.insert("kustomization.yaml".to_owned(), list);
    Ok(parts.into_iter().map(|(file, text)| (Path::new(BASE).join(file), text)).collect())
}
