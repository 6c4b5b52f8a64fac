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
        "WARN there is no log file yet; check `include` and the mounts; looking again at each scan \
         include=[\"FOLDER/elsewhere/*.log\"]",
    ),
    mistake(
        "`include` is no pattern",
        first(|node| node.config.include.push("/var/log/[.log".into())),
        "Fatal: files source: the pattern \"/var/log/[.log\" is wrong: Pattern syntax error near position 9: \
         invalid range pattern; correct it in `include` or `exclude`",
    ),
    mistake(
        "`include` names a folder",
        first(|node| fs::create_dir(node.at("logs/folder.log")).unwrap()),
        "record \"one\" of stdout at 1700000000 s",
    ),
    mistake(
        "`include` names a link to nowhere",
        first(|node| symlink("/nowhere/0.log", node.at("logs/link.log")).unwrap()),
        "WARN a log file cannot be read; check that what it leads to is mounted and readable; it is tried again \
         at each scan path=FOLDER/logs/link.log error=No such file or directory (os error 2)\n\
         record \"one\" of stdout at 1700000000 s\n\
         counted: files_unreadable 1",
    ),
    mistake(
        "`include` names a file that cannot be opened (here: a link to itself)",
        first(|node| symlink(node.at("logs/self.log"), node.at("logs/self.log")).unwrap()),
        "WARN a log file cannot be read; check that what it leads to is mounted and readable; it is tried again \
         at each scan path=FOLDER/logs/self.log error=Too many levels of symbolic links (os error 40)\n\
         record \"one\" of stdout at 1700000000 s\n\
         counted: files_unreadable 1",
    ),
    mistake(
        "`include` names a pipe, which would never end",
        first(|node| {
            let made = std::process::Command::new("mkfifo").arg(node.at("logs/pipe.log")).status().unwrap();
            assert!(made.success());
        }),
        "record \"one\" of stdout at 1700000000 s",
    ),
    mistake(
        "a file was emptied in place",
        then(|node| fs::write(node.log(), "").unwrap()),
        "INFO a log file was truncated; reading it from its beginning \
         path=FOLDER/logs/web_shop_app-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef.log \
         copy=false\n\
         record \"one\" of stdout at 1700000000 s\n\
         counted: truncations 1",
    ),
    mistake(
        "a file was removed",
        then(|node| fs::remove_file(node.log()).unwrap()),
        "record \"one\" of stdout at 1700000000 s",
    ),
    mistake(
        "`checkpoints` is a file",
        first(|node| drop(File::create(node.at("checkpoints")).unwrap())),
        "Fatal: files source: cannot use FOLDER/checkpoints for checkpoints: File exists (os error 17); make it \
         writable for this process, or name another folder in `checkpoints`",
    ),
    mistake(
        "a checkpoint document that ends in the middle",
        first(|node| write_checkpoints(node, "{\"version\": 1, \"files\": [")),
        "WARN the checkpoints cannot be used; all files are read again from their beginning \
         checkpoints=FOLDER/checkpoints/ship.json reason=EOF while parsing a list at line 1 column 25 \
         set_aside=FOLDER/checkpoints/ship.json.bad-1\n\
         record \"one\" of stdout at 1700000000 s",
    ),
    mistake(
        "a checkpoint document of another version",
        first(|node| write_checkpoints(node, "{\"version\": 3, \"written_by\": \"sluice 9.1.0\", \"files\": []}")),
        "WARN the checkpoints cannot be used; all files are read again from their beginning \
         checkpoints=FOLDER/checkpoints/ship.json reason=it was written by sluice 9.1.0 as version 3, and \
         sluice 0.1.0 reads versions up to 2 \
         set_aside=FOLDER/checkpoints/ship.json.bad-1\n\
         record \"one\" of stdout at 1700000000 s",
    ),
    mistake(
        "a folder where the checkpoint document should be",
        first(|node| fs::create_dir_all(node.at("checkpoints/ship.json")).unwrap()),
        "Fatal: files source: cannot use FOLDER/checkpoints/ship.json for checkpoints: Is a directory (os error \
         21); make it writable for this process, or name another folder in `checkpoints`",
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
        "Fatal: files source: FOLDER/checkpoints/ship.lock is locked by another process: two agents must not \
         share checkpoints; stop the other one, or give this pipeline another folder in `checkpoints`",
    ),
    mistake(
        "the disk has no room for the checkpoints (here: a folder in the way)",
        then(|node| {
            fs::create_dir(node.at("checkpoints/ship.json.new")).unwrap();
            fs::write(node.at("logs/other.log"), "x\n").unwrap();
        }),
        "WARN positions are not saved; trying again failure=files source: cannot save \
         FOLDER/checkpoints/ship.json: Is a directory (os error 21); make room on the disk or make it writable\n\
         record \"one\" of stdout at 1700000000 s\n\
         record \"x\" of stdout at 42 s",
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
