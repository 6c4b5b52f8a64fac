//! Notifications of the file system: hints to look now, never more.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher, event::ModifyKind, recommended_watcher};
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
        let watcher = recommended_watcher(move |event: notify::Result<Event>| {
            if let Ok(event) = event {
                setter.set(event);
            }
        });
        let watcher = watcher
            .inspect_err(|error| warn!(%error, "no notifications of the file system; new files are found by scanning"))
            .ok();
        Self { watcher, folders: BTreeSet::new(), hint }
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
            if !self.folders.contains(folder) && watcher.watch(folder, RecursiveMode::NonRecursive).is_ok() {
                self.folders.insert(folder.clone());
            }
        }
    }

    /// Watches a file that is silent, or no longer; it may be gone.
    pub fn set_file(&mut self, path: &Path, is_watched: bool) {
        let Some(watcher) = &mut self.watcher else { return };
        let done = if is_watched { watcher.watch(path, RecursiveMode::NonRecursive) } else { watcher.unwatch(path) };
        done.ok();
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

impl Hint {
    /// Opening and reading are no reason to look at anything.
    fn set(&self, event: Event) {
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
}
