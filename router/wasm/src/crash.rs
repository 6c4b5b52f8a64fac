//! Crash bundles: a file for each call that a plugin failed, with all that is needed to make the call again elsewhere.
//!
//! ```text
//! Fault, Columns → Call (a copy) → a thread of its own: again on a new instance, narrowed down → Bundle → a file
//! file → Bundle → replay: the same fault, another one, or none
//! ```
//! Whoever meets a fault is told the file's name at once, and waits for neither the plugin nor the disk.
mod batch;
mod bounded;
mod bundle;
mod folder;
mod leave;
mod members;
mod narrow;
mod recent;
mod replay;
mod smallest;

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use tracing::{debug, error, warn};

use crate::fault::Fault;
use crate::plugin::Plugin;
use recent::Recent;

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

/// Where the bundle of a fault goes, or is.
#[derive(Debug)]
enum Place {
    /// With the number of bundles to keep.
    New(PathBuf, usize),
    /// The same fault left this one not long ago.
    Earlier(PathBuf),
}

/// Writes the crash bundles of a process. By default there are none.
#[derive(Debug, Default)]
pub struct Crashes {
    host: Host,
    settings: Mutex<Option<Settings>>,
    queue: Mutex<Queue>,
    idle: Condvar,
    number: AtomicU64,
    recent: Mutex<Recent>,
    /// The process is about to end: bundles are written as they are.
    is_hurried: AtomicBool,
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
    /// Not written, since there were too many at once, or there is one of the same fault.
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
    /// None of a plugin that did not even start: nobody would see them.
    tallies: Option<Arc<Tallies>>,
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
        let before = std::mem::replace(&mut *lock(&self.settings), settings.clone());
        if before != settings {
            // Whoever gives another folder wants to see there what goes on.
            *lock(&self.recent) = Recent::default();
        }
        self.is_broken.store(false, Relaxed);
    }

    /// From now on no call is made again: bundles are written as they are, and soon.
    pub fn hurry(&self) {
        self.is_hurried.store(true, Relaxed);
    }

    /// Before the process ends: hurries, and waits for what was left so far, for `longest` at most.
    pub fn finish(&self, longest: Duration) {
        self.hurry();
        if !self.wait(longest) {
            warn!(
                "the process ends before all crash bundles are written; a fault above may name a file that is not there"
            );
        }
    }

    /// Waits until what was left so far is written, or for `longest`; false if it is not written by then.
    pub fn wait(&self, longest: Duration) -> bool {
        let queue = lock(&self.queue);
        let waited = self.idle.wait_timeout_while(queue, longest, |queue| queue.is_working);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    /// The place for the bundle of a fault, if there is to be one.
    fn place(&self, fault: &Fault, tallies: Option<&Tallies>) -> Option<Place> {
        let Settings { folder, keep } = lock(&self.settings).clone()?;
        let (now, mut recent) = (Instant::now(), lock(&self.recent));
        if let Some(earlier) = recent.find(fault, now) {
            tallies.inspect(|tallies| _ = tallies.skipped.fetch_add(1, Relaxed));
            return Some(Place::Earlier(earlier.clone()));
        }
        if tallies.is_some_and(|tallies| !tallies.may_write(now)) {
            return None;
        }
        let name = folder::name(SystemTime::now(), &fault.plugin, self.number.fetch_add(1, Relaxed));
        let path = folder.join(name);
        recent.add(fault, path.clone(), now);
        Some(Place::New(path, keep))
    }

    /// Hands a bundle to the thread that writes them; false if too much waits for it.
    fn hand_over(self: &Arc<Self>, job: Job) -> bool {
        let weight = job.weight();
        let mut queue = lock(&self.queue);
        if queue.bytes + weight > MOST_WAITING {
            job.count(|tallies| &tallies.skipped);
            lock(&self.recent).forget(&job.path);
            return false;
        }
        queue.bytes += weight;
        queue.jobs.push_back(job);
        if !queue.is_working {
            let own = self.clone();
            let started = thread::Builder::new().name("crash-bundles".into()).spawn(move || own.work(Self::write));
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
    fn work(&self, write: impl Fn(&Self, &mut Job)) {
        loop {
            let mut queue = lock(&self.queue);
            let Some(mut job) = queue.jobs.pop_front() else {
                queue.is_working = false;
                self.idle.notify_all();
                return;
            };
            drop(queue);
            let weight = job.weight();
            // A fault of ours costs this bundle and no other one.
            if catch_unwind(AssertUnwindSafe(|| write(self, &mut job))).is_err() {
                let (plugin, bundle) = (&job.bundle.plugin.name, job.path.display());
                error!(plugin, %bundle, "a panic ended the making of a crash bundle; this is a fault of Sluice, please report it");
                self.lost(&job);
            }
            lock(&self.queue).bytes -= weight;
        }
    }

    fn write(&self, job: &mut Job) {
        if let Some(plugin) = &job.plugin {
            narrow::narrow(plugin, &mut job.bundle, &self.is_hurried);
        }
        match job.bundle.write().and_then(|bytes| folder::write(&job.path, &bytes, job.keep)) {
            Ok(()) => {
                job.count(|tallies| &tallies.written);
                self.is_broken.store(false, Relaxed);
                debug!(plugin = job.bundle.plugin.name, bundle = %job.path.display(), "a crash bundle is written");
            }
            Err(error) => self.failed(job, &error.to_string()),
        }
    }

    fn failed(&self, job: &Job, why: &str) {
        self.lost(job);
        if !self.is_broken.swap(true, Relaxed) {
            let (plugin, bundle) = (&job.bundle.plugin.name, job.path.display());
            warn!(
                plugin, %bundle, why,
                "a crash bundle cannot be written, and later ones are only counted; make room in `crash_bundles.folder`, or \
                 make it writable for this process"
            );
        }
    }

    /// The next one of the same fault is tried again.
    fn lost(&self, job: &Job) {
        job.count(|tallies| &tallies.failed);
        lock(&self.recent).forget(&job.path);
    }
}

impl Job {
    fn count(&self, of: fn(&Tallies) -> &AtomicU64) {
        if let Some(tallies) = &self.tallies {
            of(tallies).fetch_add(1, Relaxed);
        }
    }

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
    use bundle::tests::bundle;

    #[test]
    fn a_panic_costs_its_own_bundle_only() {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings { folder: folder.path().join("a"), keep: 20 };
        let (crashes, tallies) = (Crashes::new(Host::default(), Some(settings)), Arc::new(Tallies::default()));
        let leave = |text: &str| {
            let mut bundle = bundle(Call::Records(batch::tests::three()));
            bundle.fault.cause = crate::fault::Cause::Trap(text.into());
            let place = crashes.place(&bundle.fault, Some(&*tallies));
            if let Some(Place::New(path, keep)) = place {
                let job = Job { bundle, path, keep, tallies: Some(tallies.clone()), plugin: None };
                let mut queue = lock(&crashes.queue);
                queue.bytes += job.weight();
                queue.is_working = true;
                queue.jobs.push_back(job);
            }
        };
        let work = || {
            crashes.work(|crashes, job| match job.bundle.fault.cause.text() {
                "panic" if crashes.number.load(Relaxed) < 3 => panic!("at the first one"),
                _ => crashes.write(job),
            });
            assert!(crashes.wait(Duration::ZERO));
            assert_eq!(lock(&crashes.queue).bytes, 0);
        };
        ["panic", "well"].into_iter().for_each(leave);
        work();
        assert_eq!(tallies.read(), BundleCounts { written: 1, failed: 1, skipped: 0 });
        // What was not written is tried again with the next fault; what was written is there already.
        ["panic", "well"].into_iter().for_each(leave);
        work();
        assert_eq!(tallies.read(), BundleCounts { written: 2, failed: 1, skipped: 1 });
    }

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
