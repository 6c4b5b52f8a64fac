//! Lines flow until all faults are over, and then the rest of them arrives.

use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use sluice_node::{Generator, Summary};

use crate::config::INDICES;
use crate::containers::Fate;
use crate::diary::Diary;
use crate::lane::Order;
use crate::recovery::Look;
use crate::run::Options;

/// Lines are printed so long after the last fault, so that its recovery can be seen.
const TAIL: Duration = Duration::from_secs(20);
/// With nothing new in the index for so long, and nothing harmed, what is missing will not come.
const QUIET: Duration = Duration::from_secs(120);

/// Lets lines be printed until all faults are over, and waits for the rest to arrive.
pub fn flow(
    options: &Options,
    generator: Generator,
    diary: &Diary,
    order: &Order,
    looks: &Mutex<Vec<Look>>,
) -> Result<Summary> {
    let mut told = Duration::ZERO;
    let mut whole_since = None;
    loop {
        thread::sleep(Duration::from_millis(200));
        if order.has_failed() {
            bail!("a part of the run failed");
        }
        if diary.now() >= told + Duration::from_secs(10) {
            told = diary.now();
            diary.say(&format!("{} lines printed, {} documents", generator.count(), documents(looks)));
        }
        if diary.now() < options.duration || diary.entries().iter().any(|entry| entry.ended.is_none()) {
            continue;
        }
        // A server may need long to come back after the last fault.
        let since = *whole_since.get_or_insert_with(Instant::now);
        if since.elapsed() >= TAIL {
            break;
        }
    }
    let summary = generator.stop()?;
    let expected = summary.written.values().flatten().filter(|level| Fate::of(**level) == Fate::Indexed).count() as u64;
    let printed: usize = summary.written.values().map(Vec::len).sum();
    diary.say(&format!("the containers stop after {printed} lines; {expected} have to be in {INDICES}"));
    drain(expected, diary, order, looks)?;
    Ok(summary)
}

fn documents(looks: &Mutex<Vec<Look>>) -> u64 {
    looks.lock().unwrap_or_else(PoisonError::into_inner).last().map_or(0, |look| look.documents)
}

/// Returns when enough is there or nothing comes any more; the count says later what is right.
fn drain(expected: u64, diary: &Diary, order: &Order, looks: &Mutex<Vec<Look>>) -> Result<()> {
    let (mut last, mut changed) = (0, Instant::now());
    loop {
        thread::sleep(Duration::from_millis(200));
        if order.has_failed() {
            bail!("a part of the run failed");
        }
        let documents = documents(looks);
        if documents != last {
            (last, changed) = (documents, Instant::now());
        }
        if documents >= expected {
            diary.say(&format!("{documents} documents are there"));
            return Ok(());
        }
        if changed.elapsed() > QUIET {
            diary.say(&format!("nothing new for {} s, with {documents} documents of {expected}", QUIET.as_secs()));
            return Ok(());
        }
    }
}
