//! One bulk from its first request until every document of it is delivered or dead-lettered.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use sluice_core::{Backoff, DeadLetter, DeadLetters, Failure, Generation};
use tokio::time::sleep;

use crate::{
    Counters,
    bulk::{Bulk, Settled},
    complaints::Complaints,
    hosts::{Cluster, Exchange, Reply},
    reasons::Reasons,
    response::{self, Answer, Refusal},
    suspicion::{Suspicion, Takers},
};

/// Requests that are refused whole, one after another, before there is a pause between them: enough to find one document
/// among a million by halving.
const FUTILE: u32 = 20;

/// What every delivery of a sink needs.
#[derive(Debug)]
pub struct Delivery<D, C> {
    pub cluster: C,
    pub dead_letters: Arc<D>,
    pub generation: Arc<Generation>,
    pub reasons: Reasons,
    pub complaints: Complaints,
    pub takers: Takers,
    pub counters: Arc<Counters>,
    pub retry_initial: Duration,
    pub retry_max: Duration,
}

/// A bulk, or what is left of one after halving.
struct Part {
    bulk: Bulk,
    /// A request with these documents was refused whole, for what is in it.
    suspicion: Option<Suspicion>,
    /// It has let the other parts go first.
    was_deferred: bool,
}

/// What an attempt left of a part.
enum Attempt {
    Settled,
    /// To be sent again, after a pause unless another host can take it at once.
    Again {
        pause: bool,
    },
    /// To be sent in halves: too large, or refused for one of its documents.
    Halve,
    /// To be sent again when the other parts were.
    Later,
}

impl<D: DeadLetters + Send + Sync + 'static, C: Cluster> Delivery<D, C> {
    /// Tries for ever. Returns early only when the generation has failed, with the rest given back.
    pub async fn deliver(&self, bulk: Bulk) {
        self.counters.bulks.add(1);
        let mut waiting = VecDeque::from([Part { bulk, suspicion: None, was_deferred: false }]);
        let mut futile = 0;
        while let Some(mut part) = waiting.pop_front() {
            match self.settle(&mut part, &mut futile).await {
                Ok(Attempt::Halve) => {
                    let (first, second) = part.bulk.halve();
                    for bulk in [second, first] {
                        waiting.push_front(Part { bulk, suspicion: part.suspicion.clone(), was_deferred: false });
                    }
                }
                Ok(Attempt::Later) => waiting.push_back(part),
                Ok(_) => {}
                Err(failure) => return self.generation.fail(failure),
            }
        }
    }

    /// Attempt after attempt, until nothing is left or the part has to be halved or to wait. `futile` counts the requests
    /// of this bulk that were refused whole since one was taken.
    async fn settle(&self, part: &mut Part, futile: &mut u32) -> Result<Attempt, Failure> {
        let mut backoff = Backoff::new(self.retry_initial, self.retry_max);
        loop {
            match self.attempt(part, futile).await? {
                Attempt::Again { pause } => {
                    self.counters.retried.add(part.bulk.len());
                    if pause {
                        sleep(backoff.next_delay()).await;
                    }
                }
                end => {
                    if *futile > FUTILE {
                        sleep(self.retry_max).await;
                    }
                    return Ok(end);
                }
            }
        }
    }

    async fn attempt(&self, part: &mut Part, futile: &mut u32) -> Result<Attempt, Failure> {
        let bulk = &mut part.bulk;
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
                *futile = 0;
                self.takers.took(&host);
                let settled = bulk.settle(outcomes, &self.reasons);
                match &settled.again {
                    Some(refusal) => self.complaints.say(&host, &refusal.describe()),
                    None => self.complaints.over(&host),
                };
                self.book(settled).await?;
                Ok(if bulk.is_empty() { Attempt::Settled } else { Attempt::Again { pause: true } })
            }
            Answer::TooLarge if bulk.len() > 1 => Ok(Attempt::Halve),
            Answer::TooLarge => self.reject(bulk, &Refusal::too_large()).await,
            Answer::Refused(refusal) => {
                *futile += 1;
                self.counters.failed_requests.add(1);
                self.refused(part, &host, &refusal).await
            }
            Answer::Again(text) => {
                self.counters.failed_requests.add(1);
                self.complaints.say(&host, &text);
                Ok(Attempt::Again { pause: true })
            }
        }
    }

    /// A request that was refused whole for what is in it, as its error says: the document at fault is looked for.
    async fn refused(&self, part: &mut Part, host: &Arc<str>, refusal: &Refusal) -> Result<Attempt, Failure> {
        let suspicion = part.suspicion.get_or_insert_with(|| self.takers.suspect());
        if part.bulk.len() > 1 {
            return Ok(Attempt::Halve);
        }
        if self.takers.confirms(suspicion, host) {
            return self.reject(&mut part.bulk, refusal).await;
        }
        if !std::mem::replace(&mut part.was_deferred, true) {
            return Ok(Attempt::Later);
        }
        self.complaints.say(host, &refusal.describe_whole());
        Ok(Attempt::Again { pause: true })
    }

    async fn reject(&self, bulk: &mut Bulk, refusal: &Refusal) -> Result<Attempt, Failure> {
        let letters = bulk.reject(refusal, &self.reasons);
        self.book(Settled { letters, ..Settled::default() }).await?;
        Ok(Attempt::Settled)
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
