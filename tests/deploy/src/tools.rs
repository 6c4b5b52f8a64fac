//! The programs that manifests go through.

use std::{
    env,
    fs::{self, File},
    path::PathBuf,
    process::Command,
};

use anyhow::{Context, Result, bail, ensure};
use sluice_servers::cache_folder;

/// A program of the Go module proxy, which needs no download of anybody's release page.
struct GoTool {
    name: &'static str,
    package: &'static str,
    version: &'static str,
    /// Of the linker.
    flags: &'static str,
}

const HELM: GoTool = GoTool {
    name: "helm",
    package: "helm.sh/helm/v3/cmd/helm",
    version: "v3.22.0",
    // As its releases are built: without it, helm takes every cluster that it does not ask for one of version 1.20.
    flags: "-X helm.sh/helm/v3/pkg/chartutil.k8sVersionMajor=1 -X helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor=36 \
            -X helm.sh/helm/v3/pkg/lint/rules.k8sVersionMajor=1 -X helm.sh/helm/v3/pkg/lint/rules.k8sVersionMinor=36",
};
const KUSTOMIZE: GoTool =
    GoTool { name: "kustomize", package: "sigs.k8s.io/kustomize/kustomize/v5", version: "v5.8.1", flags: "" };

/// Helm, of one version: what it renders is compared to the byte.
pub(crate) fn helm() -> Result<Command> {
    HELM.find().map(Command::new)
}

/// `kubectl kustomize FOLDER`, or kustomize itself where there is no kubectl.
pub fn kustomize() -> Result<Command> {
    let kubectl = Command::new("kubectl").args(["version", "--client"]).output();
    if kubectl.is_ok_and(|output| output.status.success()) {
        let mut command = Command::new("kubectl");
        command.arg("kustomize");
        return Ok(command);
    }
    let mut command = Command::new(KUSTOMIZE.find()?);
    command.arg("build");
    Ok(command)
}

/// The binary of this workspace's build.
pub fn sluice() -> Result<PathBuf> {
    let own = env::current_exe()?;
    let binary = own.ancestors().skip(1).take(2).map(|folder| folder.join("sluice")).find(|file| file.exists());
    binary.with_context(|| format!("no sluice beside {}: run ./dev test, or cargo build -p sluice", own.display()))
}

impl GoTool {
    /// In the cache, and built there by the first who needs it.
    fn find(&self) -> Result<PathBuf> {
        let folder = cache_folder()?.join("tools").join(format!("{}-{}", self.name, self.version));
        let program = folder.join(self.name);
        fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        let lock = File::create(folder.join("lock")).with_context(|| format!("cannot lock {}", folder.display()))?;
        lock.lock().with_context(|| format!("cannot lock {}", folder.display()))?;
        if program.exists() {
            return Ok(program);
        }
        let module = format!("{}@{}", self.package, self.version);
        let line = format!("GOBIN={} go install -ldflags '{}' {module}", folder.display(), self.flags);
        eprintln!("building {} {} (some minutes, once): {line}", self.name, self.version);
        let mut build = Command::new("go");
        build.args(["install", "-ldflags", self.flags, &module]).env("GOBIN", &folder);
        let status = match build.status() {
            Ok(status) => status,
            Err(error) => bail!(
                "{} {} is missing, and so is go ({error}): install Go 1.26 or newer from https://go.dev/dl, then type\n    {line}",
                self.name,
                self.version
            ),
        };
        ensure!(status.success(), "building {} failed ({status}); to repeat it alone:\n    {line}", self.name);
        Ok(program)
    }
}
