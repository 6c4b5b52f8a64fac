//! A part of a pipeline that panics: what was under way is given back on the way out, and the next start reads it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod numbers;

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use sluice_core::{
    Batch, Failure, Ledger, Receipt, Watermark,
    pipeline::{End, Pipeline, Sink, Source, Transform},
    shutdown,
    supervisor::{Status, supervise},
};

use numbers::batch;

const RECORDS: u64 = 95;
const READ_EVERY: Duration = Duration::from_millis(2);
/// Longer: a save begins the wait for the next batch anew.
const SAVE_EVERY: Duration = Duration::from_millis(3);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Reading,
    Saving,
    Applying,
    Sending,
}

/// What outlives a process: the saved position and what has arrived; and which part still has to panic.
struct World {
    saved: Cell<u64>,
    arrived: RefCell<Vec<u64>>,
    ledger: Arc<Ledger>,
    panics: Cell<Option<Part>>,
}

impl World {
    /// Panics once in this part, half way through.
    fn pass(&self, part: Part, position: u64) {
        if self.panics.get() == Some(part) && position >= RECORDS / 2 {
            self.panics.set(None);
            panic!("{part:?} at {position}");
        }
    }

    /// One process, which takes a panic as its pipeline's thread does.
    fn run(self: &Rc<Self>) -> std::thread::Result<Result<End, Failure>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let (_trigger, shutdown) = shutdown::channel();
        let status = Status::default();
        let pipeline = supervise("panics", &self.ledger, &shutdown, &status, |generation| {
            let next = self.saved.get();
            let numbers = Numbers { world: self.clone(), watermark: Watermark::new(generation.clone(), next), next };
            let sink = Late { world: self.clone(), unanswered: VecDeque::new() };
            let mut pipeline = Pipeline { source: numbers, transform: Pass(self.clone()), sink };
            let shutdown = &shutdown;
            async move { pipeline.run(&generation, shutdown, SAVE_EVERY).await }
        });
        catch_unwind(AssertUnwindSafe(|| runtime.block_on(pipeline)))
    }
}

struct Numbers {
    world: Rc<World>,
    watermark: Watermark<u64>,
    next: u64,
}

impl Source for Numbers {
    async fn next(&mut self) -> Result<Option<Batch>, Failure> {
        // Positions are saved between batches.
        tokio::time::sleep(READ_EVERY).await;
        if self.next == RECORDS {
            return Ok(None);
        }
        let end = RECORDS.min(self.next + 10);
        let receipt = self.watermark.open((end - self.next) as u32, end);
        let batch = batch(self.next..end, receipt);
        self.next = end;
        self.world.pass(Part::Reading, end);
        Ok(Some(batch))
    }

    async fn save(&mut self) -> Result<(), Failure> {
        self.world.pass(Part::Saving, self.next);
        self.world.saved.set(self.watermark.position());
        Ok(())
    }

    async fn close(&mut self) -> Result<(), Failure> {
        self.save().await
    }
}

struct Pass(Rc<World>);

impl Transform for Pass {
    async fn apply(&mut self, batch: Batch) -> Result<Batch, Failure> {
        self.0.pass(Part::Applying, batch.records()[0].position);
        Ok(batch)
    }

    fn tick(&mut self) -> Result<Option<Batch>, Failure> {
        Ok(None)
    }
}

/// Answers for a batch when two more have come: some are always under way.
struct Late {
    world: Rc<World>,
    unanswered: VecDeque<(Vec<u64>, Receipt)>,
}

impl Late {
    fn answer(&mut self) {
        let Some((positions, receipt)) = self.unanswered.pop_front() else { return };
        self.world.arrived.borrow_mut().extend(positions);
        receipt.delivered();
    }
}

impl Sink for Late {
    async fn send(&mut self, batch: Batch) -> Result<(), Failure> {
        let positions: Vec<u64> = batch.records().iter().map(|record| record.position).collect();
        self.world.pass(Part::Sending, positions[0]);
        self.unanswered.push_back((positions, batch.into_parts().receipt));
        if self.unanswered.len() > 2 {
            self.answer();
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), Failure> {
        while !self.unanswered.is_empty() {
            self.answer();
        }
        Ok(())
    }
}

/// It is not tried again in the same process, no position passes what had not arrived, and the books say what was given
/// back; the next process begins there, and nothing is missing.
#[test]
fn a_panic_loses_nothing() {
    for part in [Part::Reading, Part::Saving, Part::Applying, Part::Sending] {
        let world = Rc::new(World {
            saved: Cell::default(),
            arrived: RefCell::default(),
            ledger: Arc::default(),
            panics: Cell::new(Some(part)),
        });
        assert!(world.run().is_err(), "{part:?}: no panic");
        let (saved, arrived) = (world.saved.get(), world.arrived.borrow().clone());
        assert_eq!(arrived, (0..arrived.len() as u64).collect::<Vec<_>>(), "{part:?}");
        assert!((10..=arrived.len() as u64).contains(&saved), "{part:?}: {saved} of {}", arrived.len());
        let balance = world.ledger.balance();
        assert!(balance.is_balanced() && balance.returned > 0, "{part:?}: {balance}");
        assert_eq!((balance.delivered, balance.in_flight()), (arrived.len() as u64, 0), "{part:?}: {balance}");

        world.arrived.borrow_mut().clear();
        assert_eq!(world.run().unwrap(), Ok(End::Exhausted), "{part:?}");
        assert_eq!(*world.arrived.borrow(), (saved..RECORDS).collect::<Vec<_>>(), "{part:?}");
        assert_eq!(world.saved.get(), RECORDS, "{part:?}");
    }
}
