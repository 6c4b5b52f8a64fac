//! More files than may be open. Alone in its process, whose limit it changes.

#![allow(clippy::unwrap_used, reason = "a test that fails says where")]

mod fixture;

use std::fs;

use fixture::{Node, read};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

fn allow(files: Option<u64>) {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: files.or(maximum), maximum }).unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_opened_now_is_read_later() {
    let node = Node::new();
    let mut tail = node.tail();
    assert_eq!(read(&mut tail).await, []);
    for n in 0..20 {
        let mut app = node.container(&format!("app-{n}"));
        for line in 0..3 {
            app.line(&format!("{line} of {n}"));
            app.rotate();
        }
        app.line(&format!("3 of {n}"));
    }
    let open = fs::read_dir("/proc/self/fd").unwrap().count() as u64;
    let mut seen = Vec::new();
    for files in [0, 3, 10, 11, 12, 13, 30, 40] {
        allow(Some(open + files));
        seen.extend(read(&mut tail).await);
        assert!(seen.len() < 80, "{files} {}", seen.len());
    }
    assert!(node.config.counters.files_unreadable.get() > 0);
    allow(None);
    seen.extend(read(&mut tail).await);
    for n in 0..20 {
        let of = format!(" of {n}");
        let lines: Vec<_> = seen.iter().filter_map(|seen| seen.text.strip_suffix(&of)).collect();
        assert_eq!(lines, ["0", "1", "2", "3"], "{n}");
    }
    assert_eq!((seen.len(), node.expired()), (80, 0));
}
