//! The pipeline and its supervisor with a source and a sink made of memory, on paused time.

mod numbers;

use std::{cell::RefCell, collections::VecDeque, rc::Rc, sync::Arc, time::Duration};

use sluice_core::{
    Alert, Batch, Failure, Generation, Ledger, Receipt, Severity, Shutdown, Watermark,
    pipeline::{End, Pipeline, Sink, Source, Transform},
    shutdown,
    supervisor::{State, Status, supervise},
};

use numbers::batch;

/// A log of numbered records, with the position that was saved; outlives generations as a disk does.
#[derive(Default)]
struct Disk {
    records: u64,
    saved: u64,
    closed: bool,
}

struct Numbers {
    disk: Rc<RefCell<Disk>>,
    watermark: Watermark<u64>,
    next: u64,
    endless: bool,
}

impl Numbers {
    fn open(disk: &Rc<RefCell<Disk>>, generation: &Arc<Generation>, endless: bool) -> Self {
        let next = disk.borrow().saved;
        Self { disk: disk.clone(), watermark: Watermark::new(generation.clone(), next), next, endless }
    }
}

impl Source for Numbers {
    async fn next(&mut self) -> Result<Option<Batch>, Failure> {
        let left = self.disk.borrow().records - self.next;
        if left == 0 {
            if self.endless {
                std::future::pending::<()>().await;
            }
            return Ok(None);
        }
        let count = left.min(10);
        let first = self.next;
        self.next += count;
        let receipt = self.watermark.open(count as u32, self.next);
        Ok(Some(batch(first..self.next, receipt)))
    }

    async fn save(&mut self) -> Result<(), Failure> {
        self.disk.borrow_mut().saved = self.watermark.position();
        Ok(())
    }

    async fn close(&mut self) -> Result<(), Failure> {
        self.disk.borrow_mut().closed = true;
        self.save().await
    }
}

/// Drops every record whose number ends in 7.
struct Sevens {
    dropped: sluice_core::Tally,
    generation: Arc<Generation>,
    /// Waits for ever with the batch that begins with this record.
    halts_at: Option<u64>,
    /// At the next ticks.
    alerts: Rc<RefCell<VecDeque<Alert>>>,
}

impl Transform for Sevens {
    async fn apply(&mut self, mut batch: Batch) -> Result<Batch, Failure> {
        if self.halts_at == batch.records().first().map(|record| record.position) {
            std::future::pending::<()>().await;
        }
        let sevens: Vec<u32> =
            (0u32..).zip(batch.records()).filter(|(_, record)| record.position % 10 == 7).map(|(i, _)| i).collect();
        batch.drop_records(&sevens, &self.dropped);
        Ok(batch)
    }

    fn tick(&mut self) -> Result<Option<Batch>, Failure> {
        let alert = self.alerts.borrow_mut().pop_front();
        Ok(alert.map(|alert| Batch::of_alerts(&self.generation, vec![alert])))
    }
}

/// What arrived, and what goes wrong on the way.
#[derive(Default)]
struct Store {
    taken: Vec<u64>,
    alerts: Vec<String>,
    /// Fails at these batches (counted over all generations), each once.
    failures: VecDeque<usize>,
    batches: usize,
    /// Takes batches, and never answers for them.
    silent: bool,
    /// Has no room for a batch, ever.
    full: bool,
}

struct ToStore {
    store: Rc<RefCell<Store>>,
    unanswered: Vec<Receipt>,
}

impl Sink for ToStore {
    async fn send(&mut self, batch: Batch) -> Result<(), Failure> {
        if self.store.borrow().full {
            std::future::pending::<()>().await;
        }
        let mut store = self.store.borrow_mut();
        store.batches += 1;
        if store.failures.front() == Some(&store.batches) {
            store.failures.pop_front();
            return Err(Failure::transient("store", "away"));
        }
        let parts = batch.into_parts();
        store.alerts.extend(parts.alerts.into_iter().map(|alert| alert.title));
        store.taken.extend(parts.records.iter().map(|record| record.position));
        if store.silent {
            self.unanswered.push(parts.receipt);
        } else {
            parts.receipt.delivered();
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), Failure> {
        Ok(())
    }
}

struct World {
    disk: Rc<RefCell<Disk>>,
    store: Rc<RefCell<Store>>,
    ledger: Arc<Ledger>,
    status: Status,
    halts_at: Option<u64>,
    alerts: Rc<RefCell<VecDeque<Alert>>>,
}

impl World {
    fn new(records: u64, store: Store) -> Self {
        let disk = Disk { records, ..Disk::default() };
        Self {
            disk: Rc::new(RefCell::new(disk)),
            store: Rc::new(RefCell::new(store)),
            ledger: Arc::default(),
            status: Status::default(),
            halts_at: None,
            alerts: Rc::default(),
        }
    }

    async fn run(&self, shutdown: &Shutdown, endless: bool) -> Result<End, Failure> {
        supervise("numbers", &self.ledger, shutdown, &self.status, |generation| {
            self.status.running();
            let mut pipeline = Pipeline {
                source: Numbers::open(&self.disk, &generation, endless),
                transform: Sevens {
                    dropped: self.ledger.dropped_by("sevens"),
                    generation: generation.clone(),
                    halts_at: self.halts_at,
                    alerts: self.alerts.clone(),
                },
                sink: ToStore { store: self.store.clone(), unanswered: Vec::new() },
            };
            async move { pipeline.run(&generation, shutdown, Duration::from_secs(1)).await }
        })
        .await
    }

    fn missing(&self) -> Vec<u64> {
        let store = self.store.borrow();
        (0..self.disk.borrow().records).filter(|n| n % 10 != 7 && !store.taken.contains(n)).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn an_exhausted_source_ends_with_balanced_books() {
    let world = World::new(95, Store::default());
    let (_trigger, shutdown) = shutdown::channel();
    assert_eq!(world.run(&shutdown, false).await, Ok(End::Exhausted));
    let disk = world.disk.borrow();
    assert_eq!((disk.saved, disk.closed), (95, true));
    assert_eq!(
        world.ledger.balance().to_string(),
        "read 95 = delivered 86 + dropped 9 (sevens 9) + dead-lettered 0 + in flight 0; expired 0"
    );
}

#[tokio::test(start_paused = true)]
async fn a_failing_sink_starts_the_pipeline_again_and_nothing_is_lost() {
    let store = Store { failures: [1, 4, 5, 9].into(), ..Store::default() };
    let world = World::new(95, store);
    let (_trigger, shutdown) = shutdown::channel();
    assert_eq!(world.run(&shutdown, false).await, Ok(End::Exhausted));
    assert_eq!(world.missing(), Vec::<u64>::new());
    let balance = world.ledger.balance();
    assert!(balance.is_balanced(), "{balance}");
    assert!(balance.returned > 0);
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_the_grace_and_leaves_the_position_behind_what_is_unresolved() {
    let world = World::new(20, Store { silent: true, ..Store::default() });
    let (trigger, shutdown) = shutdown::channel();
    let began = tokio::time::Instant::now();
    let (end, ()) = tokio::join!(world.run(&shutdown, true), async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        trigger.stop(Duration::from_secs(25));
    });
    assert_eq!(end, Ok(End::Stopped { left: 18 }));
    assert_eq!(began.elapsed(), Duration::from_secs(30));
    assert_eq!(world.disk.borrow().saved, 0);
}

/// The batch that waits for room is given back at the deadline: that is no failure, and it is told.
#[tokio::test(start_paused = true)]
async fn a_stop_without_room_says_what_is_left_and_closes_the_source() {
    for _ in 0..20 {
        let world = World::new(20, Store { full: true, ..Store::default() });
        let (trigger, shutdown) = shutdown::channel();
        let (end, ()) = tokio::join!(world.run(&shutdown, true), async {
            tokio::time::sleep(Duration::from_secs(5)).await;
            trigger.stop(Duration::from_secs(25));
        });
        assert_eq!(end, Ok(End::Stopped { left: 9 }));
        assert!(world.disk.borrow().closed);
        assert_eq!(world.disk.borrow().saved, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_of_an_idle_pipeline_is_immediate() {
    let world = World::new(20, Store::default());
    let (trigger, shutdown) = shutdown::channel();
    let began = tokio::time::Instant::now();
    let (end, ()) = tokio::join!(world.run(&shutdown, true), async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        trigger.stop(Duration::from_secs(25));
    });
    assert_eq!(end, Ok(End::Stopped { left: 0 }));
    assert_eq!(began.elapsed(), Duration::from_secs(5));
    assert_eq!(world.disk.borrow().saved, 20);
}

#[tokio::test(start_paused = true)]
async fn a_fatal_failure_is_not_tried_again() {
    let (ledger, status) = (Arc::default(), Status::default());
    let (_trigger, shutdown) = shutdown::channel();
    let failure = Failure::fatal("plugin drop-debug", "no such file");
    let mut starts = 0;
    let end = supervise("p", &ledger, &shutdown, &status, |_| {
        starts += 1;
        let failure = failure.clone();
        async { Err(failure) }
    });
    let end = end.await;
    assert_eq!(end, Err(failure));
    assert_eq!((starts, status.restarts()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_status_follows_the_pipeline_from_failure_to_failure() {
    let world = World::new(95, Store { failures: [1, 4].into(), ..Store::default() });
    assert_eq!(world.status.state(), State::Starting);
    let (trigger, shutdown) = shutdown::channel();
    let away = Failure::transient("store", "away");
    let (end, ()) = tokio::join!(world.run(&shutdown, true), async {
        // The first failure comes at once, and the next generation after a second or so.
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!((world.status.state(), world.status.restarts()), (State::Restarting(away), 1));
        tokio::time::sleep(Duration::from_secs(10)).await;
        assert_eq!((world.status.state(), world.status.restarts()), (State::Running, 2));
        trigger.stop(Duration::from_secs(25));
    });
    world.status.ended(&end);
    assert_eq!((world.status.state(), world.status.restarts()), (State::Stopped, 2));
    let failure = Failure::fatal("store", "gone");
    world.status.ended(&Err(failure.clone()));
    assert_eq!(world.status.state(), State::Failed(failure));
}

/// A failure after the order to stop is no reason to start again, nor is it told as one.
#[tokio::test(start_paused = true)]
async fn a_pipeline_that_fails_while_it_stops_does_not_start_again() {
    let (ledger, status) = (Arc::default(), Status::default());
    let (trigger, shutdown) = shutdown::channel();
    trigger.stop(Duration::from_secs(25));
    let mut starts = 0;
    let end = supervise("p", &ledger, &shutdown, &status, |_| {
        starts += 1;
        async { Err(Failure::transient("store", "away")) }
    });
    assert_eq!(end.await, Ok(End::Stopped { left: 0 }));
    assert_eq!((starts, status.restarts(), status.state()), (1, 0, State::Starting));
}

/// What waits for a plugin may wait for days: on a stop it is given back at once, and what is under way has the grace.
#[tokio::test(start_paused = true)]
async fn a_batch_that_waits_in_the_transform_is_given_back_on_stop_while_the_rest_runs_dry() {
    let mut world = World::new(95, Store { silent: true, ..Store::default() });
    world.halts_at = Some(20);
    let (trigger, shutdown) = shutdown::channel();
    let began = tokio::time::Instant::now();
    let (end, ()) = tokio::join!(world.run(&shutdown, true), async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(world.ledger.balance().in_flight(), 28, "ten wait, two of thirty were dropped");
        trigger.stop(Duration::from_secs(25));
        tokio::task::yield_now().await;
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert_eq!(world.ledger.balance().returned, 10, "given back at once");
        assert_eq!(world.ledger.balance().in_flight(), 18, "the sink still has its time");
    });
    assert_eq!(end, Ok(End::Stopped { left: 28 }));
    assert_eq!(began.elapsed(), Duration::from_secs(30));
    assert_eq!((world.disk.borrow().saved, world.disk.borrow().closed), (0, true));
}

/// The same with a sink that answers: the stop is over at once, and the position is that of what was delivered.
#[tokio::test(start_paused = true)]
async fn a_halted_pipeline_stops_at_once_and_keeps_its_place() {
    let mut world = World::new(95, Store::default());
    world.halts_at = Some(20);
    let (trigger, shutdown) = shutdown::channel();
    let began = tokio::time::Instant::now();
    let (end, ()) = tokio::join!(world.run(&shutdown, true), async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        trigger.stop(Duration::from_secs(25));
    });
    assert_eq!(end, Ok(End::Stopped { left: 10 }));
    assert_eq!(began.elapsed(), Duration::from_secs(5));
    assert_eq!(world.disk.borrow().saved, 20);
    let balance = world.ledger.balance();
    assert!(balance.is_balanced(), "{balance}");
}

#[tokio::test(start_paused = true)]
async fn alerts_of_a_tick_reach_the_sink_without_a_record() {
    let world = World::new(0, Store::default());
    let alert = |title: &str| Alert {
        item: None,
        plugin: "exceptions".into(),
        fingerprint: title.into(),
        severity: Severity::Error,
        title: title.into(),
        text: String::new(),
        details: Vec::new(),
        color: String::new(),
    };
    world.alerts.borrow_mut().extend([alert("first"), alert("second")]);
    let (trigger, shutdown) = shutdown::channel();
    let (end, ()) = tokio::join!(world.run(&shutdown, true), async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!(world.store.borrow().alerts, ["first"]);
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(world.store.borrow().alerts, ["first", "second"]);
        trigger.stop(Duration::from_secs(25));
    });
    assert_eq!(end, Ok(End::Stopped { left: 0 }));
    assert_eq!(
        world.ledger.balance().to_string(),
        "read 0 = delivered 0 + dropped 0 + dead-lettered 0 + in flight 0; expired 0"
    );
}
