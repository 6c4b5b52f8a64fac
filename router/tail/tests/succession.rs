//! Where one file of a container ends and the next begins.

#![allow(clippy::unwrap_used, reason = "a test that fails says where")]

mod fixture;

use std::{fs, time::Duration};

use fixture::{Node, append, cri, look, read, read_to_the_end, see, texts};
use sluice_core::pipeline::Source;

/// A part of a text, without its end.
fn part(stream: &str, text: &str) -> String {
    format!("2023-11-14T22:13:20Z {stream} P {text}\n")
}

fn end(stream: &str, text: &str) -> String {
    format!("2023-11-14T22:13:20Z {stream} F {text}\n")
}

#[tokio::test(start_paused = true)]
async fn a_text_in_parts_goes_on_over_a_rotation() {
    let node = Node::new();
    let mut app = node.container("app");
    app.append(part("stdout", "a"));
    let mut tail = node.tail();
    assert_eq!(read(&mut tail).await, []);
    app.append(part("stderr", "x"));
    app.rotate();
    app.append([part("stdout", "b"), cri("c"), cri("d")].concat());
    let first = read(&mut tail).await;
    // The next file waits: what is written to stderr may have been written first.
    assert_eq!(texts(&first), Vec::<&str>::new());
    app.append(end("stderr", "y"));
    let seen = fixture::read_batches(&mut tail, Duration::from_secs(1)).await;
    let first: Vec<_> = seen.iter().flat_map(see).collect();
    assert_eq!(texts(&first), ["abc", "xy", "d"]);
    tail.save().await.unwrap();
    drop((tail, seen));
    // The same again, when nothing of it was delivered; and nothing of it when all was.
    let mut tail = node.tail();
    assert_eq!(read(&mut tail).await, first);
    tail.close().await.unwrap();
    drop(tail);
    app.line("e");
    assert_eq!(texts(&read(&mut node.tail()).await), ["e"]);
}

#[tokio::test(start_paused = true)]
async fn a_text_that_is_left_open_comes_before_what_the_next_file_begins_with() {
    let node = Node::new();
    let mut app = node.container("app");
    app.append([cri("1"), part("stderr", "2")].concat());
    let mut tail = node.tail();
    assert_eq!(texts(&read(&mut tail).await), ["1"]);
    app.rotate();
    app.line("3");
    assert_eq!(texts(&read_to_the_end(&mut tail).await), ["2", "3"]);
}

#[tokio::test(start_paused = true)]
async fn the_next_restart_of_a_container_completes_nothing() {
    let node = Node::new();
    let app = node.container("app");
    app.append(part("stdout", "1"));
    let mut tail = node.tail();
    assert_eq!(read(&mut tail).await, []);
    append(&app.log.with_file_name("1.log"), cri("2"));
    fs::remove_file(&app.link).unwrap();
    std::os::unix::fs::symlink(app.log.with_file_name("1.log"), &app.link).unwrap();
    assert_eq!(texts(&read(&mut tail).await), ["1", "2"]);
}

/// What the next file begins with is looked at under its descriptor, and may be another content by then.
#[tokio::test(start_paused = true)]
async fn a_text_is_not_completed_by_what_came_after_the_next_file() {
    let node = Node::new();
    let mut app = node.container("app");
    let mut tail = node.tail();
    assert_eq!(read(&mut tail).await, []);
    app.append([cri("0"), part("stdout", "a")].concat());
    app.rotate();
    app.line("b");
    let batch = tail.next().await.unwrap().unwrap();
    assert_eq!(texts(&see(&batch)), ["0"]);
    app.copy_truncate();
    app.line("1");
    assert_eq!(texts(&read(&mut tail).await), ["ab", "1"]);
}

#[tokio::test(start_paused = true)]
async fn what_was_truncated_and_renamed_between_two_looks_is_read_in_order() {
    let node = Node::new();
    let mut app = node.container("app");
    app.line("1");
    let mut tail = node.tail();
    assert_eq!(texts(&read(&mut tail).await), ["1"]);
    app.copy_truncate();
    app.line("2");
    app.rotate();
    app.line("3");
    app.rotate();
    app.line("4");
    assert_eq!(texts(&read(&mut tail).await), ["2", "3", "4"]);
}

#[tokio::test(start_paused = true)]
async fn a_copy_is_known_whatever_was_there_at_the_last_look() {
    for (looked, then) in
        [("", "1\n"), ("2023-11-14T2", "2:13:20Z stdout F 1\n"), ("2023-11-14T22:13:20Z stdout F 1\n", "")]
    {
        let node = Node::new();
        let mut app = node.container("app");
        app.append("");
        let mut tail = node.tail();
        assert_eq!(read(&mut tail).await, []);
        app.append(looked);
        look(&mut tail).await;
        app.append(if looked.is_empty() { cri("1") } else { then.to_owned() });
        app.copy_truncate();
        app.line("2, and longer than what was there before");
        assert_eq!(texts(&read(&mut tail).await), ["1", "2, and longer than what was there before"], "{looked:?}");
        assert_eq!(node.expired(), 0, "{looked:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_first_line_that_is_cut_off_before_its_end_is_counted() {
    let node = Node::new();
    let app = node.container("app");
    app.append("2023-11-14T22:");
    let mut tail = node.tail();
    assert_eq!(read(&mut tail).await, []);
    // Longer than before, so that only its first bytes tell.
    fs::write(&app.log, "2024-01-01T00:00:00Z stdout F 1\n").unwrap();
    assert_eq!(texts(&read(&mut tail).await), ["1"]);
    assert_eq!(node.expired(), 14);
}

#[tokio::test(start_paused = true)]
async fn what_a_text_takes_of_the_next_file_is_not_done_with_before_it_is_delivered() {
    let node = Node::new();
    let mut app = node.container("app");
    app.append(part("stdout", "a"));
    let mut tail = node.tail();
    assert_eq!(read(&mut tail).await, []);
    let first_file = app.rotate();
    app.append([cri("b"), cri("c")].concat());
    let mut batches = fixture::read_batches(&mut tail, Duration::from_secs(1)).await;
    let first: Vec<_> = batches.iter().flat_map(see).collect();
    assert_eq!(texts(&first), ["ab", "c"]);
    // The second file is delivered, the text that was begun in the first one is not.
    fixture::deliver(batches.pop().unwrap());
    tail.save().await.unwrap();
    drop((tail, batches));
    // The first file is gone: its part is lost, and nothing else.
    for is_gone in [false, true] {
        if is_gone {
            fs::remove_file(&first_file).unwrap();
        }
        let mut tail = node.tail();
        let again: Vec<_> =
            fixture::read_batches(&mut tail, Duration::from_secs(1)).await.iter().flat_map(see).collect();
        assert_eq!(texts(&again), if is_gone { ["b", "c"] } else { ["ab", "c"] });
    }
}

#[tokio::test(start_paused = true)]
async fn a_copy_that_was_read_and_not_delivered_is_no_new_one() {
    let node = Node::new();
    let mut app = node.container("app");
    app.line("1");
    let mut tail = node.tail();
    let mut batches = fixture::read_batches(&mut tail, Duration::from_secs(1)).await;
    app.copy_truncate();
    app.append("2023-11-14T22:");
    batches.extend(fixture::read_batches(&mut tail, Duration::from_secs(90)).await);
    app.append("13:20Z stdout F 2\n");
    assert_eq!(texts(&read(&mut tail).await), ["2"]);
    assert_eq!(batches.iter().map(|batch| batch.records().len()).sum::<usize>(), 1);
    assert_eq!(node.expired(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_was_rotated_before_it_was_opened_is_found_while_nothing_has_its_name() {
    for by_link in [true, false] {
        let mut node = Node::new();
        if !by_link {
            node.config.include = vec![format!("{}/pods/*/*/*.log", node.folder.path().display())];
        }
        let mut app = node.container("app");
        if by_link {
            // A first start between renaming and making: what was rotated then is history.
            app.line("history");
            app.rotate();
        }
        let mut tail = node.tail();
        assert_eq!(read(&mut tail).await, [], "{by_link}");
        app.line("1");
        if !by_link {
            // Nothing else tells of a log that no link leads to.
            assert_eq!(texts(&read(&mut tail).await), ["1"]);
        }
        app.rotate();
        app.line("2");
        let rotated = app.rotate();
        let expected = if by_link { &["1", "2"][..] } else { &["2"] };
        assert_eq!(texts(&read(&mut tail).await), expected, "{by_link}");
        fs::remove_file(rotated).unwrap();
        app.line("3");
        assert_eq!(texts(&read_to_the_end(&mut tail).await), ["3"], "{by_link}");
        assert_eq!(node.expired(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn compression_beside_a_file_without_a_first_line_is_no_truncation_of_it() {
    let node = Node::new();
    let mut app = node.container("app");
    let mut tail = node.tail();
    app.line("1");
    assert_eq!(texts(&read(&mut tail).await), ["1"]);
    let first = app.rotate();
    app.line("2");
    app.rotate();
    app.append("2023-11-14T22:");
    assert_eq!(texts(&read(&mut tail).await), ["2"]);
    fs::rename(&first, first.with_extension("gz")).unwrap();
    fs::write(format!("{}.gz", first.display()), "a new file").unwrap();
    app.append("13:20Z stdout F 3\n");
    assert_eq!(texts(&read(&mut tail).await), ["3"]);
    assert_eq!((node.expired(), node.config.counters.truncations.get()), (0, 0));
}

/// The copy may have the inode of one that was read and is gone.
#[tokio::test(start_paused = true)]
async fn a_copy_at_the_inode_of_one_that_is_gone_is_known() {
    let node = Node::new();
    let mut app = node.container("app");
    app.line("1");
    let mut tail = node.tail();
    assert_eq!(texts(&read(&mut tail).await), ["1"]);
    let copy = app.copy_truncate();
    assert_eq!(read_to_the_end(&mut tail).await, []);
    fs::remove_file(copy).unwrap();
    app.line("2");
    app.copy_truncate();
    app.line("3");
    assert_eq!(texts(&read(&mut tail).await), ["2", "3"]);
}

#[tokio::test(start_paused = true)]
async fn a_file_without_a_first_line_that_was_deleted_is_not_cut_off() {
    let node = Node::new();
    let mut app = node.container("app");
    app.append("2023-11-14T22:");
    let mut tail = node.tail();
    assert_eq!(read(&mut tail).await, []);
    let rotated = app.rotate();
    append(&rotated, "13:20Z stdout F 1\n");
    app.append(part("stdout", "2"));
    app.rotate();
    fs::remove_file(rotated).unwrap();
    app.line("3");
    assert_eq!(texts(&read(&mut tail).await), ["1", "23"]);
    assert_eq!(node.expired(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_file_without_a_first_line_that_was_renamed_is_not_cut_off() {
    let node = Node::new();
    let mut app = node.container("app");
    app.append("2023-11-14T22:");
    let mut tail = node.tail();
    assert_eq!(read(&mut tail).await, []);
    append(&app.rotate(), "13:20Z stdout F 1\n");
    app.line("2");
    app.copy_truncate();
    app.line("3");
    assert_eq!(texts(&read(&mut tail).await), ["1", "2", "3"]);
    assert_eq!(node.expired(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_was_copied_behind_a_file_that_is_deleted_is_read() {
    for text in [cri("1"), part("stdout", "1")] {
        let node = Node::new();
        let mut app = node.container("app");
        let mut tail = node.tail();
        assert_eq!(read(&mut tail).await, []);
        app.append(&text);
        let rotated = app.rotate();
        look(&mut tail).await;
        fs::remove_file(rotated).unwrap();
        app.line("2");
        app.copy_truncate();
        app.line("3");
        assert_eq!(texts(&read(&mut tail).await).concat(), "123", "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_malformed_line_parts_what_stands_around_it_and_is_read() {
    let node = Node::new();
    let mut app = node.container("app");
    app.append(part("stdout", "1"));
    let mut tail = node.tail();
    assert_eq!(read(&mut tail).await, []);
    app.rotate();
    app.append([cri("2"), "garbage\n".into(), cri("3")].concat());
    assert_eq!(texts(&read(&mut tail).await), ["12", "garbage", "3"]);
    app.append(part("stdout", "4"));
    app.rotate();
    app.append(["garbage\n".to_owned(), cri("5")].concat());
    let all = read(&mut tail).await;
    // The first line of a file decides its format: here it is a line as it stands until one is well-formed.
    assert_eq!(texts(&all), ["4", "garbage", "5"]);
}

#[tokio::test(start_paused = true)]
async fn what_a_text_took_of_a_file_is_not_lost_when_that_is_cut_off() {
    let node = Node::new();
    let mut app = node.container("app");
    app.append(part("stdout", "1"));
    let mut tail = node.tail();
    assert_eq!(read(&mut tail).await, []);
    app.rotate();
    app.append([cri("2"), cri("unread")].concat());
    let batch = tail.next().await.unwrap().unwrap();
    assert_eq!(texts(&see(&batch)), ["12"]);
    fs::write(&app.log, "").unwrap();
    app.line("3");
    assert_eq!(texts(&read(&mut tail).await), ["3"]);
    assert_eq!(node.expired(), cri("unread").len() as u64);
}

#[tokio::test(start_paused = true)]
async fn a_copy_that_an_earlier_life_read_is_no_new_one() {
    let node = Node::new();
    let mut app = node.container("app");
    app.line("1");
    let mut tail = node.tail();
    assert_eq!(texts(&read(&mut tail).await), ["1"]);
    tail.close().await.unwrap();
    drop(tail);
    app.copy_truncate();
    app.append("2023-11-14T22:");
    let mut tail = node.tail();
    assert_eq!(read(&mut tail).await, []);
    app.append("13:20Z stdout F 2\n");
    assert_eq!(texts(&read(&mut tail).await), ["2"]);
    assert_eq!((node.expired(), node.config.counters.truncations.get()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn what_was_truncated_and_deleted_comes_before_the_copies_of_the_next_file() {
    let node = Node::new();
    let mut app = node.container("app");
    app.line("1");
    let mut tail = node.tail();
    assert_eq!(texts(&read(&mut tail).await), ["1"]);
    fs::write(&app.log, "").unwrap();
    app.line("2 of another length");
    fs::remove_file(&app.log).unwrap();
    app.line("3");
    app.copy_truncate();
    app.line("4");
    assert_eq!(texts(&read(&mut tail).await), ["2 of another length", "3", "4"]);
}
