//! A plugin is not to blame for a node that gives it little of its CPU.
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use sluice_wasm::{Limits, OnFault, Plugin};

use crate::batches::lines;
use crate::components::load;
use crate::run::Run;

const BUDGET: Duration = Duration::from_millis(100);
/// Told to the process that is held up, by its environment.
const HELD_UP: &str = "SLUICE_TEST_HELD_UP";
/// What it says when it has its plugins, whose compilation has a bound in wall-clock time.
const READY: &str = "ready to be held up";

fn plugin(trick: &str) -> Plugin {
    let limits = Limits { cpu: BUDGET, wall: Duration::from_secs(3600), ..Limits::default() };
    Plugin::new("busy", load("misbehaves"), &format!(r#"{{"do":"{trick}"}}"#), Some(OnFault::DeadLetter), limits)
        .unwrap()
}

/// Runs in a process of its own, which is held up as the kernel holds up a container that has used its share.
#[test]
fn while_it_is_held_up() {
    if std::env::var_os(HELD_UP).is_none() {
        return;
    }
    let (mut good, mut bad) = (Run::new(vec![plugin("work")]), Run::new(vec![plugin("loop")]));
    println!("{READY}");
    // Until it happened in the middle of some calls, which took far longer than their CPU budget.
    let mut long = 0;
    while long < 8 {
        let started = Instant::now();
        let kept = good.apply(lines(&good.ledger, &["a"]));
        let took = started.elapsed();
        assert_eq!(kept.len(), 1, "after {took:?}: {:?}", good.letters());
        good.deliver(kept);
        long += u32::from(took > 3 * BUDGET);
    }
    println!("a good plugin answered");
    let kept = bad.apply(lines(&bad.ledger, &["a"]));
    let detail = &bad.letters()[0].detail;
    assert!(detail.contains("failed: used more than 100ms of CPU time in one call"), "{detail}");
    bad.deliver(kept);
    println!("a bad one was ended");
}

#[test]
fn a_machine_that_is_throttled_faults_no_good_plugin_and_saves_no_bad_one() {
    let mut held_up = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "throttled::while_it_is_held_up", "--nocapture", "--test-threads", "1"])
        .env(HELD_UP, "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(held_up.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains(READY) {
        line.clear();
        assert_ne!(said.read_line(&mut line).unwrap(), 0, "it ended before it was ready");
    }
    // A share of a twentieth of one CPU.
    while held_up.try_wait().unwrap().is_none() {
        signal(&held_up, "STOP");
        thread::sleep(4 * BUDGET);
        signal(&held_up, "CONT");
        thread::sleep(Duration::from_millis(20));
    }
    let mut rest = String::new();
    said.read_to_string(&mut rest).unwrap();
    assert!(held_up.wait().unwrap().success(), "{rest}");
    assert!(rest.contains("a good plugin answered") && rest.contains("a bad one was ended"), "{rest}");
}

/// The shell knows how to send one; the process may have ended meanwhile.
fn signal(process: &Child, name: &str) {
    let sent = Command::new("sh").args(["-c", &format!("kill -{name} {} 2>/dev/null", process.id())]).status();
    assert!(sent.is_ok(), "no shell");
}
