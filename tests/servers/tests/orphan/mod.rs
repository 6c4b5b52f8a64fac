//! Runs one ignored test of this binary as a child, kills it with SIGKILL, and looks for what it left behind.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// In the child, once its server serves.
pub fn report_and_wait(pid: u32) {
    eprintln!("server {pid}");
    loop {
        thread::park();
    }
}

/// `prefix` begins the name of the server's data folder.
pub fn check(child: &str, prefix: &str) {
    let mut parent = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "--nocapture", child])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(parent.stderr.take().unwrap()).lines().map(Result::unwrap);
    let pid = lines.find_map(|line| Some(line.strip_prefix("server ")?.parse::<u32>().unwrap())).unwrap();
    let folder = data_folder(pid, prefix);
    assert!(folder.exists());
    assert!(!users(&folder).is_empty());

    parent.kill().unwrap();
    parent.wait().unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while folder.exists() || !users(&folder).is_empty() {
        assert!(Instant::now() < deadline, "{} is left, used by {:?}", folder.display(), users(&folder));
        thread::sleep(Duration::from_millis(50));
    }
}

fn data_folder(pid: u32, prefix: &str) -> PathBuf {
    let folder = fs::read_link(format!("/proc/{pid}/cwd")).unwrap();
    let mut steps = folder.ancestors();
    steps.find(|step| step.file_name().unwrap().to_str().unwrap().starts_with(prefix)).unwrap().to_path_buf()
}

/// Pids of all processes that name the folder on their command line; the watchdog is one of them.
fn users(folder: &Path) -> Vec<u32> {
    let name = folder.to_str().unwrap();
    let pids = fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid: &u32| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(name)
    })
    .collect()
}
