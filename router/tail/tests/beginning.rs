//! Where files are begun at a first start.

#![allow(clippy::unwrap_used, reason = "a test that fails says where")]

mod fixture;

use std::fs;

use fixture::{Node, append, cri, read, texts};
use sluice_core::pipeline::Source;
use sluice_tail::ReadFrom;

/// A node whose agent is to leave alone what is there.
fn node() -> Node {
    let mut node = Node::new();
    node.config.read_from = ReadFrom::End;
    node
}

#[tokio::test(start_paused = true)]
async fn what_was_there_is_left_alone_and_what_comes_is_read() {
    let node = node();
    let app = node.container("app");
    app.append([cri("old 1"), cri("old 2")].concat());
    app.append("2023-11-14T22:13:20Z stdout F begun bef");
    let mut tail = node.tail();
    assert_eq!(read(&mut tail).await, []);
    app.append("ore\n");
    app.line("1");
    let other = node.container("other");
    other.line("2");
    let mut seen = read(&mut tail).await;
    seen.sort_by(|a, b| a.text.cmp(&b.text));
    assert_eq!(texts(&seen), ["1", "2", "begun before"]);
}

#[tokio::test(start_paused = true)]
async fn a_rotation_right_after_the_start_loses_nothing() {
    let node = node();
    let mut app = node.container("app");
    app.line("old");
    let mut tail = node.tail();
    // One look and no more.
    tail.save().await.unwrap();
    app.line("1");
    let rotated = app.rotate();
    app.line("2");
    append(&rotated, cri("1 more"));
    app.rotate();
    app.line("3");
    assert_eq!(texts(&read(&mut tail).await), ["1", "1 more", "2", "3"]);
}

#[tokio::test(start_paused = true)]
async fn a_kill_after_the_first_look_skips_nothing() {
    let node = node();
    let app = node.container("app");
    app.line("old");
    let mut tail = node.tail();
    assert_eq!(read(&mut tail).await, []);
    // Killed: nothing is saved but what the first look did by itself.
    drop(tail);
    app.line("1");
    node.container("new").line("2");
    let mut seen = read(&mut node.tail()).await;
    seen.sort_by(|a, b| a.text.cmp(&b.text));
    assert_eq!(texts(&seen), ["1", "2"]);
}

#[tokio::test(start_paused = true)]
async fn a_start_that_is_not_the_first_skips_nothing() {
    let node = node();
    let app = node.container("app");
    app.line("old");
    fs::create_dir(node.at("checkpoints")).unwrap();
    fs::write(node.at("checkpoints/ship.json"), "torn").unwrap();
    assert_eq!(texts(&read(&mut node.tail()).await), ["old"]);
}

#[tokio::test(start_paused = true)]
async fn a_file_whose_first_line_is_incomplete_is_read_from_its_beginning() {
    let node = node();
    let app = node.container("app");
    app.append("2023-11-14T22:13:20Z stdout F begun bef");
    let mut tail = node.tail();
    assert_eq!(read(&mut tail).await, []);
    app.append("ore\n");
    assert_eq!(texts(&read(&mut tail).await), ["begun before"]);
}

#[tokio::test(start_paused = true)]
async fn a_malformed_line_has_the_time_of_the_one_before_the_start() {
    let node = node();
    let app = node.container("app");
    app.line("old");
    let mut tail = node.tail();
    assert_eq!(read(&mut tail).await, []);
    app.append("garbage\n");
    let seen = read(&mut tail).await;
    assert_eq!((texts(&seen), seen[0].time), (vec!["garbage"], fixture::SECOND * 1_000_000_000));
}
