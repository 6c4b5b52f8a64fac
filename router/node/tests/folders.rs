//! What lies in a node's folders after each thing that happens to a container.

#![allow(clippy::unwrap_used, reason = "clippy knows tests by `cfg(test)`, which helpers of this file do not have")]

use std::fs;
use std::path::Path;

use sluice_node::{Container, Node, Spec, Stream};
use tempfile::TempDir;

const TIME: u64 = 1_700_000_000_123_456_789;

fn node() -> (TempDir, Node) {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::new(folder.path()).unwrap();
    (folder, node)
}

fn line(container: &mut Container, text: &str) {
    container.write(Stream::Stdout, text, TIME).unwrap();
}

/// The texts in a file of CRI lines.
fn texts(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    text.lines().map(|line| line.splitn(4, ' ').last().unwrap().to_owned()).collect()
}

/// Every path below `var/log`, links with what they point to.
fn tree(node: &Node) -> Vec<String> {
    let mut pending = vec![node.root().join("var/log")];
    let mut found = Vec::new();
    while let Some(folder) = pending.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(node.root()).unwrap().display().to_string();
            if path.is_symlink() {
                let target = fs::read_link(&path).unwrap();
                found.push(format!("{name} -> {}", target.strip_prefix(node.root()).unwrap().display()));
            } else if path.is_dir() {
                pending.push(path);
            } else {
                found.push(name);
            }
        }
    }
    found.sort();
    found
}

#[test]
fn a_container_lives() {
    let (_folder, node) = node();
    let spec = Spec::cri("shop", "web-1", "app");
    let (id, uid) = (spec.container_id(), spec.pod_uid());
    let pod = format!("var/log/pods/shop_web-1_{uid}/app");
    let link = |n: u32| format!("var/log/containers/web-1_shop_app-{id}.log -> {pod}/{n}.log");

    let mut container = node.container(spec).unwrap();
    assert_eq!(tree(&node), [link(0), format!("{pod}/0.log")]);
    assert_eq!(fs::metadata(container.log()).unwrap().len(), 0);

    line(&mut container, "a");
    assert_eq!(texts(&container.log()), [""; 0], "a line is in the file before it was flushed");
    container.flush().unwrap();
    assert_eq!(texts(container.link()), ["a"]);

    let rotated = container.rotate().unwrap();
    line(&mut container, "b");
    let second = container.rotate().unwrap();
    line(&mut container, "c");
    container.flush().unwrap();
    assert_eq!(
        tree(&node),
        [
            link(0),
            format!("{pod}/0.log"),
            format!("{pod}/0.log.20231114-221320"),
            format!("{pod}/0.log.20231114-221321")
        ]
    );
    assert_eq!([texts(&rotated), texts(&second), texts(container.link())], [["a"], ["b"], ["c"]]);

    line(&mut container, "d");
    container.restart().unwrap();
    line(&mut container, "e");
    container.flush().unwrap();
    assert!(tree(&node).contains(&link(1)), "{:?}", tree(&node));
    assert_eq!(texts(&container.log().with_file_name("0.log")), ["c", "d"]);
    assert_eq!(texts(container.link()), ["e"]);

    let size = |path: &Path| fs::metadata(path).unwrap().len();
    let files = [&rotated, &second, &container.log().with_file_name("0.log"), &container.log()];
    assert_eq!(container.bytes_written(), files.iter().map(|path| size(path)).sum::<u64>());

    container.remove().unwrap();
    assert_eq!(tree(&node), [""; 0]);
    assert!(fs::read_dir(node.pods()).unwrap().next().is_none());
}

#[test]
fn containers_of_a_pod_share_its_folder() {
    let (_folder, node) = node();
    let app = node.container(Spec::cri("shop", "web-1", "app")).unwrap();
    let proxy = node.container(Spec::docker("shop", "web-1", "proxy")).unwrap();
    assert_eq!(app.log().ancestors().nth(2), proxy.log().ancestors().nth(2));
    app.remove().unwrap();
    assert!(proxy.link().exists());
    proxy.remove().unwrap();
    assert!(fs::read_dir(node.pods()).unwrap().next().is_none());
}

#[test]
fn raw_bytes_stay_as_they_are() {
    let (_folder, node) = node();
    let mut container = node.container(Spec::docker("shop", "web-1", "app")).unwrap();
    container.write_raw(b"half a line \xff").unwrap();
    drop(container);
    let again = node.container(Spec::docker("shop", "web-1", "app")).unwrap();
    assert_eq!(fs::read(again.link()).unwrap(), b"half a line \xff");
}
