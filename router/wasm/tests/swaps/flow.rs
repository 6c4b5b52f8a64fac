//! A pipeline on a thread of its own: a source that never waits, a chain that is timed, and a sink that looks closely.
use std::collections::BTreeSet;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use serde_json::Value;
use sluice_core::encode::Encoding;
use sluice_core::pipeline::{End, Pipeline, Sink, Source, Transform};
use sluice_core::{
    Batch, DeadLetter, DeadLetters, Failure, Generation, Ledger, Origin, Place, Record, RecordId, Shape, Stream,
    Watermark, shutdown,
};
use sluice_wasm::lineup::Plugins;
use sluice_wasm::{Chain, Lineup};

/// Records of a batch.
const RECORDS: u64 = 100;
/// Times that are remembered.
const MOST_TIMES: usize = 20_000;
/// How long the flow may stand still.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running pipeline.
pub struct Flow {
    shared: Arc<Shared>,
    ledger: Arc<Ledger>,
    thread: JoinHandle<Result<End, Failure>>,
}

#[derive(Default)]
struct Shared {
    told: Mutex<Told>,
    changed: Condvar,
    over: AtomicBool,
}

#[derive(Default)]
struct Told {
    batches: u64,
    next: u64,
    versions: BTreeSet<String>,
    problems: Vec<String>,
    /// Of each batch: wall-clock and CPU time in the chain, for those that met other plugins than the one before.
    swaps: Vec<(Duration, Duration)>,
    others: Vec<(Duration, Duration)>,
}

/// What was seen until the end.
pub struct Report {
    pub problems: Vec<String>,
    /// How many versions wrote records.
    pub versions: usize,
    records: u64,
    swaps: Vec<(Duration, Duration)>,
    others: Vec<(Duration, Duration)>,
}

impl Flow {
    pub fn start(lineup: Arc<Lineup>) -> Self {
        let (shared, ledger) = (Arc::<Shared>::default(), Arc::<Ledger>::default());
        let generation = Generation::new(ledger.clone());
        let seen = shared.clone();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let watermark = Watermark::new(generation.clone(), 0);
            let letters = Arc::new(Letters(seen.clone()));
            let mut pipeline = Pipeline {
                source: Numbers { watermark, next: 0, shared: seen.clone() },
                transform: Timed {
                    chain: Chain::new(&lineup, &generation, Some(letters), Encoding::default()),
                    last: lineup.current(),
                    lineup,
                    shared: seen.clone(),
                },
                sink: Looks(seen),
            };
            let (_trigger, shutdown) = shutdown::channel();
            runtime.block_on(pipeline.run(&generation, &shutdown, Duration::from_secs(1)))
        });
        Self { shared, ledger, thread }
    }

    /// Waits until so many more batches have arrived.
    pub fn wait_for_more(&self, batches: u64) {
        let until = self.shared.told().batches + batches;
        self.wait_until(|| self.shared.told().batches >= until);
    }

    /// Looks after each batch.
    pub fn wait_until(&self, is: impl Fn() -> bool) {
        let began = Instant::now();
        while !is() {
            let told = self.shared.told();
            drop(self.shared.changed.wait_timeout(told, Duration::from_millis(10)));
            assert!(began.elapsed() < PATIENCE && !self.thread.is_finished(), "nothing flows any more");
        }
    }

    /// Lets the source end and everything arrive.
    pub fn stop(self) -> Report {
        self.shared.over.store(true, Ordering::Relaxed);
        let end = self.thread.join().unwrap();
        let mut told = std::mem::take(&mut *self.shared.told());
        if !matches!(end, Ok(End::Exhausted)) {
            told.problems.push(format!("the pipeline ended with {end:?}"));
        }
        let balance = self.ledger.balance();
        if balance.read != told.next || balance.delivered != told.next || !balance.is_balanced() {
            told.problems.push(format!("{} records arrived, and the books say {balance}", told.next));
        }
        let Told { problems, versions, next, swaps, others, .. } = told;
        Report { problems, versions: versions.len(), records: next, swaps, others }
    }
}

impl Shared {
    fn told(&self) -> std::sync::MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Told {
    fn problem(&mut self, text: String) {
        if self.problems.len() < 10 {
            self.problems.push(text);
        }
    }
}

/// Documents with numbers in their text, without end.
struct Numbers {
    watermark: Watermark<u64>,
    next: u64,
    shared: Arc<Shared>,
}

impl Source for Numbers {
    async fn next(&mut self) -> Result<Option<Batch>, Failure> {
        if self.shared.over.load(Ordering::Relaxed) {
            return Ok(None);
        }
        tokio::task::yield_now().await;
        let (mut arena, mut records) = (Vec::new(), Vec::new());
        for number in self.next..self.next + RECORDS {
            let start = arena.len() as u32;
            arena.extend_from_slice(format!(r#"{{"log":"{{\"n\":{number}}}"}}"#).as_bytes());
            let end = arena.len() as u32;
            records.push(Record {
                start,
                end,
                raw_end: end,
                origin: 0,
                time: number,
                timed: true,
                stream: Stream::Stdout,
                truncated: false,
                part: Default::default(),
                position: number,
                id: RecordId(u128::from(number)),
            });
        }
        self.next += RECORDS;
        let receipt = self.watermark.open(RECORDS as u32, self.next);
        let place = Arc::new(Place::Partition { topic: "logs".into(), partition: 0 });
        Ok(Some(Batch::new(Shape::Documents, place, arena, records, vec![Arc::new(Origin::unknown())], receipt)))
    }

    async fn save(&mut self) -> Result<(), Failure> {
        self.watermark.position();
        Ok(())
    }

    async fn close(&mut self) -> Result<(), Failure> {
        Ok(())
    }
}

/// The chain, and how long each batch takes in it.
struct Timed {
    chain: Chain<Letters>,
    lineup: Arc<Lineup>,
    last: Plugins,
    shared: Arc<Shared>,
}

impl Transform for Timed {
    async fn apply(&mut self, batch: Batch) -> Result<Batch, Failure> {
        let now = self.lineup.current();
        let swapped = !Arc::ptr_eq(&now, &self.last);
        let (wall, cpu) = (Instant::now(), thread_time());
        let applied = self.chain.apply(batch).await;
        let took = (wall.elapsed(), thread_time() - cpu);
        // What was rolled back meanwhile counts as the swap that it is part of.
        self.last = if swapped { self.lineup.current() } else { now };
        let mut told = self.shared.told();
        let times = if swapped { &mut told.swaps } else { &mut told.others };
        if times.len() < MOST_TIMES {
            times.push(took);
        }
        applied
    }

    fn tick(&mut self) -> Result<Option<Batch>, Failure> {
        self.chain.tick()
    }
}

/// Sees that each record comes once, in order, and each batch from one version.
struct Looks(Arc<Shared>);

impl Sink for Looks {
    async fn send(&mut self, batch: Batch) -> Result<(), Failure> {
        let mut told = self.0.told();
        let mut versions = BTreeSet::new();
        for index in 0..batch.len() {
            let mut bytes = Vec::new();
            Encoding::default().append(&batch, index, &mut bytes);
            let document: Value = serde_json::from_slice(&bytes).unwrap();
            let of = |name: &str| {
                let mut members = document.as_object().unwrap().iter();
                let (key, value) = members.find(|(key, _)| key.starts_with(name))?;
                Some((key.strip_prefix(name)?.strip_prefix('-')?.to_owned(), value["n"].as_u64()?))
            };
            let (first, second) = (of("first"), of("second"));
            if first.is_none() || first != second || first.as_ref().map(|(_, n)| *n) != Some(told.next) {
                let next = told.next;
                told.problem(format!("record {next} is {document}"));
            }
            told.next += 1;
            versions.extend(first.map(|(version, _)| version));
        }
        if versions.len() != 1 {
            told.problem(format!("a batch is from the versions {versions:?}"));
        }
        told.versions.extend(versions);
        told.batches += 1;
        drop(told);
        batch.into_parts().receipt.delivered();
        self.0.changed.notify_all();
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), Failure> {
        Ok(())
    }
}

/// Nothing may come here.
struct Letters(Arc<Shared>);

impl DeadLetters for Letters {
    async fn send(&self, letter: DeadLetter) -> Result<(), Failure> {
        self.0.told().problem(format!("record {} is a dead letter: {}", letter.position, letter.detail));
        letter.receipt.dead_lettered(&letter.tally);
        Ok(())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        writeln!(f, "{} records, {} swaps met by a batch", self.records, self.swaps.len())?;
        for (name, times) in [("with a swap", &self.swaps), ("without", &self.others)] {
            let sorted = |of: fn(&(Duration, Duration)) -> Duration| {
                let mut times: Vec<Duration> = times.iter().map(of).collect();
                times.sort_unstable();
                times
            };
            for (clock, times) in [("wall", sorted(|(wall, _)| *wall)), ("cpu", sorted(|(_, cpu)| *cpu))] {
                let at = |share: usize| times.get((times.len() * share / 1000).min(times.len().saturating_sub(1)));
                writeln!(f, "{name}, {clock}: median {:?}, 99% {:?}, most {:?}", at(500), at(990), at(1000))?;
            }
        }
        Ok(())
    }
}

fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
