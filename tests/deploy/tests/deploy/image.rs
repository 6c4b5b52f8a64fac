//! The image's build, as far as it can be judged without an engine that runs it.

use std::{collections::BTreeSet, process::Command};

use sluice_deploy::{root, sluice};

use crate::read;

const DOCKERFILE: &str = "deploy/image/Dockerfile";
/// What gcr.io/distroless/cc-debian12 has of the libraries that a binary may link.
const OF_THE_BASE: [&str; 7] =
    ["libc.so", "libm.so", "libgcc_s.so", "libssl.so", "libcrypto.so", "ld-linux", "linux-vdso"];

/// The instructions of the Dockerfile by stage: keyword and arguments, lines that go on put together.
fn stages() -> Vec<Vec<(String, String)>> {
    let text = read(DOCKERFILE);
    let joined: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with('#')).collect();
    let joined = joined.join("\n").replace("\\\n", " ");
    let mut stages: Vec<Vec<(String, String)>> = Vec::new();
    for line in joined.lines().filter(|line| !line.trim().is_empty()) {
        let (keyword, arguments) = line.trim().split_once(' ').unwrap();
        if keyword == "FROM" {
            stages.push(Vec::new());
        }
        stages.last_mut().unwrap().push((keyword.to_owned(), arguments.trim().to_owned()));
    }
    stages
}

fn all<'a>(stage: &'a [(String, String)], keyword: &str) -> Vec<&'a str> {
    stage.iter().filter(|(found, _)| found == keyword).map(|(_, arguments)| arguments.as_str()).collect()
}

#[test]
fn the_last_stage_has_no_shell_and_no_root() {
    let stages = stages();
    assert_eq!(stages.len(), 2);
    let image = &stages[1];
    assert_eq!(all(image, "FROM"), ["gcr.io/distroless/cc-debian12:nonroot"]);
    assert_eq!(all(image, "USER"), ["65532:65532"], "a number, as `runAsNonRoot` cannot judge names");
    assert_eq!(all(image, "ENTRYPOINT"), [r#"["/usr/bin/sluice"]"#]);
    assert_eq!(all(image, "CMD"), [r#"["run"]"#]);
    // Without a shell nothing can be run in it, and what is started is a list of words.
    assert!(all(image, "RUN").is_empty());
    for copied in all(image, "COPY") {
        assert!(copied.starts_with("--from=build "), "{copied}: the image takes nothing from the checkout");
    }
}

/// The stages link the same glibc and OpenSSL, and the compiler is the project's.
#[test]
fn the_stages_belong_together() {
    let stages = stages();
    let toolchain = read("rust-toolchain.toml");
    let version = toolchain.split('"').nth(1).unwrap();
    assert_eq!(all(&stages[0], "FROM"), [format!("rust:{version}-bookworm AS build")], "bookworm is Debian 12");
    let (from, to) = all(&stages[1], "COPY")[0].split_once(' ').unwrap();
    assert_eq!((from, to), ("--from=build", "/image/usr/ /usr/"));
}

/// What the build copies and names is in the checkout, and all that the workspace's manifest needs gets there.
#[test]
fn the_context_has_what_the_build_needs() {
    let ignore = read("deploy/image/Dockerfile.dockerignore");
    let taken: Vec<&str> = ignore.lines().filter_map(|line| line.strip_prefix('!')).collect();
    for path in &taken {
        assert!(root().join(path).exists(), "{path}");
    }
    let manifest = read("Cargo.toml");
    let members = manifest.split_once("members = [").unwrap().1.split_once(']').unwrap().0;
    for member in members.split('"').skip(1).step_by(2) {
        assert!(taken.contains(&member.split('/').next().unwrap()), "{member} does not reach the build");
    }
}

/// The shipped plugins are in the image: all of them that are components.
#[test]
fn every_plugin_is_built() {
    let stages = stages();
    let build = all(&stages[0], "RUN").into_iter().find(|run| run.contains("plugin build")).unwrap();
    let listed = build.split_once("for plugin in ").unwrap().1.split_once(';').unwrap().0;
    let listed: BTreeSet<&str> = listed.split_whitespace().collect();
    let mut plugins = BTreeSet::new();
    for entry in std::fs::read_dir(root().join("plugins")).unwrap() {
        let folder = entry.unwrap().path();
        let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap_or_default();
        if manifest.contains("cdylib") {
            plugins.insert(folder.file_name().unwrap().to_str().unwrap().to_owned());
        }
    }
    assert_eq!(listed, plugins.iter().map(String::as_str).collect());
    let document = read("docs/kubernetes.md");
    for plugin in plugins {
        assert!(document.contains(&format!("[{plugin}]")), "docs/kubernetes.md does not name {plugin}");
    }
}

/// A library that the base lacks is copied beside the binary.
#[test]
fn the_binary_finds_its_libraries() {
    let output = Command::new("ldd").arg(sluice().unwrap()).output().unwrap();
    let listed = String::from_utf8(output.stdout).unwrap();
    let names: Vec<&str> = listed
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .map(|path| path.rsplit('/').next().unwrap())
        .collect();
    assert!(names.len() > 3, "{listed}");
    let build = read(DOCKERFILE);
    for name in names {
        let is_there = OF_THE_BASE.iter().any(|base| name.starts_with(base));
        assert!(is_there || build.contains(&format!("/image/usr/lib/{name}")), "{name} is in no layer");
    }
}
