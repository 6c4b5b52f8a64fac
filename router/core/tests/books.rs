//! Model tests: no position passes an unresolved record, and the books always balance, under any order of delivery,
//! failure, split and drop.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use proptest::prelude::*;
use sluice_core::{Generation, Ledger, Receipt, Watermark};

/// One thing that can happen to the shares of batches. Numbers choose among what is there, modulo its count.
#[derive(Clone, Debug)]
enum Event {
    Open { lane: usize, records: u32, step: u64 },
    Split { share: usize, records: u32 },
    Deliver { share: usize },
    Drop { share: usize, records: u32 },
    DeadLetter { share: usize },
    GiveBack { share: usize },
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        3 => (0..3usize, 0..5u32, 1..100u64).prop_map(|(lane, records, step)| Event::Open { lane, records, step }),
        2 => (any::<usize>(), 0..5u32).prop_map(|(share, records)| Event::Split { share, records }),
        4 => any::<usize>().prop_map(|share| Event::Deliver { share }),
        2 => (any::<usize>(), 0..5u32).prop_map(|(share, records)| Event::Drop { share, records }),
        1 => any::<usize>().prop_map(|share| Event::DeadLetter { share }),
        1 => any::<usize>().prop_map(|share| Event::GiveBack { share }),
    ]
}

/// What the model knows of a batch: where it ends, and how many of its records have not left.
struct Batch {
    end: u64,
    unresolved: u32,
}

/// A share of a receipt, and the batch (lane, number) that it belongs to.
struct Share {
    receipt: Receipt,
    lane: usize,
    batch: usize,
}

#[derive(Default)]
struct Sums {
    read: u64,
    delivered: u64,
    dropped: u64,
    dead_lettered: u64,
    returned: u64,
}

struct Model {
    ledger: Arc<Ledger>,
    generation: Arc<Generation>,
    watermarks: Vec<Watermark<u64>>,
    lanes: Vec<Vec<Batch>>,
    shares: Vec<Share>,
    sums: Sums,
}

impl Model {
    fn new() -> Self {
        let ledger = Arc::new(Ledger::default());
        let generation = Generation::new(ledger.clone());
        let watermarks = (0..3).map(|_| Watermark::new(generation.clone(), 0)).collect();
        let lanes = (0..3).map(|_| Vec::new()).collect();
        Self { ledger, generation, watermarks, lanes, shares: Vec::new(), sums: Sums::default() }
    }

    fn apply(&mut self, event: Event) {
        match event {
            Event::Open { lane, records, step } => {
                let end = self.lanes[lane].last().map_or(0, |batch| batch.end) + step;
                let receipt = self.watermarks[lane].open(records, end);
                self.shares.push(Share { receipt, lane, batch: self.lanes[lane].len() });
                self.lanes[lane].push(Batch { end, unresolved: records });
                self.sums.read += u64::from(records);
            }
            Event::Split { share, records } => {
                if let Some(index) = self.choose(share) {
                    let Share { receipt, lane, batch } = &mut self.shares[index];
                    let split = Share { receipt: receipt.split(records), lane: *lane, batch: *batch };
                    self.shares.push(split);
                }
            }
            Event::Deliver { share } => {
                if let Some(share) = self.take(share) {
                    self.sums.delivered += u64::from(share.receipt.count());
                    self.lanes[share.lane][share.batch].unresolved -= share.receipt.count();
                    share.receipt.delivered();
                }
            }
            Event::Drop { share, records } => {
                if let Some(index) = self.choose(share) {
                    let Share { receipt, lane, batch } = &mut self.shares[index];
                    let dropped = records.min(receipt.count());
                    receipt.drop_some(records, &self.ledger.dropped_by("plugin"));
                    self.sums.dropped += u64::from(dropped);
                    self.lanes[*lane][*batch].unresolved -= dropped;
                }
            }
            Event::DeadLetter { share } => {
                if let Some(share) = self.take(share) {
                    self.sums.dead_lettered += u64::from(share.receipt.count());
                    self.lanes[share.lane][share.batch].unresolved -= share.receipt.count();
                    share.receipt.dead_lettered(&self.ledger.dead_lettered_for("mapping"));
                }
            }
            Event::GiveBack { share } => {
                if let Some(share) = self.take(share) {
                    // Never resolved: the model's batch keeps its unresolved records for ever.
                    self.sums.returned += u64::from(share.receipt.count());
                }
            }
        }
    }

    fn choose(&self, number: usize) -> Option<usize> {
        (!self.shares.is_empty()).then(|| number % self.shares.len())
    }

    fn take(&mut self, number: usize) -> Option<Share> {
        self.choose(number).map(|index| self.shares.swap_remove(index))
    }

    fn check(&mut self) {
        for (watermark, batches) in self.watermarks.iter_mut().zip(&self.lanes) {
            let prefix = batches.iter().take_while(|batch| batch.unresolved == 0).last().map_or(0, |batch| batch.end);
            assert_eq!(watermark.position(), prefix);
            assert_eq!(watermark.is_settled(), batches.iter().all(|batch| batch.unresolved == 0));
        }
        let balance = self.ledger.balance();
        let open: u64 = self.shares.iter().map(|share| u64::from(share.receipt.count())).sum();
        assert_eq!(balance.read, self.sums.read);
        assert_eq!(balance.delivered, self.sums.delivered);
        assert_eq!(balance.dropped.get("plugin").copied().unwrap_or_default(), self.sums.dropped);
        assert_eq!(balance.dead_lettered.get("mapping").copied().unwrap_or_default(), self.sums.dead_lettered);
        assert_eq!(balance.returned, self.sums.returned);
        assert_eq!(balance.in_flight(), open);
        assert_eq!(self.generation.in_flight(), open);
        assert_eq!(balance.is_balanced(), open == 0);
        assert_eq!(self.generation.first_failure().is_some(), self.sums.returned > 0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn positions_and_books_follow_the_model(events in proptest::collection::vec(event(), 0..200)) {
        let mut model = Model::new();
        for event in events {
            model.apply(event);
            model.check();
        }
        // A generation that ends gives back all that is left, and then every record is accounted for.
        let left: u64 = model.shares.iter().map(|share| u64::from(share.receipt.count())).sum();
        model.sums.returned += left;
        model.shares.clear();
        model.check();
        assert!(model.ledger.balance().is_balanced());
    }
}

/// Shares are resolved on other threads than the one that reads (librdkafka's, the bulk tasks').
#[test]
fn shares_resolve_on_any_thread() {
    let ledger = Arc::new(Ledger::default());
    let generation = Generation::new(ledger.clone());
    let mut watermark = Watermark::new(generation.clone(), 0u64);
    std::thread::scope(|scope| {
        for batch in 1..=200u64 {
            let mut receipt = watermark.open(10, batch);
            for _ in 0..10 {
                let share = receipt.split(1);
                scope.spawn(move || share.delivered());
            }
        }
    });
    assert_eq!(watermark.position(), 200);
    assert_eq!(generation.in_flight(), 0);
    assert!(ledger.balance().is_balanced());
}

/// Books that are looked at while records move add up: what left never exceeds what came, and nothing is forgotten.
#[test]
fn books_add_up_while_records_move() {
    const LANES: u64 = 3;
    const BATCHES: u64 = 20_000;
    let ledger = Arc::new(Ledger::default());
    let generation = Generation::new(ledger.clone());
    generation.stopping();
    let done = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..LANES {
            scope.spawn(|| {
                let mut watermark = Watermark::new(generation.clone(), 0u64);
                let (dropped, letters) = (ledger.dropped_by("plugin"), ledger.dead_lettered_for("mapping"));
                for batch in 1..=BATCHES {
                    let mut receipt = watermark.open(5, batch);
                    receipt.drop_some(1, &dropped);
                    receipt.split(1).dead_lettered(&letters);
                    drop(receipt.split(1));
                    receipt.delivered();
                }
                done.fetch_add(1, Ordering::Release);
            });
        }
        let mut looks = 0u64;
        while done.load(Ordering::Acquire) < LANES {
            let books = ledger.balance();
            let gone = books.left() + books.returned;
            assert!(gone <= books.read, "{gone} left of {} that came", books.read);
            assert_eq!(books.kept(), books.left() + books.in_flight());
            looks += 1;
        }
        assert!(looks > 0);
    });
    let books = ledger.balance();
    assert_eq!(
        (books.read, books.delivered, books.returned),
        (5 * LANES * BATCHES, 2 * LANES * BATCHES, LANES * BATCHES)
    );
    assert!(books.is_balanced());
}
