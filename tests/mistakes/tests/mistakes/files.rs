//! Files and checkpoints. FOLDER/logs holds the log of a container with the line `one`; `first` is done before it is
//! read, `then` after it was read to its end.

use std::{
    fs::{self, File},
    os::unix::fs::symlink,
};

use sluice_mistakes::{Mistake, differences, mistake};

use crate::{log::Log, node::Node};

pub struct Steps {
    first: fn(&mut Node),
    then: fn(&Node),
}

const fn first(first: fn(&mut Node)) -> Steps {
    Steps { first, then: |_| {} }
}

const fn then(then: fn(&Node)) -> Steps {
    Steps { first: |_| {}, then }
}

pub const TABLE: &[Mistake<Steps>] = &[
    mistake(
        "`include` names nothing that is there",
        first(|node| node.config.include = vec![node.at("elsewhere/*.log").display().to_string()]),
        "",
    ),
    mistake("`include` is no pattern", first(|node| node.config.include.push("/var/log/[.log".into())), ""),
    mistake("`include` names a folder", first(|node| fs::create_dir(node.at("logs/folder.log")).unwrap()), ""),
    mistake(
        "`include` names a link to nowhere",
        first(|node| symlink("/nowhere/0.log", node.at("logs/link.log")).unwrap()),
        "",
    ),
    mistake(
        "`include` names a file that cannot be opened (here: a link to itself)",
        first(|node| symlink(node.at("logs/self.log"), node.at("logs/self.log")).unwrap()),
        "",
    ),
    mistake(
        "`include` names a pipe, which would never end",
        first(|node| {
            let made = std::process::Command::new("mkfifo").arg(node.at("logs/pipe.log")).status().unwrap();
            assert!(made.success());
        }),
        "",
    ),
    mistake(
        "a file was emptied in place, with bytes that nobody had read",
        then(|node| fs::write(node.log(), "").unwrap()),
        "",
    ),
    mistake("a file was removed", then(|node| fs::remove_file(node.log()).unwrap()), ""),
    mistake("`checkpoints` is a file", first(|node| drop(File::create(node.at("checkpoints")).unwrap())), ""),
    mistake(
        "a checkpoint document that ends in the middle",
        first(|node| write_checkpoints(node, "{\"version\": 1, \"files\": [")),
        "",
    ),
    mistake(
        "a checkpoint document of another version",
        first(|node| write_checkpoints(node, "{\"version\": 2, \"files\": []}")),
        "",
    ),
    mistake(
        "a folder where the checkpoint document should be",
        first(|node| fs::create_dir_all(node.at("checkpoints/ship.json")).unwrap()),
        "",
    ),
    mistake(
        "another process has the checkpoints",
        first(|node| {
            fs::create_dir_all(node.at("checkpoints")).unwrap();
            let lock = File::create(node.at("checkpoints/ship.lock")).unwrap();
            lock.try_lock().unwrap();
            // Held for as long as the test runs, as another process would.
            std::mem::forget(lock);
        }),
        "",
    ),
    mistake(
        "the disk has no room for the checkpoints (here: a folder in the way)",
        then(|node| {
            fs::create_dir(node.at("checkpoints/ship.json.new")).unwrap();
            fs::write(node.at("logs/other.log"), "x\n").unwrap();
        }),
        "",
    ),
];

fn write_checkpoints(node: &Node, text: &str) {
    fs::create_dir_all(node.at("checkpoints")).unwrap();
    fs::write(node.at("checkpoints/ship.json"), text).unwrap();
}

async fn say(given: &Steps) -> String {
    let mut node = Node::new();
    let (log, _guard) = Log::start();
    fs::write(node.log(), "2023-11-14T22:13:20Z stdout F one\n").unwrap();
    (given.first)(&mut node);
    let mut tail = match node.open() {
        Ok(tail) => tail,
        Err(failure) => return node.outcome(&[format!("{:?}: {failure}", failure.kind)], &log),
    };
    let mut seen = node.read(&mut tail).await;
    (given.then)(&node);
    seen.extend(node.read(&mut tail).await);
    node.outcome(&seen, &log)
}

#[tokio::test(start_paused = true)]
async fn files() {
    let mut found = Vec::new();
    for mistake in TABLE {
        found.push(say(&mistake.given).await);
    }
    assert_eq!(differences(TABLE, &found), "");
}
