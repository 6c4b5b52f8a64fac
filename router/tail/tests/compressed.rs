//! Rotated files that were compressed before all of them was read.

#![allow(clippy::unwrap_used, reason = "a test that fails says where")]

mod fixture;

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use fixture::{
    ID, Node, Seen, append, compress, cri, deliver, gzip, ids, read, read_batches, read_to_the_end, see, texts, with_gz,
};
use sluice_core::pipeline::Source;

const SECOND: Duration = Duration::from_secs(1);

/// With a first start behind it: what appears from now on is new, and read from its beginning.
async fn node_that_was_looked_at() -> Node {
    let node = Node::new();
    let mut tail = node.tail();
    assert_eq!(read(&mut tail).await, []);
    tail.close().await.unwrap();
    node
}

#[tokio::test(start_paused = true)]
async fn what_was_compressed_while_away_is_read_once_and_in_order() {
    let node = Node::new();
    let mut app = node.container("app");
    app.line("1");
    let mut tail = node.tail();
    assert_eq!(texts(&read(&mut tail).await), ["1"]);
    tail.close().await.unwrap();
    drop(tail);
    app.line("2");
    let first = app.rotate();
    app.line("3");
    let second = app.rotate();
    app.line("4");
    app.rotate();
    app.line("5");
    // The older one is compressed last, and so was written to last.
    compress(&second);
    compress(&first);
    let mut tail = node.tail();
    assert_eq!(texts(&read(&mut tail).await), ["2", "3", "4", "5"]);
    tail.close().await.unwrap();
    drop(tail);
    let mut tail = node.tail();
    assert_eq!(read(&mut tail).await, []);
    // And not at the next rotation either.
    app.rotate();
    app.line("6");
    assert_eq!(texts(&read_to_the_end(&mut tail).await), ["6"]);
    assert_eq!(node.expired(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_line_is_the_same_in_the_plain_and_in_the_compressed_file() {
    let node = Node::new();
    let mut app = node.container("app");
    let lines: Vec<String> = (0..5000).map(|n| cri(&format!("{n} {}", "x".repeat(n % 300)))).collect();
    app.append(lines.concat());
    let mut tail = node.tail();
    let batches = read_batches(&mut tail, SECOND).await;
    let plain: Vec<Seen> = batches.iter().flat_map(see).collect();
    assert_eq!(plain.len(), 5000);
    // The first batch is delivered, and that is saved.
    let mut batches = batches.into_iter();
    let delivered = deliver(batches.next().unwrap()).len();
    tail.save().await.unwrap();
    drop((tail, batches));
    compress(&app.rotate());
    app.line("next");
    let again = read(&mut node.tail()).await;
    assert_eq!(again[..again.len() - 1], plain[delivered..]);
    assert_eq!(again.last().unwrap().text, "next");
}

#[tokio::test(start_paused = true)]
async fn history_that_is_compressed_is_left_alone() {
    let node = Node::new();
    let mut app = node.container("app");
    app.line("old");
    let old = app.rotate();
    app.line("older than the agent");
    let older = app.rotate();
    compress(&old);
    app.line("1");
    let mut tail = node.tail();
    assert_eq!(texts(&read(&mut tail).await), ["1"]);
    // Compressed now, at the rotation of what is followed: history all the same.
    let first = app.rotate();
    compress(&older);
    app.line("2");
    assert_eq!(texts(&read(&mut tail).await), ["2"]);
    tail.close().await.unwrap();
    drop(tail);
    compress(&first);
    app.rotate();
    app.line("3");
    assert_eq!(texts(&read_to_the_end(&mut node.tail()).await), ["3"]);
}

#[tokio::test(start_paused = true)]
async fn a_container_that_is_new_since_the_last_start_is_read_from_its_first_file() {
    let node = node_that_was_looked_at().await;
    let mut app = node.container("app");
    app.line("1");
    compress(&app.rotate());
    app.line("2");
    app.rotate();
    app.line("3");
    assert_eq!(texts(&read(&mut node.tail()).await), ["1", "2", "3"]);
}

#[tokio::test(start_paused = true)]
async fn rotation_and_compression_between_two_looks_lose_nothing() {
    let node = Node::new();
    let mut app = node.container("app");
    app.line("1");
    let mut tail = node.tail();
    assert_eq!(texts(&read(&mut tail).await), ["1"]);
    for (text, delete) in [("2", false), ("4", true)] {
        let open = app.rotate();
        app.line(text);
        let next = app.rotate();
        app.line(&format!("{text} more"));
        compress(&next);
        let open = compress(&open);
        if delete {
            fs::remove_file(open).unwrap();
        }
        assert_eq!(texts(&read(&mut tail).await), [text.to_owned(), format!("{text} more")]);
        assert_eq!(read_to_the_end(&mut tail).await, []);
    }
}

#[tokio::test(start_paused = true)]
async fn dockers_names_are_read_in_their_order() {
    let node = Node::new();
    let app = node.container("app");
    let docker = node.at(&format!("docker/{ID}/{ID}-json.log"));
    fs::create_dir_all(docker.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink(&docker, &app.log).unwrap();
    let line = |n: u32| format!("{{\"log\":\"{n}\\n\",\"stream\":\"stdout\",\"time\":\"2023-11-14T22:13:2{n}Z\"}}\n");
    append(&docker, line(1));
    let mut tail = node.tail();
    assert_eq!(texts(&read(&mut tail).await), ["1\n"]);
    tail.close().await.unwrap();
    drop(tail);
    let rotated = |n: u32| PathBuf::from(format!("{}.{n}", docker.display()));
    append(&docker, line(2));
    fs::rename(&docker, rotated(1)).unwrap();
    for n in 3..6 {
        append(&docker, line(n));
        compress(&rotated(1));
        for n in (1..n - 1).rev() {
            if with_gz(&rotated(n)).exists() {
                fs::rename(with_gz(&rotated(n)), with_gz(&rotated(n + 1))).unwrap();
            }
        }
        fs::rename(&docker, rotated(1)).unwrap();
    }
    append(&docker, line(6));
    assert_eq!(texts(&read(&mut node.tail()).await), ["2\n", "3\n", "4\n", "5\n", "6\n"]);
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_still_being_compressed_is_waited_for() {
    let node = Node::new();
    let mut app = node.container("app");
    app.line("0");
    let mut tail = node.tail();
    read(&mut tail).await;
    tail.close().await.unwrap();
    drop(tail);
    let lines: Vec<String> = (0..2000).map(|n| cri(&format!("{n} {:x}", n * 0x9e37_79b9_u64))).collect();
    app.append(lines.concat());
    let rotated = app.rotate();
    let packed = gzip(&fs::read(&rotated).unwrap());
    fs::remove_file(&rotated).unwrap();
    // Without the plain file beside it: else that is read.
    fs::write(with_gz(&rotated), &packed[..packed.len() / 2]).unwrap();
    app.line("next");
    let mut tail = node.tail();
    let mut seen = read(&mut tail).await;
    assert!(!seen.is_empty() && seen.len() < 2000, "{}", seen.len());
    append(&with_gz(&rotated), &packed[packed.len() / 2..]);
    seen.extend(read(&mut tail).await);
    let expected: Vec<String> = lines.iter().map(|line| line[30..line.len() - 1].to_owned()).collect();
    assert!(texts(&seen)[..2000] == expected);
    assert_eq!(texts(&seen)[2000..], ["next"]);
    assert_eq!(node.expired(), 0);
}

#[tokio::test(start_paused = true)]
async fn of_a_torn_or_damaged_file_the_readable_part_is_read_and_the_rest_counted() {
    for damage in ["torn", "overwritten", "no gzip"] {
        let node = Node::new();
        let mut app = node.container("app");
        app.line("0");
        let mut tail = node.tail();
        read(&mut tail).await;
        let lines: Vec<String> = (0..2000).map(|n| cri(&format!("{n} {:x}", n * 0x9e37_79b9_u64))).collect();
        app.append(lines.concat());
        // It was seen to be longer than what was delivered.
        drop(tail.next().await.unwrap().unwrap());
        tail.save().await.unwrap();
        drop(tail);
        let rotated = app.rotate();
        let mut packed = gzip(&fs::read(&rotated).unwrap());
        let half = packed.len() / 2;
        match damage {
            "torn" => packed.truncate(half),
            "overwritten" => packed[half..half + 100].fill(0xff),
            _ => packed = fs::read(&rotated).unwrap(),
        }
        fs::remove_file(&rotated).unwrap();
        fs::write(with_gz(&rotated), packed).unwrap();
        app.line("next");
        let mut tail = node.tail();
        let seen = read_to_the_end(&mut tail).await;
        assert_eq!(seen.last().unwrap().text, "next", "{damage}");
        assert!(seen.len() > if damage == "no gzip" { 0 } else { 100 }, "{damage}");
        let lost = node.ledger.balance().expired_bytes.get("damaged_gz").copied().unwrap_or_default();
        // Of what is no gzip file at all not even the first line is known.
        assert_eq!(lost > 0, damage != "no gzip", "{lost}");
        let known = node.config.counters.lost.by_container();
        assert_eq!(known.values().sum::<u64>(), node.expired(), "{damage}");
        // Not counted again at the next rotation.
        app.rotate();
        app.line("more");
        assert_eq!(texts(&read_to_the_end(&mut tail).await), ["more"], "{damage}");
        assert_eq!(node.ledger.balance().expired_bytes.get("damaged_gz").copied().unwrap_or_default(), lost);
    }
}

#[tokio::test(start_paused = true)]
async fn plain_files_that_begin_alike_are_told_apart_when_compressed() {
    let mut node = Node::new();
    node.config.include = vec![format!("{}/*.log", node.folder.path().display())];
    let path = node.at("app.log");
    let rotated = |n: u32| PathBuf::from(format!("{}.{n}", path.display()));
    let age = |path: &Path, seconds: u64| {
        let time = std::time::SystemTime::now() - Duration::from_secs(seconds);
        fs::File::options().append(true).open(path).unwrap().set_modified(time).unwrap();
    };
    // History, as gzip leaves it: with the time of what it compressed.
    append(&path, "header\nhistory, which is longer than what comes\n");
    fs::rename(&path, rotated(2)).unwrap();
    age(&compress(&rotated(2)), 9000);
    append(&path, "header\n1\n");
    age(&path, 6000);
    let mut tail = node.tail();
    assert_eq!(texts(&read(&mut tail).await), ["header", "1"]);
    tail.close().await.unwrap();
    drop(tail);
    append(&path, "2\n");
    fs::rename(&path, rotated(1)).unwrap();
    age(&compress(&rotated(1)), 3000);
    append(&path, "header\n3\n");
    let mut tail = node.tail();
    assert_eq!(texts(&read(&mut tail).await), ["2", "header", "3"]);
}

#[tokio::test(start_paused = true)]
async fn what_truncation_cut_off_is_read_from_its_compressed_copy() {
    let node = Node::new();
    let app = node.container("app");
    app.line("1");
    let mut tail = node.tail();
    assert_eq!(texts(&read(&mut tail).await), ["1"]);
    app.line("2");
    let copy = PathBuf::from(format!("{}.1", app.log.display()));
    fs::copy(&app.log, &copy).unwrap();
    fs::write(&app.log, "").unwrap();
    compress(&copy);
    assert_eq!(texts(&read(&mut tail).await), ["2"]);
    app.line("3");
    assert_eq!(texts(&read(&mut tail).await), ["3"]);
    assert_eq!(node.expired(), 0);
}

#[tokio::test(start_paused = true)]
async fn two_truncations_between_two_looks_lose_nothing_where_both_copies_are_kept() {
    let node = Node::new();
    let app = node.container("app");
    let copy = |n: u32| PathBuf::from(format!("{}.{n}", app.log.display()));
    app.line("1");
    let mut tail = node.tail();
    assert_eq!(texts(&read(&mut tail).await), ["1"]);
    app.line("2");
    fs::copy(&app.log, copy(2)).unwrap();
    fs::write(&app.log, "").unwrap();
    app.line("3");
    fs::copy(&app.log, copy(1)).unwrap();
    fs::write(&app.log, "").unwrap();
    compress(&copy(2));
    assert_eq!(texts(&read(&mut tail).await), ["2", "3"]);
    app.line("4");
    assert_eq!(texts(&read(&mut tail).await), ["4"]);
    assert_eq!(node.expired(), 0);
}

#[tokio::test(start_paused = true)]
async fn many_compressed_files_are_unpacked_a_few_at_a_time() {
    let node = node_that_was_looked_at().await;
    for n in 0..60 {
        let mut app = node.container(&format!("app-{n}"));
        app.append((0..50).map(|line| cri(&format!("{line} of {n}"))).collect::<String>());
        compress(&app.rotate());
        app.line(&format!("50 of {n}"));
    }
    let seen = read(&mut node.tail()).await;
    assert_eq!(seen.len(), 60 * 51);
    for n in 0..60 {
        let of = format!(" of {n}");
        let texts: Vec<_> = seen.iter().filter_map(|seen| seen.text.strip_suffix(&of)).collect();
        assert_eq!(texts, (0..51).map(|line| line.to_string()).collect::<Vec<_>>());
    }
    assert_eq!(ids(&seen).len(), 60 * 51);
}

#[tokio::test(start_paused = true)]
async fn what_was_read_to_its_end_and_not_delivered_is_read_again() {
    let node = node_that_was_looked_at().await;
    let mut app = node.container("app");
    app.line("1");
    compress(&app.rotate());
    app.line("2");
    let mut tail = node.tail();
    let batches = read_batches(&mut tail, SECOND).await;
    assert_eq!(batches.len(), 2);
    tail.save().await.unwrap();
    drop((tail, batches));
    assert_eq!(texts(&read(&mut node.tail()).await), ["1", "2"]);
}
