//! A chain with what stands around it in a pipeline.
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use sluice_core::encode::Encoding;
use sluice_core::pipeline::Transform;
use sluice_core::{Batch, DeadLetter, DeadLetters, Failure, Generation, Ledger};
use sluice_wasm::{Chain, Lineup, Plugin};

/// Remembers dead letters, and resolves them as the topic would.
#[derive(Default)]
pub struct Letters(Mutex<Vec<Letter>>);

/// What a dead letter said.
#[derive(Clone, Debug, PartialEq)]
pub struct Letter {
    pub text: String,
    pub reason: String,
    pub detail: String,
}

impl DeadLetters for Letters {
    async fn send(&self, letter: DeadLetter) -> Result<(), Failure> {
        let DeadLetter { bytes, reason, detail, receipt, tally, .. } = letter;
        self.0.lock().unwrap().push(Letter { text: String::from_utf8_lossy(&bytes).into_owned(), reason, detail });
        receipt.dead_lettered(&tally);
        Ok(())
    }
}

pub struct Run {
    pub ledger: Arc<Ledger>,
    pub lineup: Arc<Lineup>,
    pub chain: Chain<Letters>,
    letters: Arc<Letters>,
}

impl Run {
    pub fn new(plugins: Vec<Plugin>) -> Self {
        let ledger = Arc::new(Ledger::default());
        let lineup = Lineup::new(plugins.into_iter().map(Arc::new).collect(), true).unwrap();
        let letters = Arc::new(Letters::default());
        let generation = Generation::new(ledger.clone());
        let chain = Chain::new(&lineup, &generation, Some(letters.clone()), Encoding::default());
        Self { ledger, lineup, chain, letters }
    }

    /// The batch after the plugins, which must not wait.
    pub fn apply(&mut self, batch: Batch) -> Batch {
        match poll(self.chain.apply(batch)) {
            Poll::Ready(applied) => applied.unwrap(),
            Poll::Pending => panic!("the chain waits: {:?}", self.lineup.halted()),
        }
    }

    pub fn letters(&self) -> Vec<Letter> {
        self.letters.0.lock().unwrap().clone()
    }

    /// The batch arrives, and then every record must have left.
    pub fn deliver(&self, batch: Batch) {
        batch.into_parts().receipt.delivered();
        let balance = self.ledger.balance();
        assert!(balance.is_balanced() && balance.returned == 0, "{balance}");
    }
}

/// Drives a future until it waits for something that only others can bring about.
pub fn poll<T>(future: impl Future<Output = T>) -> Poll<T> {
    let (mut future, woken) = (pin!(future), Arc::new(Woken::default()));
    let waker = Waker::from(woken.clone());
    loop {
        let polled = future.as_mut().poll(&mut Context::from_waker(&waker));
        if polled.is_ready() || !woken.0.swap(false, Ordering::Relaxed) {
            return polled;
        }
    }
}

#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}
