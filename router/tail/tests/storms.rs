//! Much at once: rotations faster than looks, files that come and go, thousands of files.

#![allow(clippy::unwrap_used, reason = "a test that fails says where")]

mod fixture;

use std::{
    fs,
    os::unix::fs::symlink,
    path::Path,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use fixture::{Node, append, cri, deliver, look, read, read_batches, read_to_the_end, texts};
use sluice_core::pipeline::Source;
use tokio::time::timeout;

/// In real time, beside a writer that does not wait: ten rotations a second, for two seconds.
#[tokio::test]
async fn ten_rotations_a_second_lose_nothing() {
    const ROTATIONS: usize = 20;
    const LINES: usize = 100;
    let node = Arc::new(Node::new());
    let mut app = node.container("app");
    let writer = thread::spawn(move || {
        for number in 0..ROTATIONS * LINES {
            if number > 0 && number % LINES == 0 {
                app.rotate();
            }
            app.line(&number.to_string());
            thread::sleep(Duration::from_millis(1));
        }
    });
    let mut tail = node.tail();
    let (mut seen, started) = (Vec::new(), Instant::now());
    while seen.len() < ROTATIONS * LINES && started.elapsed() < Duration::from_secs(60) {
        if let Ok(batch) = timeout(Duration::from_secs(1), tail.next()).await {
            seen.extend(deliver(batch.unwrap().unwrap()));
        }
    }
    writer.join().unwrap();
    let expected: Vec<_> = (0..ROTATIONS * LINES).map(|number| number.to_string()).collect();
    assert_eq!(texts(&seen), expected);
    assert_eq!(node.expired(), 0);
}

#[tokio::test(start_paused = true)]
async fn rotated_files_that_are_deleted_at_once_are_read_all_the_same() {
    let node = Node::new();
    let mut app = node.container("app");
    app.line("0");
    let mut tail = node.tail();
    for number in 1..50 {
        look(&mut tail).await;
        fs::remove_file(app.rotate()).unwrap();
        app.line(&number.to_string());
    }
    let expected: Vec<_> = (0..50).map(|number| number.to_string()).collect();
    assert_eq!(texts(&read_to_the_end(&mut tail).await), expected);
    assert_eq!((node.expired(), node.config.counters.files_open.get()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn files_that_come_and_go_between_two_reads_are_read() {
    let node = Node::new();
    let mut tail = node.tail();
    assert_eq!(read(&mut tail).await, []);
    for number in 0..30 {
        let job = node.container(&format!("job-{number}"));
        job.line(&number.to_string());
        look(&mut tail).await;
        fs::remove_file(&job.link).unwrap();
        fs::remove_dir_all(job.log.parent().unwrap()).unwrap();
    }
    let mut seen: Vec<u32> = read_to_the_end(&mut tail).await.iter().map(|seen| seen.text.parse().unwrap()).collect();
    seen.sort_unstable();
    assert_eq!(seen, (0..30).collect::<Vec<_>>());
    assert_eq!(node.config.counters.files_open.get(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_file_is_made_again_under_its_name_over_and_over() {
    let node = Node::new();
    let app = node.container("app");
    let mut tail = node.tail();
    let mut seen = Vec::new();
    for number in 0..30 {
        app.append([cri(&format!("{number} a")), cri(&format!("{number} b"))].concat());
        seen.extend(read(&mut tail).await);
        // The new one has the inode of the old one where nobody holds that open.
        fs::remove_file(&app.log).unwrap();
    }
    let expected: Vec<_> = (0..30).flat_map(|number| [format!("{number} a"), format!("{number} b")]).collect();
    assert_eq!(texts(&seen), expected);
}

#[tokio::test(start_paused = true)]
async fn a_file_that_becomes_readable_is_read_from_its_beginning() {
    let node = Node::new();
    let app = node.container("app");
    app.line("1");
    // A link that leads to itself cannot be opened by anyone.
    fs::remove_file(&app.link).unwrap();
    symlink(&app.link, &app.link).unwrap();
    let mut tail = node.tail();
    assert_eq!(read(&mut tail).await, []);
    assert_eq!(node.config.counters.files_unreadable.get(), 1);
    app.line("2");
    fs::remove_file(&app.link).unwrap();
    symlink(&app.log, &app.link).unwrap();
    assert_eq!(texts(&read(&mut tail).await), ["1", "2"]);
    assert_eq!(node.config.counters.files_unreadable.get(), 0);
}

#[tokio::test(start_paused = true)]
async fn thousands_of_files_are_read_and_go_on_after_a_restart() {
    const FILES: usize = 3000;
    let node = Node::new();
    let containers: Vec<_> = (0..FILES).map(|number| node.container(&format!("app-{number}"))).collect();
    let write = |round: usize| {
        for (number, container) in containers.iter().enumerate() {
            container.line(&format!("{round} of {number}"));
        }
    };
    let numbers = |seen: Vec<fixture::Seen>, round: usize| {
        let prefix = format!("{round} of ");
        let mut numbers: Vec<usize> =
            seen.iter().map(|seen| seen.text.strip_prefix(&prefix).unwrap().parse().unwrap()).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (0..FILES).collect::<Vec<_>>(), "{round}");
    };
    write(0);
    let mut tail = node.tail();
    numbers(read(&mut tail).await, 0);
    write(1);
    numbers(read(&mut tail).await, 1);
    tail.close().await.unwrap();
    drop(tail);
    write(2);
    let mut tail = node.tail();
    numbers(read(&mut tail).await, 2);
    assert_eq!(node.config.counters.files_open.get(), FILES as u64);
    for container in &containers {
        fs::remove_file(&container.link).unwrap();
        fs::remove_file(&container.log).unwrap();
    }
    assert!(read_batches(&mut tail, Duration::from_secs(90)).await.is_empty());
    assert_eq!((node.config.counters.files_open.get(), node.expired()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn thousands_of_plain_files_in_one_folder_are_read() {
    const FILES: usize = 3000;
    let mut node = Node::new();
    let folder = node.at("plain");
    fs::create_dir(&folder).unwrap();
    node.config.include = vec![format!("{}/*.log", folder.display())];
    let path = |folder: &Path, number: usize| folder.join(format!("{number}.log"));
    (0..FILES).for_each(|number| append(&path(&folder, number), format!("{number}\n")));
    let mut tail = node.tail();
    assert_eq!(read(&mut tail).await.len(), FILES);
    // All at once.
    for number in 0..FILES {
        fs::rename(path(&folder, number), folder.join(format!("{number}.log.1"))).unwrap();
        append(&path(&folder, number), format!("{number} again\n"));
    }
    let seen = read(&mut tail).await;
    assert!(seen.iter().all(|seen| seen.text.ends_with(" again")));
    assert_eq!((seen.len(), node.config.counters.rotations.get()), (FILES, FILES as u64));
}
