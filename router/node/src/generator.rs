//! Containers that print at a steady rate, and the memory of every line they printed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime};

use crate::kubelet::Kubelet;
use crate::{Begin, Container, Error, Level, Retention, Voice};

/// Between two writes to the files.
const TICK: Duration = Duration::from_millis(100);

/// How fast containers print, and what becomes of their files.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Lines a second of all containers together.
    pub rate: u64,
    pub retention: Retention,
    /// Lines between two restarts of a container; the first ones are spread over as many lines. `None` for no restart.
    pub restart_every: Option<u64>,
}

/// What each container printed: line `n` of pod `p` named the level `written[p][n]`.
pub type Written = BTreeMap<String, Vec<Option<Level>>>;

/// The thread that prints.
pub struct Generator {
    told: Arc<Told>,
    thread: Option<JoinHandle<Result<Summary, Error>>>,
}

/// What was printed when the generator stopped.
#[derive(Debug)]
pub struct Summary {
    pub written: Written,
    /// The files of each pod, in the order in which they were written.
    pub files: BTreeMap<String, Vec<Begin>>,
    pub bytes: u64,
    pub rotations: u64,
    pub restarts: u64,
    /// Lines with the word "exception" in them, in whichever case.
    pub exceptions: u64,
}

#[derive(Default)]
struct Told {
    stop: AtomicBool,
    lines: AtomicU64,
    exceptions: AtomicU64,
    rotations: AtomicU64,
    restarts: AtomicU64,
}

struct Speaker {
    container: Container,
    voice: Voice,
    lines: Vec<Option<Level>>,
    kubelet: Kubelet,
    /// The line before which it restarts next.
    restart_at: Option<u64>,
}

impl Generator {
    /// The containers take turns, line by line. No two may be of the same pod.
    pub fn start(containers: Vec<(Container, Voice)>, pace: Pace) -> Result<Self, Error> {
        let count = containers.len() as u64;
        let speakers = containers.into_iter().zip(1..).map(|((container, voice), number)| Speaker {
            kubelet: Kubelet::new(&container),
            container,
            voice,
            lines: Vec::new(),
            restart_at: pace.restart_every.map(|every| every * number / count),
        });
        let speakers = speakers.collect();
        let told = Arc::new(Told::default());
        let telling = told.clone();
        let work = move || print(speakers, pace, &telling);
        let thread = thread::Builder::new().name("containers".into()).spawn(work).map_err(Error::Thread)?;
        Ok(Self { told, thread: Some(thread) })
    }

    /// Lines printed so far.
    pub fn count(&self) -> u64 {
        self.told.lines.load(Ordering::Relaxed)
    }

    /// Of these, those with the word "exception" in them.
    pub fn exceptions(&self) -> u64 {
        self.told.exceptions.load(Ordering::Relaxed)
    }

    pub fn rotations(&self) -> u64 {
        self.told.rotations.load(Ordering::Relaxed)
    }

    /// Stops printing; everything is in the files when this returns. The files stay.
    pub fn stop(mut self) -> Result<Summary, Error> {
        self.told.stop.store(true, Ordering::Relaxed);
        self.thread.take().map_or(Err(Error::Panicked), |thread| thread.join().map_err(|_| Error::Panicked)?)
    }
}

impl Drop for Generator {
    fn drop(&mut self) {
        self.told.stop.store(true, Ordering::Relaxed);
        // Nothing may be written into the folder when it is removed; a panic was told by its own message.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn print(mut speakers: Vec<Speaker>, pace: Pace, told: &Told) -> Result<Summary, Error> {
    let start = Instant::now();
    let mut printed = 0;
    while !told.stop.load(Ordering::Relaxed) && !speakers.is_empty() {
        let due = start.elapsed().as_millis() as u64 * pace.rate / 1000;
        while printed < due {
            let next = printed as usize % speakers.len();
            let restarted = speakers[next].restart(pace)?;
            told.restarts.fetch_add(u64::from(restarted), Ordering::Relaxed);
            let exception = speakers[next].line()?;
            told.exceptions.fetch_add(u64::from(exception), Ordering::Relaxed);
            printed += 1;
        }
        told.lines.store(printed, Ordering::Relaxed);
        for speaker in &mut speakers {
            let rotated = speaker.settle(pace)?;
            told.rotations.fetch_add(u64::from(rotated), Ordering::Relaxed);
        }
        thread::sleep(TICK);
    }
    let bytes = speakers.iter().map(|speaker| speaker.container.bytes_written()).sum();
    let mut summary = Summary {
        written: Written::new(),
        files: BTreeMap::new(),
        bytes,
        rotations: told.rotations.load(Ordering::Relaxed),
        restarts: told.restarts.load(Ordering::Relaxed),
        exceptions: told.exceptions.load(Ordering::Relaxed),
    };
    for speaker in speakers {
        let pod = &speaker.container.spec().pod;
        summary.written.insert(pod.clone(), speaker.lines);
        summary.files.insert(pod.clone(), speaker.kubelet.begins);
    }
    Ok(summary)
}

impl Speaker {
    /// Prints the next line; whether it is about an exception.
    fn line(&mut self) -> Result<bool, Error> {
        let line = self.voice.line(self.lines.len() as u64);
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        let exception = line.text.to_ascii_lowercase().contains("exception");
        self.container.write(line.stream, line.text, now.as_nanos() as u64)?;
        self.lines.push(line.level);
        Ok(exception)
    }

    /// Restarts before the next line if it is time; whether it was.
    fn restart(&mut self, pace: Pace) -> Result<bool, Error> {
        let lines = self.lines.len() as u64;
        if self.restart_at.is_none_or(|at| lines < at) {
            return Ok(false);
        }
        self.restart_at = pace.restart_every.map(|every| lines + every);
        self.kubelet.restart(&mut self.container, lines)?;
        Ok(true)
    }

    /// Puts everything on disk and rotates when it is time; whether it was.
    fn settle(&mut self, pace: Pace) -> Result<bool, Error> {
        self.container.flush()?;
        self.kubelet.look(&mut self.container, pace.retention, self.lines.len() as u64)
    }
}
