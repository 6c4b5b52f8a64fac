//! Whatever happens, and in whichever order: every line that nobody destroyed arrives, in its order, and is the same
//! each time; and what was destroyed before it could be read is in the books.

#![allow(clippy::unwrap_used, reason = "a test that fails says where")]

mod fixture;
#[path = "model/sink.rs"]
mod sink;
#[path = "model/steps.rs"]
mod steps;
#[path = "model/writer.rs"]
mod writer;

use std::time::Duration;

use fixture::{Node, read_batches};
use proptest::prelude::*;
use sink::Sink;
use sluice_core::pipeline::Source;
use sluice_tail::Tail;
use steps::{Step, steps};
use tokio::time::{advance, timeout};
use writer::Writer;

const SECOND: Duration = Duration::from_secs(1);

/// A node with two containers, an agent, and what is known of all that was written.
struct Model {
    node: Node,
    writers: Vec<Writer>,
    sink: Sink,
    /// The agent was stopped or killed once.
    restarted: bool,
    /// Something was destroyed that the agent had not looked at.
    unseen: bool,
}

impl Model {
    fn new(docker: bool) -> Self {
        let mut node = Node::new();
        // Texts that are open for long are sealed by and by, which has tests of its own.
        node.config.join_timeout = Duration::from_secs(3600);
        let writers = ["app", "web"].map(|name| Writer::new(node.container(name), docker)).into();
        Self { node, writers, sink: Sink::default(), restarted: false, unseen: false }
    }

    async fn step(&mut self, number: usize, step: Step, tail: Tail) -> Tail {
        let mut tail = tail;
        match step {
            Step::Write { of, stream, partial, torn } => self.writers[of].write(number, stream, partial, torn),
            Step::Rotate { of } => self.writers[of].rotate(),
            Step::CopyTruncate { of } => self.writers[of].copy_truncate(),
            Step::Compress { of } => self.writers[of].compress(),
            Step::Expire { of, looked } => {
                self.look_if(looked, &mut tail).await;
                self.writers[of].expire(looked);
            }
            Step::Truncate { of, looked } => {
                self.writers[of].finish_line();
                self.look_if(looked, &mut tail).await;
                self.writers[of].truncate();
            }
            Step::Delete { of, looked } => {
                self.look_if(looked, &mut tail).await;
                self.writers[of].delete(looked);
            }
            Step::Read => read_one(&mut tail, &mut self.sink).await,
            Step::Deliver(index) => self.sink.deliver(index),
            Step::DeliverSome(index) => self.sink.deliver_some(index),
            Step::Save => tail.save().await.unwrap(),
            Step::Block { seconds } => {
                for _ in 0..seconds {
                    look(&mut tail).await;
                }
            }
            Step::Stop => {
                self.sink.deliver_all();
                tail.close().await.unwrap();
                tail = self.restart(tail);
            }
            Step::Kill => tail = self.restart(tail),
        }
        tail
    }

    async fn look_if(&mut self, looked: bool, tail: &mut Tail) {
        self.unseen |= !looked;
        if looked {
            look(tail).await;
        }
    }

    /// All that is not saved is forgotten.
    fn restart(&mut self, tail: Tail) -> Tail {
        drop(tail);
        self.restarted = true;
        self.sink.waiting.clear();
        self.writers.iter_mut().for_each(Writer::agent_ended);
        self.node.tail()
    }

    async fn run(mut self, steps: Vec<Step>) -> Result<(), TestCaseError> {
        let mut tail = self.node.tail();
        // The first look: what comes now is no history.
        read_one(&mut tail, &mut self.sink).await;
        let count = steps.len();
        for (number, step) in steps.into_iter().enumerate() {
            tail = self.step(number, step, tail).await;
        }
        for (index, writer) in self.writers.iter_mut().enumerate() {
            writer.end(count + 2 * index);
        }
        if self.restarted {
            tail = self.restart(tail);
        }
        self.sink.deliver_all();
        for batch in read_batches(&mut tail, 90 * SECOND).await {
            self.sink.take(batch);
            self.sink.deliver_all();
        }
        self.check()?;
        self.check_end(tail).await
    }

    fn check(&self) -> Result<(), TestCaseError> {
        let (mut lost, mut destroyed) = (0, 0);
        for writer in &self.writers {
            lost += writer.check(&self.sink)?;
            destroyed += writer.destroyed_bytes();
        }
        for text in self.sink.ids.keys() {
            prop_assert!(self.writers.iter().any(|writer| writer.wrote(text)), "nobody wrote {text:?}");
        }
        let expired = self.node.expired();
        prop_assert!(expired <= destroyed, "{expired} expired, {destroyed} destroyed");
        if !self.restarted && !self.unseen {
            prop_assert_eq!(expired, lost, "the books do not count what was lost");
        }
        Ok(())
    }

    /// Once all is delivered and saved, nothing is read again.
    async fn check_end(&self, mut tail: Tail) -> Result<(), TestCaseError> {
        tail.close().await.unwrap();
        drop(tail);
        let again = fixture::read(&mut self.node.tail()).await;
        // A copy that was not known for one may be found now.
        let is_again = |text: &str| sink::numbers(text).iter().all(|part| self.sink.arrived.contains_key(part));
        prop_assert!(!again.iter().any(|seen| is_again(&seen.text)), "{:?} again", again);
        Ok(())
    }
}

async fn read_one(tail: &mut Tail, sink: &mut Sink) {
    if let Ok(batch) = timeout(Duration::from_millis(700), tail.next()).await {
        sink.take(batch.unwrap().unwrap());
    }
}

/// What an agent does whose sink has no room: it looks after its files, and reads nothing.
async fn look(tail: &mut Tail) {
    advance(SECOND).await;
    tail.save().await.unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 1000, failure_persistence: None, ..ProptestConfig::with_cases(cases()) })]

    #[test]
    fn every_line_arrives(steps in steps(), docker: bool) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(Model::new(docker).run(steps))?;
    }
}

/// More of them by the environment.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(200)
}
