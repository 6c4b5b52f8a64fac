//! The chart, as helm renders it.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::{root, tools, yaml};

/// Values files whose render is kept, by name. Between them they use everything.
pub const CASES: [(&str, &str); 4] = [
    ("minimal", "deploy/chart/examples/minimal.yaml"),
    ("secured", "deploy/chart/examples/secured.yaml"),
    ("pipelines", "deploy/chart/examples/pipelines.yaml"),
    ("everything", "tests/deploy/values/everything.yaml"),
];

/// `deploy/chart`.
pub fn folder() -> PathBuf {
    root().join("deploy/chart")
}

/// What `helm install sluice deploy/chart -n sluice -f VALUES …` would send. The error is helm's.
pub fn render<I: AsRef<OsStr>>(values: &Path, more: impl IntoIterator<Item = I>) -> Result<String> {
    helm(&["template", "sluice", "--namespace", "sluice"], values, more)
}

/// The complaints of `helm lint`; warnings count.
pub fn lint(values: &Path) -> Result<String> {
    helm(&["lint", "--strict"], values, [""; 0])
}

/// What `helm install` says when it is done. It asks a cluster first, so its text is rendered as a manifest of a copy.
pub fn notes(values: &Path) -> Result<String> {
    let copy = tempfile::tempdir()?;
    copy_folder(&folder(), copy.path())?;
    let notes = fs::read_to_string(folder().join("templates/NOTES.txt")).context("cannot read NOTES.txt")?;
    let manifest =
        format!("{{{{ define \"notes\" }}}}{notes}{{{{ end }}}}\nnotes: {{{{ include \"notes\" . | toJson }}}}\n");
    fs::write(copy.path().join("templates/notes.yaml"), manifest)?;
    let words = ["template", "sluice", "--namespace", "sluice", "--show-only", "templates/notes.yaml"];
    let rendered = yaml::document(&helm_on(copy.path(), &words, values, [""; 0])?)?;
    Ok(rendered["notes"].as_str().context("no notes")?.to_owned())
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| format!("cannot list {}", from.display()))? {
        let (entry, path) = {
            let entry = entry?;
            (entry.file_name(), entry.path())
        };
        if path.is_dir() { copy_folder(&path, &to.join(entry))? } else { fs::copy(&path, to.join(entry)).map(drop)? }
    }
    Ok(())
}

fn helm<I: AsRef<OsStr>>(words: &[&str], values: &Path, more: impl IntoIterator<Item = I>) -> Result<String> {
    helm_on(&folder(), words, values, more)
}

fn helm_on<I: AsRef<OsStr>>(
    chart: &Path,
    words: &[&str],
    values: &Path,
    more: impl IntoIterator<Item = I>,
) -> Result<String> {
    let mut command = tools::helm()?;
    command.args(words).arg(chart).arg("-f").arg(values).args(more);
    // No cluster of whoever runs this is asked.
    command.env("KUBECONFIG", "/dev/null");
    let output = command.output().context("cannot run helm")?;
    if !output.status.success() {
        bail!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// An object of a render.
#[derive(Clone, Debug)]
pub struct Object(pub Value);

impl Object {
    /// All of them, of every document.
    pub fn of(render: &str) -> Result<Vec<Self>> {
        Ok(yaml::documents(render)?.into_iter().map(Self).collect())
    }

    pub fn kind(&self) -> &str {
        self.0["kind"].as_str().unwrap_or_default()
    }

    /// `Kind namespace/name`.
    pub fn name(&self) -> String {
        let metadata = &self.0["metadata"];
        let namespace = metadata["namespace"].as_str().unwrap_or_default();
        format!("{} {namespace}/{}", self.kind(), metadata["name"].as_str().unwrap_or_default())
    }

    /// Of a pod, or of what makes pods.
    pub fn pod(&self) -> Option<&Value> {
        match self.kind() {
            "Pod" => Some(&self.0["spec"]),
            "DaemonSet" | "Deployment" => Some(&self.0["spec"]["template"]["spec"]),
            _ => None,
        }
    }

    /// The containers of a pod, those that run before it first.
    pub fn containers(&self) -> Vec<&Value> {
        let of = |key: &str| self.pod().and_then(|pod| pod[key].as_array()).into_iter().flatten();
        of("initContainers").chain(of("containers")).collect()
    }

    /// Sluice's config, of a ConfigMap that has one.
    pub fn config(&self) -> Option<&str> {
        self.0["data"]["sluice.yaml"].as_str()
    }
}
