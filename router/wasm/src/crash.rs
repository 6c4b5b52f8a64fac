//! Crash bundles: a file for each call that a plugin failed, with all that is needed to make the call again elsewhere.
//!
//! ```text
//! Fault, Columns → Call (a copy) → a thread of its own: again on a new instance, narrowed down → Bundle → a file
//! file → Bundle → replay: the same fault, another one, or none
//! ```
//! Whoever meets a fault is told the file's name at once, and waits for neither the plugin nor the disk.
mod batch;
mod bundle;
mod folder;
mod leave;
mod members;
mod narrow;
mod replay;
mod smallest;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use tracing::{debug, warn};

use crate::plugin::Plugin;

pub use batch::{Kept, KeptColumn};
pub use bundle::{Bundle, Call, Host, MOST_BYTES, Subject};
pub(crate) use leave::{leave_start, with_replay};
pub use replay::{Replayed, replay};

/// Bundles of one version of a plugin within a minute.
const MOST_A_MINUTE: u32 = 5;
const MINUTE: Duration = Duration::from_secs(60);
/// Bytes of calls that wait to be written, all together.
const MOST_WAITING: usize = 32 << 20;

/// Where bundles go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    pub folder: PathBuf,
    /// The oldest make room beyond this number; at least 1.
    pub keep: usize,
}

/// Writes the crash bundles of a process. By default there are none.
#[derive(Debug, Default)]
pub struct Crashes {
    host: Host,
    settings: Mutex<Option<Settings>>,
    queue: Mutex<Queue>,
    idle: Condvar,
    number: AtomicU64,
    /// Of plugins that did not start.
    starts: Arc<Tallies>,
    /// The last bundle could not be written, and that was told.
    is_broken: AtomicBool,
}

/// What a plugin's bundles need to know beside the plugin.
#[derive(Clone, Debug, Default)]
pub struct Recording {
    pub crashes: Arc<Crashes>,
    /// Whether none is written; `None` leaves it to what the plugin is: one that no record may do without is private,
    /// since it is there to hide what stands in the records.
    pub private: Option<bool>,
    /// Where the component was read from.
    pub file: Option<PathBuf>,
}

/// What became of a plugin's bundles.
#[derive(Debug, Default)]
pub struct Tallies {
    written: AtomicU64,
    failed: AtomicU64,
    skipped: AtomicU64,
    minute: Mutex<Option<(Instant, u32)>>,
}

/// The tallies at a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BundleCounts {
    pub written: u64,
    /// Not written, since the folder could not be written to.
    pub failed: u64,
    /// Not written, since there were too many at once.
    pub skipped: u64,
}

#[derive(Debug, Default)]
struct Queue {
    jobs: VecDeque<Job>,
    bytes: usize,
    is_working: bool,
}

#[derive(Debug)]
struct Job {
    bundle: Bundle,
    path: PathBuf,
    keep: usize,
    tallies: Arc<Tallies>,
    /// To try the call with, on instances of its own; none of a plugin that did not even start.
    plugin: Option<Arc<Plugin>>,
}

impl Crashes {
    /// `host` is what is written into each bundle about this program.
    pub fn new(host: Host, settings: Option<Settings>) -> Self {
        Self { host, settings: Mutex::new(settings), ..Self::default() }
    }

    /// From now on bundles go there; `None` for no more bundles.
    pub fn set(&self, settings: Option<Settings>) {
        *lock(&self.settings) = settings;
        self.is_broken.store(false, Relaxed);
    }

    /// Waits until what was left so far is written, or for `longest`; false if it is not written by then.
    pub fn wait(&self, longest: Duration) -> bool {
        let queue = lock(&self.queue);
        let waited = self.idle.wait_timeout_while(queue, longest, |queue| queue.is_working);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    /// The place for one more bundle of a plugin, if it is to be written.
    fn place(&self, plugin: &str, tallies: &Tallies) -> Option<(PathBuf, usize)> {
        let Settings { folder, keep } = lock(&self.settings).clone()?;
        if !tallies.may_write(Instant::now()) {
            return None;
        }
        let name = folder::name(SystemTime::now(), plugin, self.number.fetch_add(1, Relaxed));
        Some((folder.join(name), keep))
    }

    /// Hands a bundle to the thread that writes them; false if too much waits for it.
    fn hand_over(self: &Arc<Self>, job: Job) -> bool {
        let weight = job.weight();
        let mut queue = lock(&self.queue);
        if queue.bytes + weight > MOST_WAITING {
            job.tallies.skipped.fetch_add(1, Relaxed);
            return false;
        }
        queue.bytes += weight;
        queue.jobs.push_back(job);
        if !queue.is_working {
            let own = self.clone();
            let started = thread::Builder::new().name("crash-bundles".into()).spawn(move || own.work());
            if let Err(error) = started {
                let Some(job) = queue.jobs.pop_back() else { return false };
                queue.bytes -= weight;
                self.failed(&job, &error.to_string());
                return false;
            }
            queue.is_working = true;
        }
        true
    }

    /// Ends when there is nothing left to do: most processes never see a fault.
    fn work(&self) {
        loop {
            let mut queue = lock(&self.queue);
            let Some(job) = queue.jobs.pop_front() else {
                queue.is_working = false;
                self.idle.notify_all();
                return;
            };
            drop(queue);
            let weight = job.weight();
            self.write(job);
            lock(&self.queue).bytes -= weight;
        }
    }

    fn write(&self, mut job: Job) {
        if let Some(plugin) = &job.plugin {
            narrow::narrow(plugin, &mut job.bundle);
        }
        match folder::write(&job.path, &job.bundle.write(), job.keep) {
            Ok(()) => {
                job.tallies.written.fetch_add(1, Relaxed);
                self.is_broken.store(false, Relaxed);
                debug!(plugin = job.bundle.plugin.name, bundle = %job.path.display(), "a crash bundle is written");
            }
            Err(error) => self.failed(&job, &error.to_string()),
        }
    }

    fn failed(&self, job: &Job, why: &str) {
        job.tallies.failed.fetch_add(1, Relaxed);
        if !self.is_broken.swap(true, Relaxed) {
            let (plugin, bundle) = (&job.bundle.plugin.name, job.path.display());
            warn!(
                plugin, %bundle, why,
                "a crash bundle cannot be written, and later ones are only counted; make room in `crash_bundles.folder`, or \
                 make it writable for this process"
            );
        }
    }
}

impl Job {
    /// Bytes that it holds, but for a few.
    fn weight(&self) -> usize {
        match &self.bundle.call {
            Call::Records(batch) => batch.weight(),
            _ => 0,
        }
    }
}

impl Tallies {
    pub fn read(&self) -> BundleCounts {
        let [written, failed, skipped] = [&self.written, &self.failed, &self.skipped].map(|count| count.load(Relaxed));
        BundleCounts { written, failed, skipped }
    }

    fn may_write(&self, now: Instant) -> bool {
        let mut minute = lock(&self.minute);
        let (since, count) = minute.filter(|(since, _)| now.duration_since(*since) < MINUTE).unwrap_or((now, 0));
        *minute = Some((since, count + 1));
        let may = count < MOST_A_MINUTE;
        self.skipped.fetch_add(u64::from(!may), Relaxed);
        may
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bundles_are_counted_by_the_minute() {
        let (start, tallies) = (Instant::now(), Tallies::default());
        for (seconds, asked, granted, skipped) in
            [(0, 7, 5, 2), (59, 1, 0, 3), (60, 4, 4, 3), (61, 3, 1, 5), (500, 1, 1, 5)]
        {
            let now = start + Duration::from_secs(seconds);
            assert_eq!((0..asked).filter(|_| tallies.may_write(now)).count(), granted, "after {seconds} s");
            assert_eq!(tallies.read(), BundleCounts { skipped, ..BundleCounts::default() }, "after {seconds} s");
        }
    }
}
