//! The source of a pipeline that ships log files.

use std::{sync::Arc, time::Duration};

use sluice_core::{Batch, Failure, Generation, pipeline::Source};
use tokio::{
    task::consume_budget,
    time::{Instant, sleep_until},
};
use tracing::{info, warn};

use crate::{
    Config,
    checkpoint::Checkpoints,
    descriptors::raise_limit,
    files::{Files, Turn},
    watch::Watch,
};

/// Between two looks at the files that grew just now, or move away.
const POLL_BUSY: Duration = Duration::from_millis(20);
/// Between two looks at all files: this is how late a line is seen where no notification comes.
const POLL_ALL: Duration = Duration::from_millis(250);
/// The same for each file: with thousands of them the looks would cost more than the reading.
const POLL_ALL_A_FILE: Duration = Duration::from_micros(200);
/// Between two scans, whatever asks for them.
const SCAN_PAUSE: Duration = Duration::from_millis(100);
/// How many times as long as the last scan took the pause before the next is.
const SCAN_SHARE: u32 = 10;
/// Between two looks whether receipts were resolved, while back-pressure holds the files.
const POLL_BLOCKED: Duration = Duration::from_millis(5);

/// Follows files, and remembers how far they were delivered.
#[derive(Debug)]
pub struct Tail {
    files: Files,
    checkpoints: Checkpoints,
    watch: Watch,
    scan_interval: Duration,
    /// Something changed that only a scan can tell.
    scan_wanted: bool,
    last_scan: Option<Instant>,
    /// How long the last scan took.
    scan_cost: Duration,
    next_poll: Instant,
    next_poll_of_all: Instant,
    /// Positions could not be saved when it was last tried.
    is_unsaved: bool,
}

impl Tail {
    /// Starts at the checkpoints of the pipeline `name`. No file is opened before the first [`Source::next`].
    ///
    /// # Errors
    /// Fatal: a pattern that is none, a folder of checkpoints that this process may not write or that another one
    /// holds. Transient: a folder of checkpoints that fails otherwise, such as on a full disk.
    pub fn open(config: Config, name: &str, generation: Arc<Generation>) -> Result<Self, Failure> {
        raise_limit();
        let (checkpoints, entries) = Checkpoints::open(&config.checkpoints, name, config.host.as_deref())?;
        let scan_interval = config.scan_interval;
        let files = Files::new(config, entries, generation)?;
        let now = Instant::now();
        Ok(Self {
            files,
            checkpoints,
            watch: Watch::new(),
            scan_interval,
            scan_wanted: true,
            last_scan: None,
            scan_cost: Duration::ZERO,
            next_poll: now,
            next_poll_of_all: now,
            is_unsaved: false,
        })
    }

    /// Scans and polls where it is time to.
    fn look(&mut self) {
        let now = Instant::now();
        self.scan_wanted |= self.watch.take_names();
        let grown = self.watch.take_grown();
        self.files.wake(&grown);
        let all = now >= self.next_poll_of_all;
        let poll = all || now >= self.next_poll || !grown.is_empty();
        if poll {
            self.scan_wanted |= self.files.poll(all);
            let pause = POLL_ALL.max(POLL_ALL_A_FILE * self.files.count());
            self.next_poll_of_all = if all { now + pause } else { self.next_poll_of_all };
            self.next_poll = if self.files.is_busy() { now + POLL_BUSY } else { self.next_poll_of_all };
        }
        let scan = now >= self.next_scan(now);
        if scan {
            self.watch.follow(&self.files.folders());
            self.files.scan();
            (self.scan_wanted, self.last_scan, self.scan_cost) = (false, Some(now), now.elapsed());
        }
        if scan || poll {
            self.files.enlist();
            for (path, is_watched) in self.files.switch_watches() {
                self.watch.set_file(path, is_watched);
            }
        }
    }

    fn save_positions(&mut self) -> Result<(), Failure> {
        if !self.files.knows_all {
            // A document of this moment would say that there is no history.
            return Ok(());
        }
        let entries = self.files.entries();
        self.checkpoints.save(&entries)
    }

    /// Saves, or tries again at the next call. The old document is still good, while a restart would close files that
    /// no path leads to any more, unread.
    fn try_to_save(&mut self) {
        let saved = self.save_positions();
        match &saved {
            Err(failure) if !self.is_unsaved => warn!(%failure, "positions are not saved; trying again"),
            Ok(()) if self.is_unsaved => info!("positions are saved again"),
            _ => {}
        }
        self.is_unsaved = saved.is_err();
    }

    fn next_scan(&self, now: Instant) -> Instant {
        let pause = if self.scan_wanted { SCAN_PAUSE } else { self.scan_interval };
        self.last_scan.map_or(now, |last| last + pause.max(self.scan_cost * SCAN_SHARE))
    }

    /// Waits until there may be something to do.
    async fn wait(&self, blocked: bool) {
        let now = Instant::now();
        let until = if blocked { now + POLL_BLOCKED } else { self.next_poll.min(self.next_scan(now)) };
        let until = self.files.due().map_or(until, |due| until.min(due));
        tokio::select! {
            () = sleep_until(until) => {}
            () = self.watch.changed() => {}
        }
    }
}

impl Source for Tail {
    /// Never ends. Whatever it reads between two waits it returns, so that nothing is lost where it is dropped.
    async fn next(&mut self) -> Result<Option<Batch>, Failure> {
        loop {
            // Reading never waits; others on this thread get their turn all the same.
            consume_budget().await;
            self.look();
            let turn = self.files.turn();
            if self.files.take_new() {
                self.try_to_save();
            }
            match turn {
                Turn::Batch(batch) => return Ok(Some(batch)),
                Turn::Progress => {}
                Turn::Idle => self.wait(false).await,
                Turn::Blocked => self.wait(true).await,
            }
        }
    }

    /// Looks for files, too: while the sink has no room nothing is read, and what is rotated in that time must be
    /// opened before the kubelet compresses or removes it.
    async fn save(&mut self) -> Result<(), Failure> {
        self.look();
        self.try_to_save();
        Ok(())
    }

    /// Saves; files and checkpoints are let go when the source is dropped.
    async fn close(&mut self) -> Result<(), Failure> {
        self.files.tell_rest();
        self.save_positions()
    }
}
