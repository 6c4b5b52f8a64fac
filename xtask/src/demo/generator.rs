//! Containers that print at a steady rate, and the memory of every line they printed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, anyhow};
use sluice_node::{Container, Node, Spec};

use super::voice::{Fate, Voice};

/// Lines a second of all containers together; a cold Elasticsearch on two cores takes about twice as many.
const RATE: u64 = 2_000;
/// Small enough that every container rotates a few times in a short demo.
const ROTATE_AT: u64 = 1024 * 1024;
const TICK: Duration = Duration::from_millis(50);

/// What each container printed: line `n` of pod `p` met (or has to meet) `lines[p][n]`.
pub(crate) type Written = BTreeMap<String, Vec<Fate>>;

/// The thread that prints.
pub(crate) struct Generator {
    stop: Arc<AtomicBool>,
    count: Arc<AtomicU64>,
    thread: Option<JoinHandle<Result<Summary>>>,
}

/// What was printed when the generator stopped.
pub(crate) struct Summary {
    pub(crate) written: Written,
    pub(crate) bytes: u64,
    pub(crate) rotations: u64,
}

impl Summary {
    pub(crate) fn count(&self, fate: Option<Fate>) -> u64 {
        let lines = self.written.values().flatten();
        lines.filter(|line| fate.is_none_or(|fate| **line == fate)).count() as u64
    }
}

struct Speaker {
    container: Container,
    voice: Voice,
    lines: Vec<Fate>,
    /// Bytes written before the last rotation.
    rotated_at: u64,
}

impl Generator {
    pub(crate) fn start(node: &Node) -> Result<Self> {
        let speakers = speakers(node)?;
        let (stop, count) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (asked, told) = (stop.clone(), count.clone());
        let thread = thread::Builder::new()
            .name("generator".into())
            .spawn(move || print(speakers, &asked, &told))
            .context("cannot start a thread")?;
        Ok(Self { stop, count, thread: Some(thread) })
    }

    /// Lines printed so far.
    pub(crate) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// Stops printing; everything is in the files when this returns.
    pub(crate) fn stop(mut self) -> Result<Summary> {
        self.stop.store(true, Ordering::Relaxed);
        let thread = self.thread.take().context("the generator has stopped already")?;
        thread.join().map_err(|_| anyhow!("the generator panicked"))?
    }
}

impl Drop for Generator {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Nothing may be written into the folder when it is removed; a panic was told by its own message.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn speakers(node: &Node) -> Result<Vec<Speaker>> {
    let containers = [
        (Spec::cri("shop", "web-1", "app"), Voice::Json),
        (Spec::cri("shop", "web-2", "app"), Voice::Json),
        (Spec::docker("shop", "cart-1", "app"), Voice::Json),
        (Spec::cri("pay", "ledger-1", "app"), Voice::Traces),
        (Spec::docker("infra", "proxy-1", "nginx"), Voice::Plain),
        (Spec::cri("infra", "batch-1", "worker"), Voice::Long),
    ];
    containers
        .into_iter()
        .map(|(spec, voice)| Ok(Speaker { container: node.container(spec)?, voice, lines: Vec::new(), rotated_at: 0 }))
        .collect()
}

fn print(mut speakers: Vec<Speaker>, stop: &AtomicBool, count: &AtomicU64) -> Result<Summary> {
    let start = Instant::now();
    let (mut printed, mut rotations) = (0, 0);
    while !stop.load(Ordering::Relaxed) {
        let due = start.elapsed().as_millis() as u64 * RATE / 1000;
        while printed < due {
            let next = printed as usize % speakers.len();
            speakers[next].line()?;
            printed += 1;
        }
        count.store(printed, Ordering::Relaxed);
        for speaker in &mut speakers {
            rotations += u64::from(speaker.settle()?);
        }
        thread::sleep(TICK);
    }
    let bytes = speakers.iter().map(|speaker| speaker.container.bytes_written()).sum();
    let written = speakers.into_iter().map(|speaker| (speaker.container.spec().pod.clone(), speaker.lines)).collect();
    Ok(Summary { written, bytes, rotations })
}

impl Speaker {
    fn line(&mut self) -> Result<()> {
        let line = self.voice.line(self.lines.len() as u64);
        let now = SystemTime::UNIX_EPOCH.elapsed().context("the clock stands before 1970")?;
        self.container.write(line.stream, line.text, now.as_nanos() as u64)?;
        self.lines.push(line.fate);
        Ok(())
    }

    /// Puts everything on disk and rotates when it is time; whether it was.
    fn settle(&mut self) -> Result<bool> {
        self.container.flush()?;
        let due = self.container.bytes_written() - self.rotated_at >= ROTATE_AT;
        if due {
            self.rotated_at = self.container.bytes_written();
            self.container.rotate()?;
        }
        Ok(due)
    }
}
