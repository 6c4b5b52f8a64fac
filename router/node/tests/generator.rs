//! What the generator's containers print is in their files, rotated ones included.

#![allow(clippy::unwrap_used, reason = "clippy knows tests by `cfg(test)`, which helpers of this file do not have")]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use flate2::read::GzDecoder;
use sluice_node::{Generator, Node, Pace, Retention, Spec, Voice, number};

#[test]
fn every_line_is_in_a_file_once() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::new(folder.path()).unwrap();
    let containers = vec![
        (node.container(Spec::cri("shop", "web-1", "app")).unwrap(), Voice::Orders),
        (node.container(Spec::cri("pay", "ledger-1", "app")).unwrap(), Voice::Faults),
    ];
    let pods: Vec<_> =
        containers.iter().map(|(container, _)| container.log().parent().unwrap().to_path_buf()).collect();
    let retention = Retention { rotate_at: 64 * 1024, keep: usize::MAX, compress: false };
    let pace = Pace { rate: 20_000, retention, restart_every: None };
    let generator = Generator::start(containers, pace).unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while generator.rotations() < 4 || generator.exceptions() < 3 {
        assert!(Instant::now() < deadline, "{} lines, {} rotations", generator.count(), generator.rotations());
        thread::yield_now();
    }
    let summary = generator.stop().unwrap();

    let (mut exceptions, mut bytes) = (0, 0);
    for (folder, (pod, levels)) in pods.iter().rev().zip(&summary.written) {
        let mut seen = vec![0; levels.len()];
        for entry in fs::read_dir(folder).unwrap() {
            let text = fs::read_to_string(entry.unwrap().path()).unwrap();
            bytes += text.len() as u64;
            for line in text.lines() {
                exceptions += u64::from(line.to_ascii_lowercase().contains("exception"));
                seen[number(line).unwrap() as usize] += 1;
            }
        }
        assert!(seen.iter().all(|times| *times == 1), "{pod}: {} lines", levels.len());
    }
    assert_eq!((summary.exceptions, summary.bytes), (exceptions, bytes));
}

#[test]
fn old_files_are_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::new(folder.path()).unwrap();
    let container = node.container(Spec::docker("shop", "web-1", "app")).unwrap();
    let logs = container.log().parent().unwrap().to_path_buf();
    let retention = Retention { rotate_at: 1024, keep: 2, compress: false };
    let pace = Pace { rate: 20_000, retention, restart_every: None };
    let generator = Generator::start(vec![(container, Voice::Plain)], pace).unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while generator.rotations() < 5 {
        assert!(Instant::now() < deadline, "{} rotations", generator.rotations());
        thread::yield_now();
    }
    generator.stop().unwrap();
    // Two rotated ones and the one that is written.
    assert_eq!(fs::read_dir(logs).unwrap().count(), 3);
}

/// As a node looks after hours: compressed files, the last rotated one plain, the files of the last life and of this one.
#[test]
fn files_are_compressed_and_containers_restart() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::new(folder.path()).unwrap();
    let container = node.container(Spec::cri("shop", "web-1", "app")).unwrap();
    let (logs, link) = (container.log().parent().unwrap().to_path_buf(), container.link().to_path_buf());
    let retention = Retention { rotate_at: 4096, keep: 3, compress: true };
    let pace = Pace { rate: 20_000, retention, restart_every: Some(2_000) };
    let generator = Generator::start(vec![(container, Voice::Plain)], pace).unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while generator.count() < 9_000 {
        assert!(Instant::now() < deadline, "{} lines", generator.count());
        thread::yield_now();
    }
    let summary = generator.stop().unwrap();
    assert!(summary.restarts >= 4, "{}", summary.restarts);

    let mut lives = BTreeMap::<String, Vec<String>>::new();
    for entry in fs::read_dir(&logs).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        lives.entry(name.split('.').next().unwrap().to_owned()).or_default().push(name);
    }
    let last = summary.restarts.to_string();
    let expect = [(summary.restarts - 1).to_string(), last.clone()];
    assert_eq!(lives.keys().collect::<Vec<_>>(), expect.iter().collect::<Vec<_>>());
    assert_eq!(fs::read_link(link).unwrap(), logs.join(format!("{last}.log")));
    for names in lives.values() {
        let plain = names.iter().filter(|name| !name.ends_with(".gz")).count();
        assert!(names.len() <= 4 && plain <= 2, "{names:?}");
    }

    // Each file has the lines that the summary says, also after it was compressed.
    let begins = &summary.files["web-1"];
    let mut read = 0;
    for (nth, begin) in begins.iter().enumerate() {
        let packed = PathBuf::from(format!("{}.gz", begin.path.display()));
        let mut text = String::new();
        if packed.exists() {
            GzDecoder::new(File::open(packed).unwrap()).read_to_string(&mut text).unwrap();
        } else if begin.path.exists() {
            text = fs::read_to_string(&begin.path).unwrap();
        } else {
            continue;
        }
        read += 1;
        let numbers: Vec<u64> = text.lines().map(|line| number(line).unwrap()).collect();
        let end = begins.get(nth + 1).map_or(summary.written["web-1"].len() as u64, |next| next.line);
        assert_eq!(numbers, (begin.line..end).collect::<Vec<_>>(), "{}", begin.path.display());
    }
    assert_eq!(read, lives.values().map(Vec::len).sum::<usize>());
}
