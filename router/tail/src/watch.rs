//! Notifications of the file system: hints to look now, never more.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use notify::{
    ErrorKind, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher, event::ModifyKind, recommended_watcher,
};
use tokio::sync::Notify;
use tracing::warn;

/// Watches the folders that new files appear in, and files that are silent.
///
/// A file that grows is not watched but looked at: an event for each of its lines would cost more than the lines.
#[derive(Debug)]
pub struct Watch {
    watcher: Option<RecommendedWatcher>,
    folders: BTreeSet<PathBuf>,
    hint: Arc<Hint>,
    /// The kernel's limit of watches was reached, and was told.
    is_at_limit: bool,
}

/// What the watcher's thread has seen since somebody asked.
#[derive(Debug, Default)]
struct Hint {
    names: AtomicBool,
    grown: Mutex<Vec<PathBuf>>,
    notify: Notify,
}

impl Watch {
    pub fn new() -> Self {
        let hint = Arc::new(Hint::default());
        let setter = hint.clone();
        let watcher = recommended_watcher(move |event: notify::Result<Event>| match event {
            Ok(event) => setter.set(event),
            Err(_) => setter.set_missed(),
        });
        let watcher = watcher
            .inspect_err(|error| warn!(%error, "no notifications of the file system; new files are found by scanning"))
            .ok();
        Self { watcher, folders: BTreeSet::new(), hint, is_at_limit: false }
    }

    /// Watches these folders, and no others; one that is not there yet is tried again at the next call.
    pub fn follow(&mut self, folders: &BTreeSet<PathBuf>) {
        let Some(watcher) = &mut self.watcher else { return };
        for folder in self.folders.difference(folders) {
            // It may be gone, and its watch with it.
            watcher.unwatch(folder).ok();
        }
        self.folders.retain(|folder| folders.contains(folder));
        for folder in folders {
            if self.folders.contains(folder) {
                continue;
            }
            match watcher.watch(folder, RecursiveMode::NonRecursive) {
                Ok(()) => drop(self.folders.insert(folder.clone())),
                Err(error) => tell_limit(&mut self.is_at_limit, &error),
            }
        }
    }

    /// Watches a file that is silent, or no longer; it may be gone.
    pub fn set_file(&mut self, path: &Path, is_watched: bool) {
        let Some(watcher) = &mut self.watcher else { return };
        if !is_watched {
            watcher.unwatch(path).ok();
        } else if let Err(error) = watcher.watch(path, RecursiveMode::NonRecursive) {
            tell_limit(&mut self.is_at_limit, &error);
        }
    }

    /// Whether names changed since the last call.
    pub fn take_names(&self) -> bool {
        self.hint.names.swap(false, Ordering::AcqRel)
    }

    /// The watched files that grew since the last call.
    pub fn take_grown(&self) -> Vec<PathBuf> {
        std::mem::take(&mut self.hint.grown.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits for the next change.
    pub async fn changed(&self) {
        self.hint.notify.notified().await;
    }
}

/// Tells once that there are no more watches: files are then found and looked at by the clock alone.
fn tell_limit(is_told: &mut bool, error: &notify::Error) {
    if matches!(error.kind, ErrorKind::MaxFilesWatch) && !std::mem::replace(is_told, true) {
        warn!(
            "the kernel has no more notifications of the file system for this process; new files and lines are found \
             a little later, by looking; raise fs.inotify.max_user_watches"
        );
    }
}

impl Hint {
    /// Events were lost, or came in a form that says nothing: anything may have happened.
    fn set_missed(&self) {
        self.names.store(true, Ordering::Release);
        self.notify.notify_one();
    }

    /// Opening and reading are no reason to look at anything.
    fn set(&self, event: Event) {
        if event.need_rescan() {
            return self.set_missed();
        }
        match event.kind {
            EventKind::Create(_) | EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_)) => {
                self.names.store(true, Ordering::Release);
            }
            EventKind::Modify(ModifyKind::Data(_)) => {
                let mut grown = self.grown.lock().unwrap_or_else(PoisonError::into_inner);
                for path in event.paths {
                    if !grown.contains(&path) {
                        grown.push(path);
                    }
                }
            }
            _ => return,
        }
        self.notify.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Write, time::Duration};

    use super::*;

    /// Events come from a thread: waits for them, and fails after ten seconds without.
    async fn wait_for(watch: &Watch, mut condition: impl FnMut() -> bool) {
        let waiting = async {
            while !condition() {
                watch.changed().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), waiting).await.unwrap();
    }

    #[tokio::test]
    async fn new_names_and_growth_are_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().canonicalize().unwrap();
        let path = folder.join("a.log");
        let mut watch = Watch::new();
        watch.follow(&BTreeSet::from([folder.clone(), folder.join("missing")]));
        let mut file = fs::File::create(&path).unwrap();
        wait_for(&watch, || watch.take_names()).await;
        watch.follow(&BTreeSet::new());
        watch.set_file(&path, true);
        file.write_all(b"line\n").unwrap();
        wait_for(&watch, || watch.take_grown().contains(&path)).await;
        fs::rename(&path, folder.join("b.log")).unwrap();
        wait_for(&watch, || watch.take_names()).await;
        watch.set_file(&path, false);
        watch.set_file(&folder.join("missing"), true);
    }

    #[tokio::test]
    async fn events_that_are_lost_ask_for_a_look() {
        let most: usize = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap().trim().parse().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().canonicalize().unwrap();
        let silent = folder.join("silent.log");
        fs::write(&silent, "").unwrap();
        let mut watch = Watch::new();
        watch.set_file(&silent, true);
        let hint = watch.hint.clone();
        {
            // Holds the thread that takes events, so that the kernel's queue fills.
            let _held = hint.grown.lock().unwrap();
            fs::write(&silent, "line\n").unwrap();
            let mut file = fs::OpenOptions::new().append(true).open(&silent).unwrap();
            // Alike events are counted once: those of a write and of a look take turns.
            for _ in 0..most {
                file.write_all(b"line\n").unwrap();
                drop(fs::File::open(&silent).unwrap());
            }
        }
        // No name changed: only the loss tells.
        wait_for(&watch, || watch.take_names()).await;
    }

    #[test]
    fn the_limit_of_watches_is_told_once() {
        let mut is_told = false;
        tell_limit(&mut is_told, &notify::Error::new(ErrorKind::PathNotFound));
        assert!(!is_told);
        tell_limit(&mut is_told, &notify::Error::new(ErrorKind::MaxFilesWatch));
        assert!(is_told);
    }
}
