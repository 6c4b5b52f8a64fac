//! The log files that the agent reads: eight containers, CRI, lines of 254 bytes that hold JSON.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sluice_node::{Container, Node, Spec, Stream};

const CONTAINERS: usize = 8;
/// With what the runtime puts in front, and the newline.
const LINE: usize = 254;
/// Of so many lines one has level debug.
const DEBUG_EVERY: u64 = 10;
/// 2023-11-14T22:13:20.1Z; with odd nanoseconds, so that every line has the whole fraction.
const TIME: u64 = 1_700_000_000_100_000_001;
/// `2023-11-14T22:13:20.100000001Z stdout F `
const PREFIX: usize = 40;

/// Files on disk, whose links are shown to an agent only when it is ready: what starting costs is not measured.
pub(crate) struct Load {
    node: Node,
    hidden: PathBuf,
    pub(crate) lines: u64,
    pub(crate) debug_lines: u64,
    pub(crate) bytes: u64,
}

impl Load {
    /// Writes `size` bytes in whole lines.
    pub(crate) fn write(folder: &Path, size: u64) -> Result<Self> {
        let node = Node::new(folder.join("node"))?;
        let mut containers: Vec<Container> = (0..CONTAINERS)
            .map(|n| node.container(Spec::cri("shop", &format!("web-7d4b9c6f5-{n:05}"), "app")))
            .collect::<Result<_, _>>()?;
        let lines = size / LINE as u64;
        let mut debug_lines = 0;
        for line in 0..lines {
            let debug = (line / CONTAINERS as u64).is_multiple_of(DEBUG_EVERY);
            debug_lines += u64::from(debug);
            let text = text(line, if debug { "debug" } else { "info" });
            containers[line as usize % CONTAINERS].write(Stream::Stdout, text, TIME + line * 10)?;
        }
        let bytes = containers.iter().map(Container::bytes_written).sum();
        for mut container in containers {
            container.flush()?;
        }
        let hidden = folder.join("links");
        let load = Self { node, hidden, lines, debug_lines, bytes };
        fs::create_dir(&load.hidden).with_context(|| format!("cannot create {}", load.hidden.display()))?;
        load.hide()?;
        Ok(load)
    }

    pub(crate) fn include(&self) -> String {
        self.node.include()
    }

    /// The links appear below `/var/log/containers`.
    pub(crate) fn show(&self) -> Result<()> {
        move_all(&self.hidden, &self.node.containers())
    }

    pub(crate) fn hide(&self) -> Result<()> {
        move_all(&self.node.containers(), &self.hidden)
    }
}

fn text(line: u64, level: &str) -> String {
    let head = format!(
        r#"{{"ts":"2023-11-14T22:13:20.1Z","level":"{level}","seq":{line},"logger":"shop.cart","msg":"order accepted and queued for the warehouse","path":"/api/v1/items/{}","status":200,"note":""#,
        line * 7919 % 100_000
    );
    format!("{head}{}\"}}", "x".repeat((LINE - 1 - PREFIX - 2).saturating_sub(head.len())))
}

fn move_all(from: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(from).with_context(|| format!("cannot list {}", from.display()))? {
        let entry = entry.with_context(|| format!("cannot list {}", from.display()))?;
        let target = to.join(entry.file_name());
        fs::rename(entry.path(), &target).with_context(|| format!("cannot move a link to {}", target.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_one_length() {
        let folder = tempfile::tempdir().unwrap();
        let load = Load::write(folder.path(), 1 << 20).unwrap();
        assert_eq!(load.lines, (1 << 20) / 254);
        assert_eq!(load.bytes, load.lines * 254);
        assert!(fs::read_dir(load.node.containers()).unwrap().next().is_none());
        load.show().unwrap();
        let (mut debug, mut links) = (0, 0);
        for entry in fs::read_dir(load.node.containers()).unwrap() {
            let text = fs::read_to_string(entry.unwrap().path()).unwrap();
            assert!(text.lines().all(|line| line.len() == 253), "{:?}", text.lines().next());
            debug += text.lines().filter(|line| line.contains(r#""level":"debug""#)).count() as u64;
            links += 1;
        }
        assert_eq!((links, debug), (CONTAINERS, load.debug_lines));
    }
}
