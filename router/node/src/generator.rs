//! Containers that print at a steady rate, and the memory of every line they printed.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime};

use crate::{Container, Error, Level, Voice};

/// Between two writes to the files.
const TICK: Duration = Duration::from_millis(100);

/// How fast containers print, and how soon their files rotate.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Lines a second of all containers together.
    pub rate: u64,
    /// Bytes of a log file.
    pub rotate_at: u64,
    /// Rotated files that a container keeps; older ones are deleted.
    pub keep: usize,
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
    pub bytes: u64,
    pub rotations: u64,
    /// Lines with the word "exception" in them, in whichever case.
    pub exceptions: u64,
}

#[derive(Default)]
struct Told {
    stop: AtomicBool,
    lines: AtomicU64,
    exceptions: AtomicU64,
    rotations: AtomicU64,
}

struct Speaker {
    container: Container,
    voice: Voice,
    lines: Vec<Option<Level>>,
    /// Bytes written before the last rotation.
    rotated_at: u64,
    /// Rotated files, the oldest first.
    rotated: VecDeque<PathBuf>,
}

impl Generator {
    /// The containers take turns, line by line. No two may be of the same pod.
    pub fn start(containers: Vec<(Container, Voice)>, pace: Pace) -> Result<Self, Error> {
        let speakers = containers.into_iter().map(|(container, voice)| Speaker {
            container,
            voice,
            lines: Vec::new(),
            rotated_at: 0,
            rotated: VecDeque::new(),
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
    let written = speakers.into_iter().map(|speaker| (speaker.container.spec().pod.clone(), speaker.lines)).collect();
    let (rotations, exceptions) = (&told.rotations, &told.exceptions);
    let (rotations, exceptions) = (rotations.load(Ordering::Relaxed), exceptions.load(Ordering::Relaxed));
    Ok(Summary { written, bytes, rotations, exceptions })
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

    /// Puts everything on disk and rotates when it is time; whether it was.
    fn settle(&mut self, pace: Pace) -> Result<bool, Error> {
        self.container.flush()?;
        let due = self.container.bytes_written() - self.rotated_at >= pace.rotate_at;
        if due {
            self.rotated_at = self.container.bytes_written();
            self.rotated.push_back(self.container.rotate()?);
        }
        if self.rotated.len() > pace.keep
            && let Some(oldest) = self.rotated.pop_front()
        {
            fs::remove_file(&oldest).map_err(Error::file("remove", &oldest))?;
        }
        Ok(due)
    }
}
