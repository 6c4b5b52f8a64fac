//! The sink: fills bulks, sends them when they are full or old, and holds back the source while there is no room.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use sluice_core::{Batch, DeadLetters, Failure, Generation, encode::Encoding, pipeline::Sink};
use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
    time::sleep_until,
};

use crate::{
    Config, Counters,
    bulk::Bulk,
    complaints::Complaints,
    delivery::Delivery,
    draft::{Draft, Writer},
    hosts::{Cluster, Hosts},
    names::Names,
    pending::Pending,
    reasons::Reasons,
    room::Room,
    suspicion::Takers,
};

const COMPONENT: &str = "elasticsearch sink";
/// Offsets in a body are 32 bits; no index takes a request of this size.
const LARGEST_BULK: usize = 1 << 30;

/// Documents to an index of Elasticsearch or OpenSearch, by bulk requests.
///
/// Each document ends once: delivered (the index said so of this document), or dead-lettered (the index, or its
/// form, refused it). Everything else is tried again for ever. Dropping the sink stops its tasks, and what is not
/// resolved is given back.
#[derive(Debug)]
pub struct Elastic<D, C = Hosts> {
    shared: Arc<Shared<D, C>>,
    writer: Writer,
    encoding: Encoding,
    /// Runs from the first batch on, since only then is there a runtime for sure.
    keeps_time: bool,
}

/// What the sink and its tasks share.
#[derive(Debug)]
struct Shared<D, C> {
    draft: Mutex<Draft>,
    room: Arc<Room>,
    /// A permit is a bulk under way, or waiting for its next attempt.
    slots: Arc<Semaphore>,
    /// A draft has got its first document.
    opened: Notify,
    tasks: Mutex<JoinSet<()>>,
    delivery: Delivery<D, C>,
    bytes: usize,
    interval: Duration,
}

impl<D: DeadLetters + Send + Sync + 'static> Elastic<D> {
    /// Checks the config and sets up TLS; sends nothing. Every failure is fatal and names the key to look at.
    pub fn open(config: Config, generation: Arc<Generation>, dead_letters: Arc<D>) -> Result<Self, Failure> {
        let hosts = Hosts::new(&config)?;
        Self::with_cluster(config, generation, dead_letters, hosts)
    }
}

impl<D: DeadLetters + Send + Sync + 'static, C: Cluster> Elastic<D, C> {
    pub(crate) fn with_cluster(
        config: Config,
        generation: Arc<Generation>,
        dead_letters: Arc<D>,
        cluster: C,
    ) -> Result<Self, Failure> {
        let names = Names::new(config.index, config.allowed_indices)
            .map_err(|text| Failure::fatal(COMPONENT, format!("index: {text}")))?;
        let counters = config.counters;
        let room = Room::new(config.max_in_flight.max(1), counters.clone());
        let delivery = Delivery {
            cluster,
            dead_letters,
            reasons: Reasons::new(generation.clone()),
            generation,
            complaints: Complaints::new(counters.clone()),
            takers: Takers::default(),
            counters,
            retry_initial: config.retry_initial,
            retry_max: config.retry_max,
        };
        let shared = Shared {
            draft: Mutex::new(Draft::new(&room)),
            room,
            slots: Arc::new(Semaphore::new(config.concurrency.max(1))),
            opened: Notify::new(),
            tasks: Mutex::default(),
            delivery,
            bytes: config.bytes.clamp(1, LARGEST_BULK),
            interval: config.interval,
        };
        let writer = Writer::new(names, config.include_tag_key.then_some(config.tag_key));
        let (shared, encoding) = (Arc::new(shared), config.encoding);
        Ok(Self { shared, writer, encoding, keeps_time: false })
    }

    /// What this sink counts; the same as in its config.
    pub fn counters(&self) -> &Arc<Counters> {
        &self.shared.delivery.counters
    }

    /// Moves documents into the draft as far as they fit; true if it is full.
    fn fill(&mut self, pending: &mut Pending) -> bool {
        let shared = &self.shared;
        let mut draft = shared.draft();
        let limit = shared.bytes.min(draft.len() + shared.room.left());
        let was_empty = draft.opened().is_none();
        draft.fill(&mut self.writer, pending, limit);
        if was_empty && draft.opened().is_some() {
            shared.opened.notify_one();
        }
        !pending.is_done() || draft.len() >= shared.bytes
    }
}

impl<D: DeadLetters + Send + Sync + 'static, C: Cluster> Sink for Elastic<D, C> {
    async fn send(&mut self, batch: Batch) -> Result<(), Failure> {
        if !std::mem::replace(&mut self.keeps_time, true) {
            self.shared.tasks().spawn(keep_time(self.shared.clone()));
        }
        let mut pending = Pending::new(batch, self.encoding);
        while !pending.is_done() {
            if self.shared.room.left() == 0 {
                self.shared.send_draft().await;
                self.shared.room.available().await;
            }
            if self.fill(&mut pending) {
                self.shared.send_draft().await;
            }
        }
        let delivery = &self.shared.delivery;
        let letters = pending.take_broken(&delivery.reasons);
        delivery.bury(letters).await
    }

    async fn flush(&mut self) -> Result<(), Failure> {
        self.shared.send_draft().await;
        Ok(())
    }
}

impl<D, C> Drop for Elastic<D, C> {
    fn drop(&mut self) {
        self.shared.tasks().abort_all();
        let room = &self.shared.room;
        drop(self.shared.draft().take(room));
    }
}

impl<D, C> Shared<D, C> {
    fn draft(&self) -> MutexGuard<'_, Draft> {
        self.draft.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tasks(&self) -> MutexGuard<'_, JoinSet<()>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn slot(&self) -> Option<OwnedSemaphorePermit> {
        self.slots.clone().acquire_owned().await.ok()
    }
}

impl<D: DeadLetters + Send + Sync + 'static, C: Cluster> Shared<D, C> {
    /// Sends what the draft holds when a slot is free. Until then the draft grows on, so that an index that is slow
    /// gets few large bulks instead of many small ones.
    async fn send_draft(self: &Arc<Self>) {
        let slot = self.slot().await;
        let bulk = self.draft().take(&self.room);
        self.start(bulk, slot);
    }

    fn start(self: &Arc<Self>, bulk: Option<Bulk>, slot: Option<OwnedSemaphorePermit>) {
        let Some(bulk) = bulk else { return };
        let shared = self.clone();
        let mut tasks = self.tasks();
        // Finished ones are let go; one that panicked has given its receipts back, which ends the generation.
        while tasks.try_join_next().is_some() {}
        tasks.spawn(async move {
            shared.delivery.deliver(bulk).await;
            drop(slot);
        });
    }
}

/// Sends a draft that is not full when its first document has waited for the interval.
async fn keep_time<D: DeadLetters + Send + Sync + 'static, C: Cluster>(shared: Arc<Shared<D, C>>) {
    loop {
        let opened = shared.draft().opened();
        let Some(opened) = opened else {
            shared.opened.notified().await;
            continue;
        };
        sleep_until(opened + shared.interval).await;
        let slot = shared.slot().await;
        let mut draft = shared.draft();
        // Another one by now if it was sent meanwhile: that has its own time.
        let bulk = if draft.opened() == Some(opened) { draft.take(&shared.room) } else { None };
        drop(draft);
        shared.start(bulk, slot);
    }
}

#[cfg(test)]
#[path = "sink/tests.rs"]
mod tests;

#[cfg(test)]
#[path = "sink/loopback.rs"]
mod loopback;
