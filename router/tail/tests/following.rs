//! What happens to files while they are followed, on real files.

#![allow(clippy::unwrap_used, reason = "a test that fails says where")]

mod fixture;

use std::{
    ffi::OsStr,
    fs,
    os::unix::{ffi::OsStrExt, fs::symlink},
};

use fixture::{ID, Node, append, cri, read, read_to_the_end, texts};
use sluice_core::{Place, Stream, pipeline::Source};

#[tokio::test(start_paused = true)]
async fn new_files_and_lines_are_found() {
    let node = Node::new();
    let mut tail = node.tail();
    assert_eq!(read(&mut tail).await, []);
    let app = node.container("app");
    app.line("one");
    app.append("2023-11-14T22:13:20Z stderr F two\n2023-11-14T22:13:20Z stdout F incompl");
    assert_eq!(texts(&read(&mut tail).await), ["one", "two"]);
    app.append("ete\n");
    node.container("other").line("three");
    let mut seen = read(&mut tail).await;
    seen.sort_by(|a, b| a.text.cmp(&b.text));
    assert_eq!(texts(&seen), ["incomplete", "three"]);
    assert_eq!(read(&mut tail).await, []);
    assert_eq!(node.config.counters.files_open.get(), 2);
    assert_eq!(node.config.counters.lag_bytes.get(), 0);
}

#[tokio::test(start_paused = true)]
async fn records_carry_their_origin_and_place() {
    let node = Node::new();
    let app = node.container("app");
    app.line("one");
    let mut tail = node.tail();
    let batch = tail.next().await.unwrap().unwrap();
    assert_eq!(batch.origins().len(), 1);
    let origin = &batch.origins()[0];
    assert_eq!(origin.key, fixture::ID);
    assert!(
        origin.object.contains(r#""container_name":"app","namespace_name":"shop","pod_name":"web-1","host":"node-1""#)
    );
    assert_eq!(**batch.place(), Place::File { path: app.link.display().to_string() });
    assert_eq!(batch.records()[0].time, fixture::SECOND * 1_000_000_000);
    fixture::deliver(batch);
}

#[tokio::test(start_paused = true)]
async fn a_renamed_file_is_read_to_its_end_before_the_new_one() {
    let node = Node::new();
    let mut app = node.container("app");
    app.line("1");
    let mut tail = node.tail();
    assert_eq!(texts(&read(&mut tail).await), ["1"]);
    app.line("2");
    let old = app.rotate();
    // The runtime opens the new file a little later, and writes to the old one until then.
    append(&old, cri("3"));
    assert_eq!(texts(&read(&mut tail).await), ["2", "3"]);
    append(&old, cri("4"));
    app.line("5");
    assert_eq!(texts(&read(&mut tail).await), ["4", "5"]);
    append(&old, "2023-11-14T22:13:20Z stdout F 6 without newline");
    assert_eq!(texts(&read_to_the_end(&mut tail).await), ["6 without newline"]);
    assert_eq!(node.config.counters.rotations.get(), 1);
    assert_eq!(node.config.counters.files_open.get(), 1);
}

#[tokio::test(start_paused = true)]
async fn files_between_two_looks_are_read_in_their_order() {
    let node = Node::new();
    let mut app = node.container("app");
    app.line("1");
    let mut tail = node.tail();
    assert_eq!(texts(&read(&mut tail).await), ["1"]);
    for text in ["2", "3", "4"] {
        app.rotate();
        app.line(text);
        app.line(&format!("{text} more"));
    }
    assert_eq!(texts(&read(&mut tail).await), ["2", "2 more", "3", "3 more", "4", "4 more"]);
    assert_eq!(read_to_the_end(&mut tail).await, []);
}

#[tokio::test(start_paused = true)]
async fn the_next_is_read_also_where_the_open_file_was_compressed() {
    let node = Node::new();
    let mut app = node.container("app");
    app.line("1");
    let mut tail = node.tail();
    assert_eq!(texts(&read(&mut tail).await), ["1"]);
    let first = app.rotate();
    app.line("2");
    app.rotate();
    fs::rename(&first, first.with_extension("gz")).unwrap();
    app.line("3");
    assert_eq!(texts(&read(&mut tail).await), ["2", "3"]);
}

#[tokio::test(start_paused = true)]
async fn a_file_that_comes_back_before_it_is_delivered_is_not_read_again() {
    let node = Node::new();
    let app = node.container("app");
    app.line("1");
    let mut tail = node.tail();
    let second = std::time::Duration::from_secs(1);
    let batches = fixture::read_batches(&mut tail, second).await;
    assert_eq!(batches.len(), 1);
    fs::remove_file(&app.link).unwrap();
    assert!(fixture::read_batches(&mut tail, 90 * second).await.is_empty());
    symlink(&app.log, &app.link).unwrap();
    assert_eq!(read(&mut tail).await, []);
    batches.into_iter().for_each(|batch| drop(fixture::deliver(batch)));
    app.line("2");
    assert_eq!(texts(&read(&mut tail).await), ["2"]);
}

#[tokio::test(start_paused = true)]
async fn a_deleted_file_is_read_to_its_end_and_may_come_back() {
    let node = Node::new();
    let app = node.container("app");
    app.line("1");
    let mut tail = node.tail();
    assert_eq!(texts(&read(&mut tail).await), ["1"]);
    app.line("2");
    fs::remove_file(&app.log).unwrap();
    assert_eq!(texts(&read(&mut tail).await), ["2"]);
    // Another file, most likely at the same inode.
    app.line("3");
    assert_eq!(texts(&read(&mut tail).await), ["3"]);
    fs::remove_file(&app.link).unwrap();
    fs::remove_file(&app.log).unwrap();
    assert_eq!(read_to_the_end(&mut tail).await, []);
    assert_eq!(node.config.counters.files_open.get(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_link_may_lead_elsewhere() {
    let node = Node::new();
    let app = node.container("app");
    app.line("1");
    let mut tail = node.tail();
    assert_eq!(texts(&read(&mut tail).await), ["1"]);
    app.line("2");
    let other = node.at("pods/other.log");
    append(&other, cri("3"));
    fs::remove_file(&app.link).unwrap();
    symlink(&other, &app.link).unwrap();
    assert_eq!(texts(&read(&mut tail).await), ["2", "3"]);
}

#[tokio::test(start_paused = true)]
async fn a_truncated_file_is_read_from_its_beginning() {
    let node = Node::new();
    let app = node.container("app");
    app.line("1, longer than what follows");
    let mut tail = node.tail();
    assert_eq!(read(&mut tail).await.len(), 1);
    fs::write(&app.log, cri("2")).unwrap();
    assert_eq!(texts(&read(&mut tail).await), ["2"]);
    // Now longer than before: only the first line tells.
    fs::write(&app.log, [cri("3"), cri("4")].concat()).unwrap();
    assert_eq!(texts(&read(&mut tail).await), ["3", "4"]);
    assert_eq!(node.config.counters.truncations.get(), 2);
    assert_eq!(node.expired(), 0);
    // A part of a line was there, and is gone.
    app.append("2023-11-14T22:13:20Z std");
    assert_eq!(read(&mut tail).await, []);
    fs::write(&app.log, "").unwrap();
    assert_eq!(read(&mut tail).await, []);
    assert_eq!(node.expired(), 24);
}

#[tokio::test(start_paused = true)]
async fn a_file_rewritten_to_the_same_length_is_read_from_its_beginning() {
    let node = Node::new();
    let app = node.container("app");
    app.line("1");
    let mut tail = node.tail();
    assert_eq!(texts(&read(&mut tail).await), ["1"]);
    fs::write(&app.log, cri("2")).unwrap();
    // Clocks of file systems are coarse.
    let later = std::time::SystemTime::now() + std::time::Duration::from_secs(1);
    fs::File::open(&app.log).unwrap().set_modified(later).unwrap();
    assert_eq!(texts(&read(&mut tail).await), ["2"]);
}

#[tokio::test(start_paused = true)]
async fn a_file_rewritten_before_its_turn_is_read_from_its_beginning() {
    let node = Node::new();
    let app = node.container("app");
    let lines = |letter: &str, count| cri(&letter.repeat(1000)).repeat(count);
    app.line("x");
    let mut tail = node.tail();
    assert_eq!(texts(&read(&mut tail).await), ["x"]);
    app.append(lines("x", 600));
    // Its next turn comes before the next look at it.
    let first = fixture::deliver(tail.next().await.unwrap().unwrap());
    assert!((1..600).contains(&first.len()));
    fs::write(&app.log, lines("y", 600)).unwrap();
    let seen = read(&mut tail).await;
    assert_eq!(seen.len(), 600);
    assert!(seen.iter().all(|seen| seen.text.starts_with('y')));
    assert_eq!(node.config.counters.truncations.get(), 1);
    assert_eq!(node.expired(), (600 - first.len() as u64) * cri(&"x".repeat(1000)).len() as u64);
}

#[tokio::test(start_paused = true)]
async fn what_a_truncation_cuts_off_is_read_from_its_copy() {
    let node = Node::new();
    let app = node.container("app");
    app.line("1");
    let mut tail = node.tail();
    assert_eq!(texts(&read(&mut tail).await), ["1"]);
    app.line("2");
    fs::copy(&app.log, app.log.with_extension("log.1")).unwrap();
    fs::write(&app.log, "").unwrap();
    assert_eq!(texts(&read(&mut tail).await), ["2"]);
    app.line("3");
    assert_eq!(texts(&read(&mut tail).await), ["3"]);
    assert_eq!(node.expired(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_is_no_file_and_what_cannot_be_read_is_left_out() {
    let node = Node::new();
    fs::create_dir(node.at("containers/folder.log")).unwrap();
    fs::write(node.at("containers/empty.log"), "").unwrap();
    fs::write(node.at("containers/old.log.gz"), cri("no")).unwrap();
    // A link that leads nowhere cannot be opened, by root neither.
    let app = node.container("app");
    node.container("sluice").line("own");
    let mut tail = node.tail();
    assert_eq!(read(&mut tail).await, []);
    assert_eq!(node.config.counters.files_unreadable.get(), 1);
    app.line("1");
    append(&node.at("containers/empty.log"), "plain\r\n");
    let mut seen = fixture::read_batches(&mut tail, std::time::Duration::from_secs(20)).await;
    seen.sort_by_key(|batch| batch.records()[0].time);
    let seen: Vec<_> = seen.into_iter().flat_map(fixture::deliver).collect();
    assert_eq!(texts(&seen), ["plain", "1"]);
    assert_eq!(seen[0].time, 42);
    assert_eq!(node.config.counters.files_unreadable.get(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_path_that_the_checkpoints_cannot_name_is_left_out() {
    let node = Node::new();
    let odd = node.at("pods").join(OsStr::from_bytes(b"odd-\xff.log"));
    append(&odd, cri("no"));
    symlink(&odd, node.at("containers/odd.log")).unwrap();
    node.container("app").line("1");
    let mut tail = node.tail();
    assert_eq!(texts(&read(&mut tail).await), ["1"]);
    assert_eq!(node.config.counters.files_unreadable.get(), 1);
    tail.close().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_incomplete_first_line_may_be_taken_back() {
    let node = Node::new();
    let app = node.container("app");
    app.append("2023-11-14T22:13:20Z stdout F a beginning");
    let mut tail = node.tail();
    assert_eq!(read(&mut tail).await, []);
    fs::write(&app.log, cri("1")).unwrap();
    assert_eq!(texts(&read(&mut tail).await), ["1"]);
}

#[tokio::test(start_paused = true)]
async fn a_line_longer_than_memory_allows_is_cut_and_holds_up_nobody() {
    let mut node = Node::new();
    node.config.max_line = 1000;
    let app = node.container("app");
    app.line("1");
    app.append("2023-11-14T22:13:20Z stderr F ");
    let mut tail = node.tail();
    let mut seen = Vec::new();
    for _ in 0..10 {
        app.append("x".repeat(100_000));
        node.container_line("calm", "calm");
        seen.extend(read(&mut tail).await);
    }
    // Killed inside of the line: it is read again from its beginning, and is the same.
    tail.save().await.unwrap();
    drop(tail);
    let mut tail = node.tail();
    let again = read(&mut tail).await;
    app.append("\n");
    app.line("2");
    seen.sort_by_key(|seen| seen.text == "calm");
    let cut = &seen[1];
    assert_eq!((cut.text.len(), cut.truncated, cut.position), (1000, true, 32));
    assert_eq!(texts(&seen)[2..], ["calm"; 10]);
    assert_eq!(again, std::slice::from_ref(cut));
    assert_eq!(texts(&read(&mut tail).await), ["2"]);
    assert_eq!(node.config.counters.lines_cut.get(), 2);
}

#[tokio::test(start_paused = true)]
async fn docker_files_are_followed_through_both_links() {
    let node = Node::new();
    let app = node.container("app");
    let docker = node.at(&format!("docker/{ID}/{ID}-json.log"));
    fs::create_dir_all(docker.parent().unwrap()).unwrap();
    symlink(&docker, &app.log).unwrap();
    let line =
        |text: &str| format!("{{\"log\":\"{text}\",\"stream\":\"stderr\",\"time\":\"2023-11-14T22:13:20.5Z\"}}\n");
    append(&docker, line("1\\n"));
    let mut tail = node.tail();
    assert_eq!(texts(&read(&mut tail).await), ["1\n"]);
    append(&docker, [line("part "), line("2\\n")].concat());
    fs::rename(&docker, docker.with_extension("log.1")).unwrap();
    append(&docker, line("3\\n"));
    let seen = read(&mut tail).await;
    assert_eq!(texts(&seen), ["part 2\n", "3\n"]);
    assert_eq!((seen[0].stream, seen[0].time), (Stream::Stderr, fixture::SECOND * 1_000_000_000 + 500_000_000));
    assert_eq!(read_to_the_end(&mut tail).await, []);
}
