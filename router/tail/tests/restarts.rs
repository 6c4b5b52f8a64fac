//! A container that is restarted: `0.log`, then `1.log`, in one folder.

#![allow(clippy::unwrap_used, reason = "a test that fails says where")]

mod fixture;

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use fixture::{Node, append, cri, deliver, read, read_to_the_end, texts};
use sluice_core::pipeline::Source;

/// A pod's container, whose restarts have an id each.
struct Restarts {
    folder: PathBuf,
    links: PathBuf,
}

impl Restarts {
    fn new(node: &Node) -> Self {
        let folder = node.at("pods/shop_web-1_uid-1/app");
        fs::create_dir_all(&folder).unwrap();
        Self { folder, links: node.at("containers") }
    }

    fn log(&self, restart: u32) -> PathBuf {
        self.folder.join(format!("{restart}.log"))
    }

    /// Ids do not tell their order.
    fn link_of(&self, restart: u32) -> PathBuf {
        let digit = char::from_digit(15 - restart, 16).unwrap();
        self.links.join(format!("web-1_shop_app-{}.log", digit.to_string().repeat(64)))
    }

    fn link(&self, restart: u32) {
        symlink(self.log(restart), self.link_of(restart)).unwrap();
    }

    fn line(&self, restart: u32, text: &str) {
        append(&self.log(restart), cri(text));
    }

    /// As the kubelet removes a container that is dead.
    fn remove_link(&self, restart: u32) {
        fs::remove_file(self.link_of(restart)).unwrap();
    }
}

fn by_pods(node: &Node) -> Vec<String> {
    vec![format!("{}/pods/*/*/*.log", node.folder.path().display())]
}

#[tokio::test(start_paused = true)]
async fn the_next_restart_is_read_after_the_end_of_the_one_before() {
    for links in [true, false] {
        let mut node = Node::new();
        if !links {
            node.config.include = by_pods(&node);
        }
        let app = Restarts::new(&node);
        app.link(0);
        app.line(0, "0");
        let mut tail = node.tail();
        assert_eq!(texts(&read(&mut tail).await), ["0"]);
        // Written at once, and found in the order of the names.
        app.line(1, "1");
        app.line(0, "0 end");
        app.link(1);
        assert_eq!(texts(&read(&mut tail).await), ["0 end", "1"], "{links}");
        tail.close().await.unwrap();
        drop(tail);
        app.line(1, "1 more");
        for restart in [3, 2] {
            app.line(restart, &restart.to_string());
            app.link(restart);
        }
        assert_eq!(texts(&read(&mut node.tail()).await), ["1 more", "2", "3"], "{links}");
    }
}

#[tokio::test(start_paused = true)]
async fn restarts_while_away_are_read_where_only_the_newest_has_a_link() {
    let node = Node::new();
    let app = Restarts::new(&node);
    app.link(0);
    app.line(0, "0");
    let mut tail = node.tail();
    assert_eq!(texts(&read(&mut tail).await), ["0"]);
    tail.close().await.unwrap();
    drop(tail);
    app.line(0, "0 end");
    fs::rename(app.log(0), app.folder.join("0.log.20240101-000001")).unwrap();
    app.line(0, "0 after its rotation");
    app.line(1, "1");
    app.line(2, "2");
    app.remove_link(0);
    app.link(2);
    let mut tail = node.tail();
    // What is left of a file that was begun has the container's id, by which it goes to the same partition.
    let rest = tail.next().await.unwrap().unwrap();
    let key = app.link_of(0).file_stem().unwrap().to_str().unwrap().rsplit_once('-').unwrap().1.to_owned();
    assert_eq!(rest.origins()[0].key, key);
    assert_eq!(texts(&deliver(rest)), ["0 end"]);
    assert_eq!(texts(&read(&mut tail).await), ["0 after its rotation", "1", "2"]);
    assert_eq!(read_to_the_end(&mut tail).await, []);
    tail.close().await.unwrap();
    drop(tail);
    app.line(2, "2 more");
    assert_eq!(texts(&read(&mut node.tail()).await), ["2 more"]);
}

#[tokio::test(start_paused = true)]
async fn restarts_before_a_first_start_are_history() {
    let node = Node::new();
    let app = Restarts::new(&node);
    app.line(0, "history");
    app.line(1, "history as well");
    fs::rename(app.log(1), app.folder.join("1.log.20240101-000001")).unwrap();
    app.line(1, "1");
    app.link(1);
    let mut tail = node.tail();
    assert_eq!(texts(&read(&mut tail).await), ["1"]);
    app.line(2, "2");
    app.link(2);
    assert_eq!(texts(&read(&mut tail).await), ["2"]);
    tail.close().await.unwrap();
    drop(tail);
    app.line(3, "3");
    app.remove_link(1);
    app.link(3);
    assert_eq!(texts(&read(&mut node.tail()).await), ["3"]);
}

#[tokio::test(start_paused = true)]
async fn all_restarts_of_a_container_that_is_new_are_read() {
    let node = Node::new();
    let mut tail = node.tail();
    assert_eq!(read(&mut tail).await, []);
    let app = Restarts::new(&node);
    for restart in 0..3 {
        app.line(restart, &restart.to_string());
    }
    app.link(2);
    assert_eq!(texts(&read(&mut tail).await), ["0", "1", "2"]);
}

#[tokio::test(start_paused = true)]
async fn excluded_restarts_are_not_read() {
    let mut node = Node::new();
    node.config.exclude = vec![format!("{}/pods/*/*/0.log", node.folder.path().display())];
    let mut tail = node.tail();
    assert_eq!(read(&mut tail).await, []);
    let app = Restarts::new(&node);
    app.line(0, "0");
    app.line(1, "1");
    app.link(1);
    assert_eq!(texts(&read(&mut tail).await), ["1"]);
}

#[tokio::test(start_paused = true)]
async fn a_link_to_the_next_restart_is_followed_after_the_end_of_the_one_before() {
    let node = Node::new();
    let app = Restarts::new(&node);
    app.link(0);
    app.line(0, "0");
    let mut tail = node.tail();
    assert_eq!(texts(&read(&mut tail).await), ["0"]);
    app.line(0, "0 end");
    app.line(1, "1");
    retarget(&app.link_of(0), &app.log(1));
    assert_eq!(texts(&read(&mut tail).await), ["0 end", "1"]);
    tail.close().await.unwrap();
    drop(tail);
    // The same while away.
    app.line(1, "1 end");
    app.line(2, "2");
    retarget(&app.link_of(0), &app.log(2));
    assert_eq!(texts(&read(&mut node.tail()).await), ["1 end", "2"]);
}

fn retarget(link: &Path, target: &Path) {
    fs::remove_file(link).unwrap();
    symlink(target, link).unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_was_rotated_before_a_first_start_is_history_beside_an_earlier_restart() {
    let node = Node::new();
    let app = Restarts::new(&node);
    app.line(0, "0");
    app.link(0);
    app.line(1, "history");
    fs::rename(app.log(1), app.folder.join("1.log.20240101-000001")).unwrap();
    app.line(1, "1");
    app.link(1);
    assert_eq!(texts(&read(&mut node.tail()).await), ["0", "1"]);
}

/// Reads all there is, and checks the container's id and what all its records have in common.
async fn read_of(tail: &mut sluice_tail::Tail, id: &str) -> Vec<fixture::Seen> {
    let mut seen = Vec::new();
    for batch in fixture::read_batches(tail, std::time::Duration::from_secs(1)).await {
        let origin = &batch.origins()[0];
        assert_eq!(origin.key, id, "{:?}", fixture::see(&batch));
        assert!(origin.object.contains(&format!(r#"{{"docker":{{"container_id":"{id}"}}"#)), "{}", origin.object);
        assert!(origin.tag.ends_with(&format!(".containers.web-1_shop_app-{id}.log")), "{}", origin.tag);
        seen.extend(deliver(batch));
    }
    seen
}

fn id_of(link: &Path) -> String {
    link.file_stem().unwrap().to_str().unwrap().rsplit_once('-').unwrap().1.to_owned()
}

/// Lines of one container must not go to two partitions, whatever became of its link.
#[tokio::test(start_paused = true)]
async fn the_id_is_the_same_over_restarts_of_the_agent_where_one_link_leads_to_all() {
    for stopped in [true, false] {
        let node = Node::new();
        let app = Restarts::new(&node);
        app.link(0);
        let (link, id) = (app.link_of(0), id_of(&app.link_of(0)));
        app.line(0, "0");
        let mut tail = node.tail();
        assert_eq!(texts(&read_of(&mut tail, &id).await), ["0"]);
        if stopped {
            tail.close().await.unwrap();
            drop(tail);
            tail = node.tail();
        }
        // Two restarts of the container: the middle one was never seen.
        app.line(0, "0 more");
        fs::rename(app.log(0), app.folder.join("0.log.20240101-000001")).unwrap();
        app.line(0, "0 end");
        app.line(1, "1");
        app.line(2, "2");
        retarget(&link, &app.log(2));
        assert_eq!(texts(&read_of(&mut tail, &id).await), ["0 more", "0 end", "1", "2"], "{stopped}");
        tail.save().await.unwrap();
        drop(tail);
        app.line(2, "2 end");
        app.line(3, "3");
        retarget(&link, &app.log(3));
        assert_eq!(texts(&read_of(&mut node.tail(), &id).await), ["2 end", "3"], "{stopped}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_restart_keeps_its_id_over_restarts_of_the_agent_where_each_has_a_link() {
    let node = Node::new();
    let app = Restarts::new(&node);
    app.link(0);
    let ids = [0, 1].map(|restart| id_of(&app.link_of(restart)));
    app.line(0, "0");
    let mut tail = node.tail();
    assert_eq!(texts(&read_of(&mut tail, &ids[0]).await), ["0"]);
    tail.close().await.unwrap();
    drop(tail);
    app.line(0, "0 more");
    app.line(1, "1");
    app.link(1);
    app.remove_link(0);
    let mut tail = node.tail();
    let batches = fixture::read_batches(&mut tail, std::time::Duration::from_secs(1)).await;
    let keys: Vec<_> = batches.iter().map(|batch| batch.origins()[0].key.clone()).collect();
    assert_eq!(keys, ids);
}

#[tokio::test(start_paused = true)]
async fn a_rotation_and_a_restart_between_two_looks_are_read_in_order() {
    let node = Node::new();
    let app = Restarts::new(&node);
    // As a link that keeps its name, and leads to the newest restart.
    let link = app.link_of(0);
    app.link(0);
    app.line(0, "0");
    let mut tail = node.tail();
    assert_eq!(texts(&read(&mut tail).await), ["0"]);
    app.line(0, "0 end");
    fs::rename(app.log(0), app.folder.join("0.log.20240101-000001")).unwrap();
    app.line(0, "0 after its rotation");
    app.line(1, "1");
    fs::remove_file(&link).unwrap();
    symlink(app.log(1), &link).unwrap();
    assert_eq!(texts(&read(&mut tail).await), ["0 end", "0 after its rotation", "1"]);
}
