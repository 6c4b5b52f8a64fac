//! One bulk from its first request until every document of it is delivered or dead-lettered.

use std::{sync::Arc, time::Duration};

use sluice_core::{Backoff, DeadLetter, DeadLetters, Failure, Generation};
use tokio::time::sleep;

use crate::{
    Counters,
    bulk::{Bulk, Settled},
    complaints::Complaints,
    hosts::{Cluster, Exchange, Reply},
    reasons::Reasons,
    response::{self, Answer, Refusal},
};

/// What every delivery of a sink needs.
#[derive(Debug)]
pub struct Delivery<D, C> {
    pub cluster: C,
    pub dead_letters: Arc<D>,
    pub generation: Arc<Generation>,
    pub reasons: Reasons,
    pub complaints: Complaints,
    pub counters: Arc<Counters>,
    pub retry_initial: Duration,
    pub retry_max: Duration,
}

/// What an attempt left of a bulk.
enum Attempt {
    Settled,
    /// To be sent again, after a pause unless another host can take it at once.
    Again {
        pause: bool,
    },
    /// The body was too large: to be sent in halves.
    TooLarge,
}

impl<D: DeadLetters + Send + Sync + 'static, C: Cluster> Delivery<D, C> {
    /// Tries for ever. Returns early only when the generation has failed, with the rest given back.
    pub async fn deliver(&self, bulk: Bulk) {
        self.counters.bulks.add(1);
        let mut waiting = vec![bulk];
        while let Some(mut bulk) = waiting.pop() {
            match self.settle(&mut bulk).await {
                Ok(Attempt::TooLarge) => {
                    let (first, second) = bulk.halve();
                    waiting.extend([second, first]);
                }
                Ok(_) => {}
                Err(failure) => return self.generation.fail(failure),
            }
        }
    }

    /// Attempt after attempt, until nothing is left or the bulk must be halved.
    async fn settle(&self, bulk: &mut Bulk) -> Result<Attempt, Failure> {
        let mut backoff = Backoff::new(self.retry_initial, self.retry_max);
        loop {
            match self.attempt(bulk).await? {
                Attempt::Again { pause } => {
                    self.counters.retried.add(bulk.len());
                    if pause {
                        sleep(backoff.next_delay()).await;
                    }
                }
                end => return Ok(end),
            }
        }
    }

    async fn attempt(&self, bulk: &mut Bulk) -> Result<Attempt, Failure> {
        self.counters.requests.add(1);
        self.counters.bytes.add(bulk.body().len());
        let Reply { host, outcome } = self.cluster.bulk(bulk.body()).await;
        let (status, body) = match outcome {
            Exchange::Answered { status, body } => (status, body),
            Exchange::Unreachable { text, elsewhere } => {
                self.counters.failed_requests.add(1);
                self.complaints.say(&host, &text);
                return Ok(Attempt::Again { pause: !elsewhere });
            }
        };
        match response::read(status, &body, bulk.len()) {
            Answer::Items(outcomes) => {
                let settled = bulk.settle(outcomes, &self.reasons);
                match &settled.again {
                    Some(refusal) => self.complaints.say(&host, &refusal.describe()),
                    None => self.complaints.over(&host),
                };
                self.book(settled).await?;
                Ok(if bulk.is_empty() { Attempt::Settled } else { Attempt::Again { pause: true } })
            }
            Answer::TooLarge if bulk.len() > 1 => Ok(Attempt::TooLarge),
            Answer::TooLarge => {
                let letters = bulk.reject(&Refusal::too_large(), &self.reasons);
                self.book(Settled { letters, ..Settled::default() }).await?;
                Ok(Attempt::Settled)
            }
            Answer::Again(text) => {
                self.counters.failed_requests.add(1);
                self.complaints.say(&host, &text);
                Ok(Attempt::Again { pause: true })
            }
        }
    }

    async fn book(&self, settled: Settled) -> Result<(), Failure> {
        self.counters.delivered.add(settled.delivered);
        self.counters.repeated.add(settled.repeated);
        self.bury(settled.letters).await
    }

    /// Waits until all letters are taken. After an error the rest is given back.
    pub async fn bury(&self, letters: Vec<DeadLetter>) -> Result<(), Failure> {
        self.counters.rejected.add(letters.len());
        for letter in letters {
            self.dead_letters.send(letter).await?;
        }
        Ok(())
    }
}
