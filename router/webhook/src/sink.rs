//! The sink: sorts a batch's records by their alerts, and holds back the source while the queue is full.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use sluice_core::{Alert, Batch, DeadLetters, Failure, Generation, pipeline::Sink};
use tokio::{
    sync::{Notify, mpsc, oneshot},
    task::JoinSet,
    time::{Instant, sleep_until, timeout},
};
use tracing::warn;

use crate::{
    COMPONENT, Config, Counters,
    counters::Queued,
    delivery::{Delivery, Order, Post},
    exit::Exit,
    groups::{Groups, Summary},
    message,
    share::{Ending, Share},
    webhook::{Endpoint, Webhook},
};

/// How long a stop waits for the numbers of repeats to be posted. They hold no receipt: nothing but this waits for them.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// Alerts to a Slack webhook.
///
/// Each record ends once: delivered (an alert about it was posted), dropped (it raised none, only repeats, or is too
/// old), or dead-lettered (the webhook refused the message for good, or it was given up). Dropping the sink stops its
/// tasks, and what is not resolved is given back.
#[derive(Debug)]
pub struct Slack<D, E = Webhook> {
    shared: Arc<Shared>,
    exit: Arc<Exit<D>>,
    max_age: Option<Duration>,
    now: fn() -> u64,
    /// Runs from the first batch on, since only then is there a runtime for sure.
    waiting: Option<(Delivery<D, E>, mpsc::Receiver<Order>)>,
    tasks: JoinSet<()>,
}

/// What the sink and its tasks share.
#[derive(Debug)]
struct Shared {
    groups: Mutex<Groups>,
    /// A window has been opened.
    opened: Notify,
    queue: mpsc::Sender<Order>,
    counters: Arc<Counters>,
}

/// The records of a batch that alerts were raised about, by index; `None` for one that is too old.
type Shares = HashMap<u32, Option<Arc<Share>>>;

impl<D: DeadLetters + Send + Sync + 'static> Slack<D> {
    /// Checks the certificates and sets up TLS; sends nothing. Every failure is fatal and names the key to look at.
    pub fn open(config: Config, generation: Arc<Generation>, dead_letters: Option<Arc<D>>) -> Result<Self, Failure> {
        let webhook = Webhook::new(&config)?;
        Ok(Self::with_endpoint(config, generation, dead_letters, webhook))
    }
}

impl<D: DeadLetters + Send + Sync + 'static, E: Endpoint> Slack<D, E> {
    pub(crate) fn with_endpoint(
        config: Config,
        generation: Arc<Generation>,
        dead_letters: Option<Arc<D>>,
        endpoint: E,
    ) -> Self {
        let (queue, orders) = mpsc::channel(config.queue.max(1));
        let exit = Arc::new(Exit::new(generation.ledger().clone(), dead_letters));
        let delivery = Delivery::new(&config, generation, exit.clone(), endpoint);
        let Config { window, max_age, counters, now, .. } = config;
        let shared = Shared { groups: Mutex::new(Groups::new(window)), opened: Notify::new(), queue, counters };
        let waiting = Some((delivery, orders));
        Self { shared: Arc::new(shared), exit, max_age, now, waiting, tasks: JoinSet::new() }
    }

    /// What this sink counts; the same as in its config.
    pub fn counters(&self) -> &Arc<Counters> {
        &self.shared.counters
    }

    fn start(&mut self) {
        if let Some((delivery, orders)) = self.waiting.take() {
            self.tasks.spawn(delivery.run(orders));
            self.tasks.spawn(keep_windows(self.shared.clone()));
        }
    }

    /// Resolves what raised no alert or is too old, and hands out a share of the receipt for each record that is left.
    fn share_out(&self, batch: &mut Batch) -> Shares {
        let mut receipt = batch.take_receipt();
        let mut alerts: HashMap<u32, u32> = HashMap::new();
        for item in batch.alerts().iter().filter_map(|alert| alert.item) {
            *alerts.entry(item).or_default() += 1;
        }
        let now = (self.now)();
        let mut shares = Shares::new();
        for (item, count) in alerts {
            // Whoever loads notifiers has checked that there is such a record; without one it is about none.
            let Some(record) = batch.records().get(item as usize) else { continue };
            let one = receipt.split(1);
            // The time of a record without one of its own is Kafka's, which is never earlier than the log line.
            let is_old = self.max_age.is_some_and(|age| u128::from(now.saturating_sub(record.time)) > age.as_nanos());
            let share = if is_old {
                self.exit.too_old(one);
                None
            } else {
                Some(Share::new(one, count))
            };
            shares.insert(item, share);
        }
        let silent = receipt.count();
        self.exit.silent(&mut receipt, silent);
        shares
    }

    /// Posts the first alert of a group, and counts the others.
    async fn raise(&self, batch: &Batch, alert: &Alert, share: Option<Arc<Share>>) -> Result<(), Failure> {
        if self.shared.is_repeat(alert).await? {
            self.shared.counters.repeated();
            return match share {
                Some(share) => self.exit.end(&share, Ending::Repeated).await,
                None => Ok(()),
            };
        }
        if let (Some(share), Some(item)) = (&share, alert.item) {
            self.exit.keep(share, batch, item);
        }
        let post = self.shared.post(message::body(alert, None), share);
        let room = self.shared.queue.reserve().await.map_err(|_| stopped())?;
        // The window opens when the message has its place, not while it waits for one.
        let closed = self.shared.groups().open(Arc::new(alert.clone()), Instant::now());
        room.send(Order::Post(post));
        self.shared.opened.notify_one();
        for summary in closed {
            self.shared.tell(summary).await?;
        }
        Ok(())
    }
}

impl<D: DeadLetters + Send + Sync + 'static, E: Endpoint> Sink for Slack<D, E> {
    async fn send(&mut self, mut batch: Batch) -> Result<(), Failure> {
        self.start();
        let shares = self.share_out(&mut batch);
        for alert in batch.alerts() {
            let share = match alert.item.and_then(|item| shares.get(&item)) {
                None => None,
                Some(Some(share)) => Some(share.clone()),
                Some(None) => {
                    self.shared.counters.was_too_old();
                    continue;
                }
            };
            self.raise(&batch, alert, share).await?;
        }
        Ok(())
    }

    /// Tells the repeats of all open windows. A webhook that does not take them holds up the stop for a few seconds at
    /// most.
    async fn flush(&mut self) -> Result<(), Failure> {
        self.start();
        let shared = &self.shared;
        let told = async {
            loop {
                let closed = shared.groups().close_any(Instant::now());
                let Some(summary) = closed else { break };
                shared.tell(summary).await?;
            }
            let (mark, done) = oneshot::channel();
            shared.queue.send(Order::Mark(mark)).await.map_err(|_| stopped())?;
            done.await.map_err(|_| stopped())
        };
        timeout(LAST_WORDS, told).await.unwrap_or_else(|_| {
            warn!(
                "{COMPONENT}: not all messages were posted within {LAST_WORDS:?} of a stop; some repeats are not told"
            );
            Ok(())
        })
    }
}

impl Shared {
    fn groups(&self) -> MutexGuard<'_, Groups> {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn post(&self, body: Vec<u8>, share: Option<Arc<Share>>) -> Post {
        Post { body: body.into(), share, is_summary: false, queued: Queued::new(&self.counters) }
    }

    /// Counts the alert if its group's window is open. Windows that ended are told first, so that the number of a
    /// window comes before the first alert of the next.
    async fn is_repeat(&self, alert: &Alert) -> Result<bool, Failure> {
        loop {
            let ended = {
                let mut groups = self.groups();
                match groups.close_ended(Instant::now()) {
                    Some(ended) => ended,
                    None => return Ok(groups.count(alert)),
                }
            };
            self.tell(ended).await?;
        }
    }

    /// Queues the message about a closed window.
    async fn tell(&self, summary: Summary) -> Result<(), Failure> {
        let body = message::body(&summary.first, Some(summary.repeats));
        let post = Post { is_summary: true, ..self.post(body, None) };
        self.queue.send(Order::Post(post)).await.map_err(|_| stopped())
    }
}

/// Closes windows when they end.
async fn keep_windows(shared: Arc<Shared>) {
    loop {
        let end = shared.groups().next_end();
        let Some(end) = end else {
            shared.opened.notified().await;
            continue;
        };
        sleep_until(end).await;
        let ended = shared.groups().close_ended(Instant::now());
        if let Some(summary) = ended
            && shared.tell(summary).await.is_err()
        {
            return;
        }
    }
}

fn stopped() -> Failure {
    Failure::transient(COMPONENT, "the task that posts has ended")
}

#[cfg(test)]
#[path = "sink/tests.rs"]
mod tests;

#[cfg(test)]
#[path = "sink/loopback.rs"]
mod loopback;
