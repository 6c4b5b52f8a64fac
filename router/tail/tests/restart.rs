//! What an agent finds again when it comes back.

#![allow(clippy::unwrap_used, reason = "a test that fails says where")]

mod fixture;

use std::{fs, os::unix::fs::MetadataExt, time::Duration};

use fixture::{Node, append, cri, deliver, ids, read, read_batches, see, texts};
use sluice_core::{RecordId, pipeline::Source};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn what_was_delivered_is_not_read_again() {
    let node = Node::new();
    let app = node.container("app");
    app.line("1");
    let mut tail = node.tail();
    assert_eq!(texts(&read(&mut tail).await), ["1"]);
    tail.close().await.unwrap();
    drop(tail);
    app.line("2");
    let mut tail = node.tail();
    assert_eq!(texts(&read(&mut tail).await), ["2"]);
}

#[tokio::test(start_paused = true)]
async fn what_was_not_delivered_is_read_again_and_is_the_same() {
    let node = Node::new();
    let app = node.container("app");
    app.append(
        [
            cri("1"),
            "2023-11-14T22:13:20.5Z stderr P 2 ".into(),
            "\n".into(),
            cri("3"),
            "2023-11-14T22:13:20Z stderr F end\n".into(),
        ]
        .concat(),
    );
    let mut tail = node.tail();
    let batches = read_batches(&mut tail, SECOND).await;
    let first: Vec<_> = batches.iter().flat_map(see).collect();
    tail.save().await.unwrap();
    drop(tail);
    let mut tail = node.tail();
    let again = read(&mut tail).await;
    assert_eq!(again, first);
    assert_eq!(texts(&again), ["1", "3", "2 end"]);
}

#[tokio::test(start_paused = true)]
async fn an_open_text_is_read_again_from_its_beginning_and_nothing_else() {
    let node = Node::new();
    let app = node.container("app");
    app.append("2023-11-14T22:13:20Z stdout F a\n2023-11-14T22:13:20Z stderr P b\n2023-11-14T22:13:20Z stdout F c\n");
    let mut tail = node.tail();
    assert_eq!(texts(&read(&mut tail).await), ["a", "c"]);
    tail.close().await.unwrap();
    drop(tail);
    app.append("2023-11-14T22:13:20Z stderr F d\n");
    assert_eq!(texts(&read(&mut node.tail()).await), ["bd"]);
}

#[tokio::test(start_paused = true)]
async fn a_malformed_line_has_the_same_time_again() {
    let node = Node::new();
    let app = node.container("app");
    app.append("2023-11-14T22:13:20Z stdout F a\n2023-11-14T22:13:21Z stdout F b\n");
    let mut tail = node.tail();
    read(&mut tail).await;
    app.append("garbage\n");
    let first: Vec<_> = read_batches(&mut tail, SECOND).await.iter().flat_map(see).collect();
    tail.save().await.unwrap();
    drop(tail);
    let again = read(&mut node.tail()).await;
    assert_eq!(again, first);
    assert_eq!(again[0].time, (fixture::SECOND + 1) * 1_000_000_000);
}

#[tokio::test(start_paused = true)]
async fn a_rotation_while_away_loses_nothing() {
    let node = Node::new();
    let mut app = node.container("app");
    app.line("1");
    let mut tail = node.tail();
    assert_eq!(texts(&read(&mut tail).await), ["1"]);
    tail.close().await.unwrap();
    drop(tail);
    app.line("2");
    app.rotate();
    app.line("3");
    app.rotate();
    app.line("4");
    let mut tail = node.tail();
    assert_eq!(texts(&read(&mut tail).await), ["2", "3", "4"]);
    tail.close().await.unwrap();
    drop(tail);
    assert_eq!(read(&mut node.tail()).await, []);
}

#[tokio::test(start_paused = true)]
async fn a_kill_right_after_the_first_line_and_a_rotation_lose_nothing() {
    let node = Node::new();
    let mut app = node.container("app");
    app.line("1");
    let mut tail = node.tail();
    // Killed before anything was delivered or saved by the pipeline.
    let first = see(&tail.next().await.unwrap().unwrap());
    drop(tail);
    app.line("2");
    app.rotate();
    app.line("3");
    let again = read(&mut node.tail()).await;
    assert_eq!(texts(&again), ["1", "2", "3"]);
    assert_eq!(again[0], first[0]);
}

#[tokio::test(start_paused = true)]
async fn of_a_file_that_was_compressed_while_away_the_next_is_read() {
    let node = Node::new();
    let mut app = node.container("app");
    app.line("1");
    let mut tail = node.tail();
    read(&mut tail).await;
    tail.close().await.unwrap();
    drop(tail);
    let compressed = app.rotate();
    app.line("2");
    app.rotate();
    app.line("3");
    fs::rename(&compressed, compressed.with_extension("gz")).unwrap();
    assert_eq!(texts(&read(&mut node.tail()).await), ["2", "3"]);
}

#[tokio::test(start_paused = true)]
async fn history_from_before_the_first_start_is_left_alone() {
    let node = Node::new();
    let mut app = node.container("app");
    app.line("old");
    app.rotate();
    app.line("1");
    assert_eq!(texts(&read(&mut node.tail()).await), ["1"]);
}

#[tokio::test(start_paused = true)]
async fn a_generation_that_ends_before_its_first_scan_is_no_first_start() {
    let node = Node::new();
    let mut app = node.container("app");
    app.line("old");
    app.rotate();
    app.line("1");
    drop(node.tail());
    node.tail().close().await.unwrap();
    assert_eq!(texts(&read(&mut node.tail()).await), ["1"]);
}

#[tokio::test(start_paused = true)]
async fn positions_that_cannot_be_saved_end_nothing() {
    let node = Node::new();
    let app = node.container("app");
    let mut tail = node.tail();
    // Stands for a disk without room, at the first line and at each save.
    let obstacle = node.at("checkpoints/ship.json.new");
    fs::create_dir(&obstacle).unwrap();
    app.line("1");
    assert_eq!(texts(&read(&mut tail).await), ["1"]);
    tail.save().await.unwrap();
    tail.close().await.unwrap_err();
    assert!(!node.at("checkpoints/ship.json").exists());
    fs::remove_dir(&obstacle).unwrap();
    tail.save().await.unwrap();
    assert!(fs::read_to_string(node.at("checkpoints/ship.json")).unwrap().contains("\"stdout\": 32"));
}

#[tokio::test(start_paused = true)]
async fn another_file_under_the_same_name_is_read_from_its_beginning() {
    let node = Node::new();
    let app = node.container("app");
    app.append([cri("1"), cri("2"), cri("3")].concat());
    let mut tail = node.tail();
    assert_eq!(read(&mut tail).await.len(), 3);
    tail.close().await.unwrap();
    drop(tail);
    fs::remove_file(&app.log).unwrap();
    app.append([cri("4"), cri("5"), cri("6"), cri("7")].concat());
    assert_eq!(texts(&read(&mut node.tail()).await), ["4", "5", "6", "7"]);
}

#[tokio::test(start_paused = true)]
async fn identities_do_not_depend_on_the_way_to_the_file() {
    let mut node = Node::new();
    let mut app = node.container("app");
    app.append([cri("1"), cri("2")].concat());
    let by_link: Vec<_> = read_batches(&mut node.tail(), SECOND).await.iter().flat_map(see).collect();
    node.config.include = vec![format!("{}/pods/*/*/*.log", node.folder.path().display())];
    node.config.checkpoints = node.at("others");
    let by_pod: Vec<_> = read_batches(&mut node.tail(), SECOND).await.iter().flat_map(see).collect();
    assert_eq!(ids(&by_pod), ids(&by_link));
    let rotated = app.rotate();
    node.config.include = vec![rotated.display().to_string()];
    node.config.checkpoints = node.at("third");
    let by_rotated_name = read(&mut node.tail()).await;
    assert_eq!(ids(&by_rotated_name), ids(&by_link));
}

#[tokio::test(start_paused = true)]
async fn torn_checkpoints_are_set_aside_and_all_is_read_again() {
    let node = Node::new();
    let app = node.container("app");
    app.line("1");
    let mut tail = node.tail();
    let first = read(&mut tail).await;
    tail.close().await.unwrap();
    drop(tail);
    let path = node.at("checkpoints/ship.json");
    let whole = fs::read(&path).unwrap();
    assert!(String::from_utf8_lossy(&whole).contains("\"stdout\": 32"));
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    assert_eq!(read(&mut node.tail()).await, first);
    assert!(node.at("checkpoints/ship.json.bad-1").exists());
}

#[tokio::test(start_paused = true)]
async fn files_that_are_gone_are_forgotten_after_a_while() {
    let node = Node::new();
    let app = node.container("app");
    app.line("1");
    let mut tail = node.tail();
    read(&mut tail).await;
    fs::remove_file(&app.link).unwrap();
    fs::remove_file(&app.log).unwrap();
    let saved = || fs::read_to_string(node.at("checkpoints/ship.json")).unwrap().contains("web-1");
    for (wait, expected) in [(300, true), (300, true), (100, false)] {
        assert!(read_batches(&mut tail, Duration::from_secs(wait)).await.is_empty());
        tail.save().await.unwrap();
        assert_eq!(saved(), expected, "{wait}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_unread_of_a_file_that_is_gone_is_counted() {
    let node = Node::new();
    let app = node.container("app");
    app.line("1");
    let mut tail = node.tail();
    assert_eq!(texts(&read(&mut tail).await), ["1"]);
    app.line("2");
    assert_eq!(read_batches(&mut tail, SECOND).await.len(), 1);
    tail.save().await.unwrap();
    drop(tail);
    fs::remove_file(&app.log).unwrap();
    let mut tail = node.tail();
    assert!(read_batches(&mut tail, 700 * SECOND).await.is_empty());
    assert_eq!(node.ledger.balance().expired_bytes.get("rotated_away"), Some(&(cri("2").len() as u64)));
}

#[tokio::test(start_paused = true)]
async fn plain_files_go_on_after_a_rename() {
    let mut node = Node::new();
    node.config.include = vec![format!("{}/*.log", node.folder.path().display())];
    let path = node.at("app.log");
    append(&path, "header\n1\n");
    let mut tail = node.tail();
    assert_eq!(texts(&read(&mut tail).await), ["header", "1"]);
    tail.close().await.unwrap();
    drop(tail);
    append(&path, "2\n");
    fs::rename(&path, node.at("app.log.1")).unwrap();
    append(&path, "header\n3\n");
    let mut tail = node.tail();
    let mut seen = Vec::new();
    for batch in read_batches(&mut tail, SECOND).await {
        seen.extend(deliver(batch));
    }
    assert_eq!(texts(&seen), ["2", "header", "3"]);
}

#[tokio::test(start_paused = true)]
async fn plain_files_that_begin_alike_are_told_apart() {
    let mut node = Node::new();
    node.config.include = vec![format!("{}/*.log", node.folder.path().display())];
    let path = node.at("app.log");
    append(&path, "header\n1, longer than what follows\n");
    let mut tail = node.tail();
    assert_eq!(read(&mut tail).await.len(), 2);
    fs::rename(&path, node.at("app.log.1")).unwrap();
    append(&path, "header\n2\n");
    assert_eq!(
        texts(&read_batches(&mut tail, 90 * SECOND).await.into_iter().flat_map(deliver).collect::<Vec<_>>()),
        ["header", "2"]
    );
    tail.close().await.unwrap();
    drop(tail);
    let mut tail = node.tail();
    assert_eq!(read(&mut tail).await, []);
    append(&path, "3\n");
    assert_eq!(texts(&read(&mut tail).await), ["3"]);
}

#[tokio::test(start_paused = true)]
async fn an_excluded_file_is_not_taken_for_a_rotated_one() {
    let mut node = Node::new();
    node.config.include = vec![format!("{}/*.log", node.folder.path().display())];
    node.config.exclude = vec![format!("{}/*.[1-2]", node.folder.path().display())];
    let path = node.at("app.log");
    append(&path, "a1\n");
    let mut tail = node.tail();
    assert_eq!(texts(&read(&mut tail).await), ["a1"]);
    tail.close().await.unwrap();
    drop(tail);
    append(&path, "a2\n");
    // It was followed: its new name is no reason to leave the rest unread.
    fs::rename(&path, node.at("app.log.2")).unwrap();
    append(&node.at("app.log.1"), "b\n");
    append(&node.at("app.log-admin"), "c\n");
    append(&path, "d\n");
    assert_eq!(texts(&read(&mut node.tail()).await), ["a2", "d"]);
}

/// After a power loss: lines were shipped and saved, and the file system had not written them yet.
#[tokio::test(start_paused = true)]
async fn a_file_shorter_than_its_checkpoint_is_read_from_its_beginning() {
    let node = Node::new();
    let app = node.container("app");
    app.append([cri("1"), cri("2"), cri("3")].concat());
    let mut tail = node.tail();
    let first = read(&mut tail).await;
    assert_eq!(first.len(), 3);
    tail.close().await.unwrap();
    drop(tail);
    fs::write(&app.log, [cri("1"), cri("4")].concat()).unwrap();
    let mut tail = node.tail();
    let again = read(&mut tail).await;
    assert_eq!(texts(&again), ["1", "4"]);
    assert_eq!(again[0], first[0]);
    app.line("5");
    assert_eq!(texts(&read(&mut tail).await), ["5"]);
}

#[tokio::test(start_paused = true)]
async fn a_file_at_the_inode_of_another_is_not_taken_for_it() {
    let mut node = Node::new();
    node.config.include = vec![format!("{}/*.log", node.folder.path().display())];
    let path = node.at("app.log");
    append(&path, "header\n1\n");
    let before = fs::metadata(&path).unwrap();
    let mut tail = node.tail();
    assert_eq!(texts(&read(&mut tail).await), ["header", "1"]);
    tail.close().await.unwrap();
    drop(tail);
    fs::remove_file(&path).unwrap();
    append(&path, "header\n2\n3, and longer than before\n");
    let after = fs::metadata(&path).unwrap();
    // Not every file system gives the inode again at once, and tells when a file was made.
    if before.ino() == after.ino() && before.created().ok() != after.created().ok() {
        assert_eq!(texts(&read(&mut node.tail()).await), ["header", "2", "3, and longer than before"]);
    }
}

/// What an agent delivered before an upgrade has to be found again in the index by the one after it.
#[tokio::test(start_paused = true)]
async fn a_line_has_the_identity_that_earlier_versions_gave_it() {
    let node = Node::new();
    let app = node.container("app");
    app.append("2023-11-14T22:13:20Z stdout F whole\n2023-11-14T22:13:20Z stderr P in \n");
    app.append("2023-11-14T22:13:21Z stdout F \n2023-11-14T22:13:21Z stderr F parts\n");
    let seen = read(&mut node.tail()).await;
    let identities: Vec<_> = seen.iter().map(|seen| (seen.text.as_str(), seen.id)).collect();
    let expected = [
        ("whole", 0x021e_bf7d_55bf_2ad6_8b05_5964_a300_534f),
        ("", 0x5cc6_d6b4_740c_5137_8fee_8973_0b9b_9cfe),
        ("in parts", 0x91fe_3ee4_a2ac_7a0c_e2e8_fcd8_c7a9_f3ad),
    ];
    assert_eq!(identities, expected.map(|(text, id)| (text, RecordId(id))));
}
