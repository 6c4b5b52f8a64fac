//! What the generator's containers print is in their files, rotated ones included.

#![allow(clippy::unwrap_used, reason = "clippy knows tests by `cfg(test)`, which helpers of this file do not have")]

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use sluice_node::{Generator, Node, Pace, Spec, Voice, number};

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
    let pace = Pace { rate: 20_000, rotate_at: 64 * 1024, keep: usize::MAX };
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
    let pace = Pace { rate: 20_000, rotate_at: 1024, keep: 2 };
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
