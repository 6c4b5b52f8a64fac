//! The layers, held against the manifests: the router → its edges → the core; tests and tasks beside them.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::project::{Project, packages};

/// What the core may use: data and time, no file, no socket, no clock of its own.
const CORE: [&str; 12] = [
    "base64",
    "bytes",
    "fastrand",
    "itoa",
    "memchr",
    "serde_json",
    "simdutf8",
    "sonic-rs",
    "thiserror",
    "tokio",
    "tracing",
    "xxhash-rust",
];
/// Of tokio, the parts that touch nothing outside the process.
const CORE_TOKIO: [&str; 4] = ["macros", "rt", "sync", "time"];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Layer {
    Binary,
    Edge,
    Core,
    /// Tests and tasks: may use anything, and nothing shipped may use them.
    Beside,
    /// A workspace of its own for the sandbox: shares no code with the router.
    Guest,
}

fn layer(root: &Path, folder: &Path) -> Result<Layer> {
    let place = folder.strip_prefix(root).with_context(|| format!("{} is outside the project", folder.display()))?;
    let mut steps = place.iter().filter_map(|step| step.to_str());
    match (steps.next(), steps.next()) {
        (Some("router"), None) => Ok(Layer::Binary),
        (Some("router"), Some("core")) => Ok(Layer::Core),
        (Some("router"), Some(_)) => Ok(Layer::Edge),
        (Some("tests"), Some("hostile")) | (Some("plugins"), _) => Ok(Layer::Guest),
        (Some("tests" | "xtask"), _) => Ok(Layer::Beside),
        _ => bail!("{} belongs to no layer: name it in xtask/src/layers.rs", place.display()),
    }
}

/// Fails with every dependency that goes against the layers.
pub(crate) fn check(project: &Project) -> Result<()> {
    let mut all = packages(&project.root)?;
    for guests in project.guests() {
        all.extend(packages(&guests)?);
    }
    let mut faults = Vec::new();
    for package in &all {
        let manifest = PathBuf::from(package["manifest_path"].as_str().context("a package without a manifest")?);
        let folder = manifest.parent().context("a manifest in no folder")?;
        let from = layer(&project.root, folder)?;
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let to = match dependency["path"].as_str() {
                Some(path) => Some(layer(&project.root, Path::new(path))?),
                None => None,
            };
            if let Some(fault) = judge(from, to, dependency) {
                faults.push(format!("{}: {} {fault}", manifest.display(), dependency["name"]));
            }
        }
    }
    if !faults.is_empty() {
        bail!("{}", faults.join("\n"));
    }
    eprintln!("{} packages keep to their layers", all.len());
    Ok(())
}

/// What is wrong with a dependency of `from`; `to` is its layer if it is one of ours.
fn judge(from: Layer, to: Option<Layer>, dependency: &Value) -> Option<&'static str> {
    let name = dependency["name"].as_str().unwrap_or_default();
    let shipped = dependency["kind"].as_str() != Some("dev");
    match (from, to) {
        (Layer::Guest, Some(to)) if to != Layer::Guest => Some("is the router's: guests share no code with it"),
        (Layer::Guest | Layer::Beside, _) => None,
        (_, Some(Layer::Guest)) => Some("is a guest's: the router loads guests and links none"),
        (_, Some(Layer::Beside)) if shipped => Some("is for tests: make it a dev-dependency"),
        (Layer::Core, Some(Layer::Edge | Layer::Binary)) => Some("is above the core"),
        (Layer::Edge, Some(Layer::Edge | Layer::Binary)) => Some("is another edge: edges use the core only"),
        (Layer::Edge | Layer::Core, None) if shipped && name == "anyhow" => {
            Some("is for the binary, xtask and tests: use thiserror or the core's Failure")
        }
        (Layer::Core, None) if shipped && !CORE.contains(&name) => {
            Some("is unknown in the core: if it does no I/O, name it in CORE in xtask/src/layers.rs")
        }
        (Layer::Core, None) if shipped && name == "tokio" && !tokio_is_pure(dependency) => {
            Some("has features that touch the world: the core takes macros, rt, sync and time")
        }
        _ => None,
    }
}

fn tokio_is_pure(dependency: &Value) -> bool {
    let mut features = dependency["features"].as_array().into_iter().flatten();
    features.all(|feature| feature.as_str().is_some_and(|feature| CORE_TOKIO.contains(&feature)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn dependencies_are_judged_by_their_layers() {
        use Layer::{Beside, Binary, Core, Edge, Guest};
        let ours = |kind: Value| json!({ "name": "sluice-x", "kind": kind });
        let foreign = |name: &str, kind: Value| json!({ "name": name, "kind": kind });
        let tokio = |features: Value| json!({ "name": "tokio", "kind": null, "features": features });
        let cases = [
            (Binary, Some(Edge), ours(json!(null)), true),
            (Binary, Some(Core), ours(json!(null)), true),
            (Binary, None, foreign("anyhow", json!(null)), true),
            (Binary, Some(Beside), ours(json!(null)), false),
            (Binary, Some(Beside), ours(json!("dev")), true),
            (Binary, Some(Guest), ours(json!(null)), false),
            (Edge, Some(Core), ours(json!(null)), true),
            (Edge, Some(Edge), ours(json!(null)), false),
            (Edge, Some(Edge), ours(json!("dev")), false),
            (Edge, Some(Binary), ours(json!(null)), false),
            (Edge, Some(Beside), ours(json!("dev")), true),
            (Edge, None, foreign("rdkafka", json!(null)), true),
            (Edge, None, foreign("anyhow", json!(null)), false),
            (Edge, None, foreign("anyhow", json!("dev")), true),
            (Core, Some(Edge), ours(json!(null)), false),
            (Core, None, foreign("bytes", json!(null)), true),
            (Core, None, foreign("reqwest", json!(null)), false),
            (Core, None, foreign("proptest", json!("dev")), true),
            (Core, None, foreign("anyhow", json!("build")), false),
            (Core, None, tokio(json!(["sync", "time"])), true),
            (Core, None, tokio(json!(["sync", "net"])), false),
            (Beside, Some(Binary), ours(json!(null)), true),
            (Beside, None, foreign("anyhow", json!(null)), true),
            (Guest, Some(Guest), ours(json!(null)), true),
            (Guest, Some(Core), ours(json!(null)), false),
        ];
        for (from, to, dependency, allowed) in cases {
            let verdict = judge(from, to, &dependency);
            assert_eq!(verdict.is_none(), allowed, "{from:?} → {to:?} {dependency}: {verdict:?}");
        }
    }

    #[test]
    fn folders_have_layers() {
        let root = Path::new("/p");
        let cases = [
            ("/p/router", Some(Layer::Binary)),
            ("/p/router/core", Some(Layer::Core)),
            ("/p/router/tail", Some(Layer::Edge)),
            ("/p/router/node", Some(Layer::Edge)),
            ("/p/router/demo", Some(Layer::Edge)),
            ("/p/tests/servers", Some(Layer::Beside)),
            ("/p/tests/hostile/spin", Some(Layer::Guest)),
            ("/p/plugins/sdk", Some(Layer::Guest)),
            ("/p/xtask", Some(Layer::Beside)),
            ("/p/helpers", None),
            ("/elsewhere", None),
        ];
        for (folder, expect) in cases {
            assert_eq!(layer(root, Path::new(folder)).ok(), expect, "{folder}");
        }
    }
}
