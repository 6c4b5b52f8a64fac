//! The folders that a kubelet keeps logs in.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{Container, Error, Spec};

/// A node below a folder of your choice, which stands for its `/`.
#[derive(Clone, Debug)]
pub struct Node {
    root: PathBuf,
}

impl Node {
    /// Makes `var/log/containers` and `var/log/pods` below `root`, unless they are there.
    pub fn new(root: impl Into<PathBuf>) -> Result<Self, Error> {
        let root = root.into();
        let node = Self { root: std::path::absolute(&root).map_err(Error::file("find", &root))? };
        for folder in [node.containers(), node.pods()] {
            fs::create_dir_all(&folder).map_err(Error::file("create", &folder))?;
        }
        Ok(node)
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where the links lie that agents follow.
    pub fn containers(&self) -> PathBuf {
        self.root.join("var/log/containers")
    }

    /// Where the files lie.
    pub fn pods(&self) -> PathBuf {
        self.root.join("var/log/pods")
    }

    /// What an agent's config names: every container's link.
    pub fn include(&self) -> String {
        format!("{}/*.log", self.containers().display())
    }

    /// Starts the container: its log file `0.log`, empty, and the link to it.
    pub fn container(&self, spec: Spec) -> Result<Container, Error> {
        let folder = self.pods().join(format!("{}_{}_{}", spec.namespace, spec.pod, spec.pod_uid()));
        let link = self.containers().join(spec.link_name());
        Container::start(spec, folder, link)
    }
}
