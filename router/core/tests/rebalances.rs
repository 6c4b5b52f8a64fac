//! A model of partitions that come and go, generations that fail and processes that are killed: no position that is
//! saved passes a record that has not left, and what was not saved is read again.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::{collections::BTreeSet, sync::Arc};

use proptest::prelude::*;
use sluice_core::{
    Alert, Batch, Edit, EditPath, Generation, Ledger, Origin, Place, Receipt, Record, RecordId, Severity, Shape,
    Stream, Tally, ValueKind, Watermark,
};

const LANES: usize = 3;

/// What can happen. Numbers choose among what is there, modulo its count; where nothing is there, nothing happens.
#[derive(Clone, Debug)]
enum Event {
    /// The partition comes, and is read from its saved position on.
    Assign(usize),
    Read {
        lane: usize,
        span: u64,
    },
    Edit(usize),
    /// A filter drops one record of a batch.
    Filter {
        batch: usize,
        record: usize,
    },
    /// One record of a batch is on its way to the dead letters, beside the batch.
    PutAside {
        batch: usize,
        record: usize,
    },
    /// The sink takes a batch and answers for shares of so many records.
    Send {
        batch: usize,
        each: u32,
    },
    /// A notifier's sink takes a batch: the alert's record is held, the others leave.
    Alert(usize),
    Deliver(usize),
    Bury(usize),
    Save,
    /// The partition goes to another member; its last position is saved, if that is still possible. What is under way
    /// goes on.
    Revoke {
        lane: usize,
        is_lost: bool,
    },
    /// A part fails: what is under way is given back, or resolves late.
    Fail {
        is_late: bool,
    },
    /// SIGKILL: only what was saved is left.
    Crash,
}

fn event() -> impl Strategy<Value = Event> {
    let lane = || 0..LANES;
    let pick = any::<usize>;
    prop_oneof![
        4 => lane().prop_map(Event::Assign),
        8 => (lane(), 1..7u64).prop_map(|(lane, span)| Event::Read { lane, span }),
        1 => pick().prop_map(Event::Edit),
        2 => (pick(), pick()).prop_map(|(batch, record)| Event::Filter { batch, record }),
        2 => (pick(), pick()).prop_map(|(batch, record)| Event::PutAside { batch, record }),
        6 => (pick(), 1..4u32).prop_map(|(batch, each)| Event::Send { batch, each }),
        2 => pick().prop_map(Event::Alert),
        9 => pick().prop_map(Event::Deliver),
        2 => pick().prop_map(Event::Bury),
        4 => Just(Event::Save),
        2 => (lane(), any::<bool>()).prop_map(|(lane, is_lost)| Event::Revoke { lane, is_lost }),
        1 => any::<bool>().prop_map(|is_late| Event::Fail { is_late }),
        1 => Just(Event::Crash),
    ]
}

/// Whether the offset holds a record: topics have gaps, and they are the same whenever they are read.
fn is_record(offset: u64) -> bool {
    offset % 5 != 4
}

/// A partition, its group's saved position, and what this process knows while it has it.
#[derive(Default)]
struct Lane {
    saved: u64,
    watermark: Option<Watermark<u64>>,
    next: u64,
    /// Offsets of records that left, in any life.
    left: BTreeSet<u64>,
    /// As far as it was ever read.
    end: u64,
}

/// Somebody answers for these records of a lane.
struct Share {
    receipt: Receipt,
    lane: usize,
    offsets: Vec<u64>,
}

struct World {
    ledger: Arc<Ledger>,
    generation: Arc<Generation>,
    lanes: [Lane; LANES],
    batches: Vec<(usize, Batch)>,
    shares: Vec<Share>,
}

impl World {
    fn new() -> Self {
        let ledger = Arc::new(Ledger::default());
        let generation = Generation::new(ledger.clone());
        Self { ledger, generation, lanes: Default::default(), batches: Vec::new(), shares: Vec::new() }
    }

    fn apply(&mut self, event: Event) {
        match event {
            Event::Assign(lane) => self.assign(lane),
            Event::Read { lane, span } => self.read(lane, span),
            Event::Edit(batch) => {
                if let Some(index) = choose(batch, self.batches.len()) {
                    edit(&mut self.batches[index].1);
                }
            }
            Event::Filter { batch, record } => self.filter(batch, record),
            Event::PutAside { batch, record } => self.put_aside(batch, record),
            Event::Send { batch, each } => self.send(batch, each),
            Event::Alert(batch) => self.alert(batch),
            Event::Deliver(share) => self.resolve(share, Receipt::delivered),
            Event::Bury(share) => {
                let why = self.ledger.dead_lettered_for("mapping");
                self.resolve(share, |receipt| receipt.dead_lettered(&why));
            }
            Event::Save => self.lanes.iter_mut().for_each(Lane::save),
            Event::Revoke { lane, is_lost } => {
                if !is_lost {
                    self.lanes[lane].save();
                }
                self.lanes[lane].watermark = None;
            }
            Event::Fail { is_late } => self.fail(is_late),
            Event::Crash => {
                self.fail(false);
                self.ledger = Arc::new(Ledger::default());
                self.generation = Generation::new(self.ledger.clone());
            }
        }
    }

    fn assign(&mut self, lane: usize) {
        let lane = &mut self.lanes[lane];
        if lane.watermark.is_none() {
            lane.watermark = Some(Watermark::new(self.generation.clone(), lane.saved));
            lane.next = lane.saved;
        }
    }

    fn read(&mut self, number: usize, span: u64) {
        let lane = &mut self.lanes[number];
        let Some(watermark) = &mut lane.watermark else { return };
        let (begin, end) = (lane.next, lane.next + span);
        let records: Vec<Record> = (begin..end).filter(|offset| is_record(*offset)).map(record).collect();
        let receipt = watermark.open(records.len() as u32, end);
        (lane.next, lane.end) = (end, lane.end.max(end));
        let place = Arc::new(Place::Partition { topic: "logs".into(), partition: number as i32 });
        let origins = vec![Arc::new(Origin::unknown())];
        self.batches.push((number, Batch::new(Shape::Documents, place, Vec::new(), records, origins, receipt)));
    }

    fn filter(&mut self, batch: usize, record: usize) {
        let Some((index, record)) = self.choose_record(batch, record) else { return };
        let (lane, batch) = &mut self.batches[index];
        self.lanes[*lane].left.insert(batch.records()[record].position);
        batch.drop_records(&[record as u32], &self.ledger.dropped_by("plugin"));
    }

    fn put_aside(&mut self, batch: usize, record: usize) {
        let Some((index, record)) = self.choose_record(batch, record) else { return };
        let (lane, batch) = &mut self.batches[index];
        let offsets = vec![batch.records()[record].position];
        let receipt = batch.take_record(record as u32);
        self.shares.push(Share { receipt, lane: *lane, offsets });
    }

    fn send(&mut self, batch: usize, each: u32) {
        let Some(index) = choose(batch, self.batches.len()) else { return };
        let (lane, mut batch) = self.batches.swap_remove(index);
        let mut receipt = batch.take_receipt();
        for records in batch.records().chunks(each as usize) {
            let receipt = receipt.split(each);
            assert_eq!(receipt.count() as usize, records.len());
            self.shares.push(Share { receipt, lane, offsets: positions(records) });
        }
        assert_eq!(receipt.count(), 0);
    }

    fn alert(&mut self, batch: usize) {
        let Some(index) = choose(batch, self.batches.len()) else { return };
        let (lane, mut batch) = self.batches.swap_remove(index);
        if !batch.is_empty() {
            batch.raise(vec![alert()]);
        }
        let mut parts = batch.into_parts();
        let held = parts.alerts.len();
        let others = positions(&parts.records[held..]);
        let share = parts.receipt.split(held as u32);
        self.shares.push(Share { receipt: share, lane, offsets: positions(&parts.records[..held]) });
        parts.receipt.drop_some(others.len() as u32, &self.ledger.dropped_by("no alert"));
        self.lanes[lane].left.extend(others);
    }

    fn resolve(&mut self, share: usize, how: impl FnOnce(Receipt)) {
        let Some(index) = choose(share, self.shares.len()) else { return };
        let share = self.shares.swap_remove(index);
        self.lanes[share.lane].left.extend(share.offsets);
        how(share.receipt);
    }

    fn fail(&mut self, is_late: bool) {
        self.batches.clear();
        if !is_late {
            self.shares.clear();
        }
        self.lanes.iter_mut().for_each(|lane| lane.watermark = None);
        self.generation = Generation::new(self.ledger.clone());
    }

    fn choose_record(&self, batch: usize, record: usize) -> Option<(usize, usize)> {
        let index = choose(batch, self.batches.len())?;
        Some((index, choose(record, self.batches[index].1.len())?))
    }

    fn check(&mut self) {
        for lane in &mut self.lanes {
            let reached = lane.watermark.as_mut().map_or(lane.saved, Watermark::position);
            assert!(lane.saved <= reached, "a position went back: {} to {reached}", lane.saved);
            assert!(reached <= lane.next.max(lane.saved));
            let passed = (0..reached).filter(|offset| is_record(*offset)).find(|offset| !lane.left.contains(offset));
            assert_eq!(passed, None, "the position {reached} passes an unresolved record");
        }
        let held = self.shares.iter().map(|share| u64::from(share.receipt.count()));
        let open = held.sum::<u64>() + self.batches.iter().map(|(_, batch)| batch.len() as u64).sum::<u64>();
        assert_eq!(self.ledger.balance().in_flight(), open);
    }

    /// Everything that was ever read is read again from the saved positions and leaves.
    fn run_dry(&mut self) {
        self.apply(Event::Fail { is_late: false });
        for lane in 0..LANES {
            self.assign(lane);
            let behind = self.lanes[lane].end - self.lanes[lane].saved;
            self.read(lane, behind);
        }
        while !self.batches.is_empty() {
            self.send(0, 2);
        }
        while !self.shares.is_empty() {
            self.apply(Event::Deliver(0));
        }
        self.apply(Event::Save);
        self.check();
        assert!(self.lanes.iter().all(|lane| lane.saved == lane.end), "a position stands still");
        assert!(self.ledger.balance().is_balanced());
    }
}

impl Lane {
    fn save(&mut self) {
        if let Some(watermark) = &mut self.watermark {
            self.saved = watermark.position();
        }
    }
}

fn choose(number: usize, count: usize) -> Option<usize> {
    (count > 0).then(|| number % count)
}

fn positions(records: &[Record]) -> Vec<u64> {
    records.iter().map(|record| record.position).collect()
}

fn record(offset: u64) -> Record {
    Record {
        start: 0,
        end: 0,
        raw_end: 0,
        origin: 0,
        time: 1,
        timed: true,
        stream: Stream::Stdout,
        truncated: false,
        part: Default::default(),
        position: offset,
        id: RecordId(u128::from(offset)),
    }
}

/// Every second record gets a value.
fn edit(batch: &mut Batch) {
    let mut edits = batch.take_edits();
    let path = edits.add_path(&Arc::new(EditPath::new(vec!["team".into()], Tally::default())));
    let at = edits.add_bytes(b"checkout");
    for index in (0..batch.len()).step_by(2) {
        edits.push(index, Edit { path, kind: ValueKind::Text, at, size: 8 });
    }
    batch.set_edits(edits);
}

/// About the first record of a batch.
fn alert() -> Alert {
    Alert {
        item: Some(0),
        plugin: "exceptions".into(),
        fingerprint: "f".into(),
        severity: Severity::Error,
        title: "t".into(),
        text: String::new(),
        details: Vec::new(),
        color: String::new(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_saved_position_passes_an_unresolved_record(events in proptest::collection::vec(event(), 0..300)) {
        let mut world = World::new();
        for event in events {
            world.apply(event);
            world.check();
        }
        world.run_dry();
    }
}
