//! The threads that harm and heal, one a lane.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock};
use std::thread::{self, Scope, ScopedJoinHandle};
use std::time::Duration;

use anyhow::Result;
use sluice_servers::{Cluster, Elasticsearch, Fault, FaultProxy, Rule, When};

use crate::config::Files;
use crate::diary::Diary;
use crate::disk::Disk;
use crate::member::Member;
use crate::schedule::{Harm, Lane, Part, Planned};

/// Between two looks at a process.
const TICK: Duration = Duration::from_millis(100);

/// What can be harmed.
pub trait Target {
    fn harm(&mut self, part: Part, harm: Harm, diary: &Diary) -> Result<()>;

    /// Undoes it; returns when the part works by its own word.
    fn heal(&mut self, part: Part, harm: Harm) -> Result<()>;

    /// Called often while nothing is harmed.
    fn tend(&mut self, _diary: &Diary) -> Result<()> {
        Ok(())
    }
}

/// Whether the threads go on.
#[derive(Default)]
pub struct Order {
    /// Everything has arrived.
    done: AtomicBool,
    /// One of them failed.
    failed: AtomicBool,
}

impl Order {
    pub fn end(&self) {
        self.done.store(true, Ordering::Relaxed);
    }

    pub fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }

    fn goes_on(&self) -> bool {
        !self.done.load(Ordering::Relaxed) && !self.has_failed()
    }
}

/// The threads of a run.
pub struct Crew<'scope, 'env> {
    pub scope: &'scope Scope<'scope, 'env>,
    pub plan: &'env [Planned],
    pub diary: &'env Diary,
    pub order: &'env Order,
    pub threads: Vec<ScopedJoinHandle<'scope, Result<()>>>,
}

impl<'scope, 'env> Crew<'scope, 'env> {
    /// Begins to do to the target what the plan says about the lane, and to tend it when that is done.
    pub fn send<T: Target + Send>(&mut self, lane: Lane, target: &'env mut T) {
        let faults: Vec<Planned> = self.plan.iter().filter(|fault| fault.part.lane() == lane).copied().collect();
        let (diary, order) = (self.diary, self.order);
        self.threads.push(self.scope.spawn(move || {
            let result = follow(target, &faults, diary, order);
            if result.is_err() {
                order.failed.store(true, Ordering::Relaxed);
            }
            result
        }));
    }
}

fn follow<T: Target>(target: &mut T, faults: &[Planned], diary: &Diary, order: &Order) -> Result<()> {
    for fault in faults {
        while diary.now() < fault.at && order.goes_on() {
            target.tend(diary)?;
            thread::sleep(TICK.min(fault.at.saturating_sub(diary.now())));
        }
        if !order.goes_on() {
            return Ok(());
        }
        let entry = diary.began(fault.part, fault.harm);
        target.harm(fault.part, fault.harm, diary)?;
        let until = diary.now() + fault.lasts;
        while diary.now() < until && order.goes_on() {
            thread::sleep(TICK.min(until.saturating_sub(diary.now())));
        }
        target.heal(fault.part, fault.harm)?;
        diary.ended(entry);
    }
    while order.goes_on() {
        target.tend(diary)?;
        thread::sleep(TICK);
    }
    Ok(())
}

impl Target for Member {
    fn harm(&mut self, _: Part, harm: Harm, diary: &Diary) -> Result<()> {
        match harm {
            Harm::Kill => self.kill(),
            Harm::Terminate => self.terminate(diary),
            _ => self.pause(),
        }
    }

    fn heal(&mut self, _: Part, harm: Harm) -> Result<()> {
        match harm {
            Harm::Kill | Harm::Terminate => self.start(),
            _ => self.resume(),
        }
    }

    fn tend(&mut self, diary: &Diary) -> Result<()> {
        Self::tend(self, diary)
    }
}

impl Target for Cluster {
    fn harm(&mut self, part: Part, harm: Harm, _: &Diary) -> Result<()> {
        brokers(self, part).into_iter().try_for_each(|broker| match harm {
            Harm::Kill => self.kill(broker),
            Harm::Terminate => self.stop(broker),
            _ => self.pause(broker),
        })
    }

    fn heal(&mut self, part: Part, harm: Harm) -> Result<()> {
        let brokers = brokers(self, part);
        match harm {
            Harm::Kill | Harm::Terminate => self.start_again(&brokers),
            _ => brokers.into_iter().try_for_each(|broker| self.resume(broker)),
        }
    }
}

fn brokers(cluster: &Cluster, part: Part) -> Vec<usize> {
    match part {
        Part::Broker(broker) => vec![broker],
        Part::BrokersBut(other) => (0..cluster.size()).filter(|broker| *broker != other).collect(),
        _ => Vec::new(),
    }
}

/// The index's node, which others look at meanwhile.
pub struct Node<'a>(pub &'a RwLock<Elasticsearch>);

impl Target for Node<'_> {
    fn harm(&mut self, _: Part, harm: Harm, _: &Diary) -> Result<()> {
        match harm {
            Harm::Kill => self.0.write().unwrap_or_else(PoisonError::into_inner).kill(),
            Harm::Terminate => self.0.write().unwrap_or_else(PoisonError::into_inner).stop(),
            _ => self.0.read().unwrap_or_else(PoisonError::into_inner).pause(),
        }
    }

    fn heal(&mut self, _: Part, harm: Harm) -> Result<()> {
        match harm {
            Harm::Kill | Harm::Terminate => self.0.write().unwrap_or_else(PoisonError::into_inner).restart(),
            _ => self.0.read().unwrap_or_else(PoisonError::into_inner).resume(),
        }
    }
}

impl Target for FaultProxy {
    fn harm(&mut self, _: Part, harm: Harm, _: &Diary) -> Result<()> {
        let rule = |fault, share| Rule { fault, when: When::Share(share) };
        self.set_rules(match harm {
            Harm::TooMany => vec![rule(Fault::Status(429), 1.0)],
            Harm::SomeTooMany => vec![rule(Fault::Items { share: 0.33, status: 429 }, 1.0)],
            Harm::CutAnswers => vec![
                rule(Fault::CutAnswer, 0.3),
                rule(Fault::TruncatedAnswer, 0.3),
                rule(Fault::CutRequest, 0.3),
                rule(Fault::MissingItem, 0.3),
            ],
            _ => vec![rule(Fault::Silence { sent_on: true }, 0.5), rule(Fault::Silence { sent_on: false }, 1.0)],
        });
        Ok(())
    }

    fn heal(&mut self, _: Part, _: Harm) -> Result<()> {
        Self::heal(self);
        Ok(())
    }
}

impl Target for Files {
    fn harm(&mut self, _: Part, harm: Harm, _: &Diary) -> Result<()> {
        Self::harm(self, harm)
    }

    fn heal(&mut self, _: Part, _: Harm) -> Result<()> {
        Self::heal(self)
    }
}

/// Where there is no such disk, nothing happens to it; the run says so at its start.
impl Target for Option<Disk> {
    fn harm(&mut self, _: Part, _: Harm, _: &Diary) -> Result<()> {
        self.as_ref().map_or(Ok(()), Disk::fill)
    }

    fn heal(&mut self, _: Part, _: Harm) -> Result<()> {
        self.as_ref().map_or(Ok(()), Disk::free)
    }
}
