//! One message after the other, each until the webhook took it or it is clear that it never will.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use sluice_core::{Backoff, DeadLetters, Failure, Generation};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep_until},
};

use crate::{
    Config, Counters,
    complaints::Complaints,
    counters::Queued,
    exit::Exit,
    share::{Cause, Ending, Share},
    verdict::{self, Verdict},
    webhook::Endpoint,
};

/// A message that waits for its turn.
#[derive(Debug)]
pub struct Post {
    pub body: Bytes,
    /// The record that it is about. None for a summary, and for an alert about no record in particular.
    pub share: Option<Arc<Share>>,
    pub is_summary: bool,
    pub queued: Queued,
}

/// What the queue holds.
#[derive(Debug)]
pub enum Order {
    Post(Post),
    /// Answered when everything before it is done.
    Mark(oneshot::Sender<()>),
}

/// What posting needs.
#[derive(Debug)]
pub struct Delivery<D, E> {
    endpoint: E,
    exit: Arc<Exit<D>>,
    generation: Arc<Generation>,
    complaints: Complaints,
    counters: Arc<Counters>,
    /// Goes on from message to message while the webhook is in trouble.
    backoff: Backoff,
    give_up_after: Option<Duration>,
    now: fn() -> u64,
    /// Nothing is posted before this, whichever message it is.
    not_before: Instant,
}

impl<D: DeadLetters, E: Endpoint> Delivery<D, E> {
    pub fn new(config: &Config, generation: Arc<Generation>, exit: Arc<Exit<D>>, endpoint: E) -> Self {
        let counters = config.counters.clone();
        Self {
            endpoint,
            exit,
            generation,
            complaints: Complaints::new(counters.clone()),
            counters,
            backoff: Backoff::new(config.retry_initial, config.retry_max),
            give_up_after: config.give_up_after,
            now: config.now,
            not_before: Instant::now(),
        }
    }

    /// Posts in order until the sink is gone.
    pub async fn run(mut self, mut queue: mpsc::Receiver<Order>) {
        while let Some(order) = queue.recv().await {
            match order {
                Order::Post(post) => {
                    if let Err(failure) = self.deliver(post).await {
                        return self.generation.fail(failure);
                    }
                }
                // Whoever asked may have stopped waiting.
                Order::Mark(done) => drop(done.send(())),
            }
        }
    }

    /// An error is that of the dead letters.
    async fn deliver(&mut self, post: Post) -> Result<(), Failure> {
        let Post { body, share, is_summary, queued } = post;
        let ending = self.settle(body, is_summary, share.is_some()).await;
        drop(queued);
        match share {
            Some(share) => self.exit.end(&share, ending).await,
            None => Ok(()),
        }
    }

    /// Attempt after attempt, until the message has an end.
    async fn settle(&mut self, body: Bytes, is_summary: bool, has_record: bool) -> Ending {
        sleep_until(self.not_before).await;
        let mut give_up_at = self.give_up_after.map(|limit| Instant::now() + limit);
        loop {
            match verdict::judge(self.endpoint.post(body.clone()).await, (self.now)()) {
                Verdict::Taken => {
                    self.backoff.reset();
                    self.complaints.over();
                    self.counters.took(is_summary);
                    return Ending::Posted;
                }
                Verdict::Refused { why, cause } => {
                    self.backoff.reset();
                    self.counters.was_refused();
                    self.complaints.lost(&why, self.way_out(has_record));
                    return Ending::Refused(cause);
                }
                Verdict::Closed { why } => {
                    self.complaints.say(&why);
                    self.not_before = Instant::now() + self.backoff.next_delay();
                    // The time that a person takes does not count.
                    give_up_at = self.give_up_after.map(|limit| self.not_before + limit);
                }
                Verdict::Later { why, cause, pause } => {
                    self.complaints.say(&why);
                    self.postpone(pause, give_up_at);
                    if let Some(at) = give_up_at
                        && self.not_before.max(Instant::now()) > at
                    {
                        return self.give_up(cause, &why, has_record);
                    }
                }
            }
            self.counters.retried();
            sleep_until(self.not_before).await;
        }
    }

    /// Sets the time of the next attempt. A pause that the webhook asked for is kept, whatever follows; a backoff of our
    /// own ends at `give_up_at` for a last attempt.
    fn postpone(&mut self, pause: Option<Duration>, give_up_at: Option<Instant>) {
        let now = Instant::now();
        let Some(pause) = pause else {
            let next = now + self.backoff.next_delay();
            self.not_before = give_up_at.filter(|at| now < *at).map_or(next, |at| next.min(at));
            return;
        };
        self.not_before = now + pause;
        self.counters.suppress_until((self.now)().saturating_add(pause.as_nanos() as u64));
    }

    fn give_up(&mut self, cause: Cause, why: &str, has_record: bool) -> Ending {
        self.counters.was_given_up();
        self.complaints.lost(&format!("{why}, and a message is given up (give_up_after)"), self.way_out(has_record));
        Ending::GaveUp(cause)
    }

    fn way_out(&self, has_record: bool) -> &'static str {
        match (has_record, self.exit.has_dead_letters()) {
            (true, true) => "its record goes to the dead letters",
            (true, false) => "its record is dropped",
            (false, _) => "it was about no record, and is gone",
        }
    }
}
