use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;
use proptest::prelude::*;
use sluice_core::{Balance, DeadLetter, Ledger};
use tokio::time::{Instant, sleep, timeout};

use super::*;
use crate::{
    Index,
    hosts::{Exchange, Reply},
    testing::{Graveyard, config, documents},
};

/// How the index answers one request; the next ones get `Fine`.
#[derive(Clone, Debug)]
enum Fate {
    Fine,
    /// The documents are taken, but the answer is lost.
    Lost,
    Down,
    Status(u16),
    Html,
    /// One item is missing at the end.
    Short,
    Truncated,
}

/// An index that lives in memory and misbehaves as told.
#[derive(Clone, Default)]
struct Fake(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    fates: VecDeque<Fate>,
    /// What a document (by its `n`) is refused with before it is taken.
    refusals: BTreeMap<u64, VecDeque<u16>>,
    /// Requests with one of these are refused whole with 400, as an index does that cannot make sense of a request.
    poison: BTreeSet<u64>,
    /// Every request is refused so.
    refuses_all: bool,
    /// Larger bodies are refused with 413; 0 for none.
    largest: usize,
    slowness: Duration,
    /// `n` of the documents by `_id`.
    index: BTreeMap<String, u64>,
    /// When each request came, and the documents in it.
    requests: Vec<(Instant, Vec<u64>)>,
    now: usize,
    most: usize,
}

impl Fake {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    fn requests(&self) -> Vec<Vec<u64>> {
        self.state().requests.iter().map(|(_, documents)| documents.clone()).collect()
    }
}

impl State {
    fn answer(&mut self, body: &[u8]) -> Exchange {
        let lines: Vec<serde_json::Value> =
            body.split_inclusive(|&byte| byte == b'\n').map(|line| serde_json::from_slice(line).unwrap()).collect();
        let pairs: Vec<_> = lines
            .chunks(2)
            .map(|pair| (pair[0]["create"]["_id"].as_str().unwrap().to_owned(), pair[1]["n"].as_u64().unwrap()))
            .collect();
        self.requests.push((Instant::now(), pairs.iter().map(|(_, n)| *n).collect()));
        let answered = |status, body: String| Exchange::Answered { status, body: body.into() };
        if self.largest > 0 && body.len() > self.largest {
            return answered(413, String::new());
        }
        if self.refuses_all || pairs.iter().any(|(_, n)| self.poison.contains(n)) {
            return answered(
                400,
                r#"{"error":{"type":"illegal_argument_exception","reason":"why"},"status":400}"#.into(),
            );
        }
        let fate = self.fates.pop_front().unwrap_or(Fate::Fine);
        match fate {
            Fate::Down => return Exchange::Unreachable { text: "is down".into(), elsewhere: false },
            Fate::Status(status) => return answered(status, String::new()),
            Fate::Html => return answered(200, "<html>".into()),
            Fate::Fine | Fate::Lost | Fate::Short | Fate::Truncated => {}
        }
        let mut items: Vec<_> = pairs.into_iter().map(|(id, n)| self.item(id, n)).collect();
        if matches!(fate, Fate::Short) {
            items.pop();
        }
        let mut text = format!(r#"{{"errors":true,"items":[{}]}}"#, items.join(","));
        match fate {
            Fate::Lost => Exchange::Unreachable { text: "hangs up".into(), elsewhere: false },
            Fate::Truncated => {
                text.truncate(text.len() / 2);
                answered(200, text)
            }
            _ => answered(200, text),
        }
    }

    fn item(&mut self, id: String, n: u64) -> String {
        let status = if self.index.contains_key(&id) {
            409
        } else if let Some(status) = self.refusals.get_mut(&n).and_then(VecDeque::pop_front) {
            status
        } else {
            self.index.insert(id, n);
            201
        };
        match status {
            201 => r#"{"create":{"status":201}}"#.into(),
            409 => r#"{"create":{"status":409,"error":{"type":"version_conflict_engine_exception"}}}"#.into(),
            _ => format!(r#"{{"create":{{"status":{status},"error":{{"type":"refusal_{status}","reason":"why"}}}}}}"#),
        }
    }
}

impl Cluster for Fake {
    async fn bulk(&self, body: Bytes) -> Reply {
        let (slowness, outcome) = {
            let mut state = self.state();
            state.now += 1;
            state.most = state.most.max(state.now);
            (state.slowness, state.answer(&body))
        };
        sleep(slowness).await;
        self.state().now -= 1;
        Reply { host: "http://fake".into(), outcome }
    }
}

/// A sink into a fake index.
struct Trial {
    fake: Fake,
    graveyard: Arc<Graveyard>,
    generation: Arc<Generation>,
    sink: Elastic<Graveyard, Fake>,
    sent: u64,
}

impl Trial {
    fn new(config: Config) -> Self {
        let fake = Fake::default();
        let graveyard = Arc::new(Graveyard::default());
        let generation = Generation::new(Arc::new(Ledger::default()));
        let sink = Elastic::with_cluster(config, generation.clone(), graveyard.clone(), fake.clone()).unwrap();
        Self { fake, graveyard, generation, sink, sent: 0 }
    }

    /// A batch of documents `{"n":…}`, numbered on from the last; `None` for one that is broken.
    fn batch(&mut self, sound: &[bool]) -> Batch {
        let first = self.sent;
        self.sent += sound.len() as u64;
        let text = |(at, sound): (usize, &bool)| {
            let n = first + at as u64;
            if *sound { format!(r#"{{"n":{n}}}"#) } else { format!(r#"{{"n":{n}"#) }
        };
        let texts: Vec<_> = sound.iter().enumerate().map(text).collect();
        let texts: Vec<_> = texts.iter().map(String::as_bytes).collect();
        documents(&self.generation, first, &texts)
    }

    async fn send(&mut self, count: usize) {
        let batch = self.batch(&vec![true; count]);
        self.sink.send(batch).await.unwrap();
    }

    /// Flushes, and waits until every document has left.
    async fn finish(&mut self) -> Balance {
        self.sink.flush().await.unwrap();
        timeout(Duration::from_secs(100_000), self.generation.settled()).await.expect("not settled");
        self.generation.ledger().balance()
    }
}

#[tokio::test(start_paused = true)]
async fn a_quiet_stream_is_flushed_after_the_interval() {
    let mut trial = Trial::new(Config { interval: Duration::from_secs(5), ..config() });
    for _ in 0..2 {
        let began = Instant::now();
        trial.send(1).await;
        sleep(Duration::from_secs(3)).await;
        trial.send(1).await;
        trial.generation.settled().await;
        assert_eq!(began.elapsed().as_secs(), 5, "counted from the first document");
        sleep(Duration::from_secs(60)).await;
    }
    assert_eq!(trial.fake.requests(), [[0, 1], [2, 3]]);
    assert!(trial.generation.ledger().balance().is_balanced());
}

#[tokio::test(start_paused = true)]
async fn a_full_bulk_does_not_wait() {
    let mut trial = Trial::new(Config { bytes: 600, ..config() });
    let began = Instant::now();
    trial.send(10).await;
    trial.generation.settled().await;
    assert_eq!(began.elapsed().as_secs(), 5, "the last ones are not full");
    let sizes: Vec<_> = trial.fake.requests().iter().map(Vec::len).collect();
    assert_eq!(sizes, [4, 4, 2]);
    assert_eq!(trial.fake.state().requests[1].0, began);
}

#[tokio::test(start_paused = true)]
async fn no_more_bulks_and_bytes_than_allowed() {
    for (concurrency, max_in_flight, most) in [(3, 1 << 20, 3..=3), (8, 1300, 2..=7), (1, 1, 1..=1)] {
        let config = Config { bytes: 600, concurrency, max_in_flight, ..config() };
        let counters = config.counters.clone();
        let mut trial = Trial::new(config);
        trial.fake.state().slowness = Duration::from_secs(1);
        for _ in 0..20 {
            trial.send(7).await;
            assert!(counters.in_flight_bytes.get() <= max_in_flight as u64 + 200, "{counters:?}");
        }
        assert!(trial.finish().await.is_balanced());
        assert!(most.contains(&trial.fake.state().most), "{} at once", trial.fake.state().most);
        assert_eq!(trial.fake.state().index.len(), 140);
        assert_eq!(counters.in_flight_bytes.get(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_sink_without_room_holds_the_source_back() {
    let mut trial = Trial::new(Config { bytes: 600, concurrency: 1, ..config() });
    trial.fake.state().slowness = Duration::from_secs(1000);
    trial.send(4).await;
    let batch = trial.batch(&[true; 9]);
    assert!(timeout(Duration::from_secs(900), trial.sink.send(batch)).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn attempts_back_off_for_ever() {
    let down =
        [Fate::Down, Fate::Status(503), Fate::Html, Fate::Short, Fate::Status(401), Fate::Status(404), Fate::Truncated];
    let mut trial = Trial::new(config());
    trial.fake.state().fates.extend(down.clone());
    trial.fake.state().fates.extend(vec![Fate::Status(429); 100]);
    trial.send(3).await;
    assert!(trial.finish().await.is_balanced());
    let requests = trial.fake.state().requests.clone();
    let expected = [1.0, 2.0, 4.0, 8.0, 16.0].into_iter().chain(std::iter::repeat(30.0));
    for (pair, expected) in requests.windows(2).zip(expected) {
        let delay = (pair[1].0 - pair[0].0).as_secs_f64();
        assert!((0.87 * expected..=1.13 * expected).contains(&delay), "{delay} for {expected}");
        assert_eq!(pair[0].1, [0, 1, 2]);
    }
    assert_eq!(requests.len(), 108);
    assert_eq!(trial.sink.counters().failed_requests.get(), 107);
    assert_eq!(trial.fake.state().index.len(), 3);
    assert!(trial.graveyard.buried().is_empty(), "nothing was skipped");
}

/// An hour's outage: the source is held back, what is held stays bounded, attempts go on at their longest interval, and
/// everything leaves when the index is there again.
#[tokio::test(start_paused = true)]
async fn an_hour_without_the_index_costs_neither_memory_nor_documents() {
    for fate in [Fate::Down, Fate::Lost, Fate::Status(503), Fate::Status(429), Fate::Html, Fate::Truncated] {
        let config = Config { bytes: 600, concurrency: 3, max_in_flight: 3000, ..config() };
        let counters = config.counters.clone();
        let mut trial = Trial::new(config);
        trial.fake.state().fates.extend(vec![fate.clone(); 100_000]);
        let began = Instant::now();
        let (mut sent, mut held_back) = (0, None);
        while held_back.is_none() {
            let batch = trial.batch(&[true; 4]);
            let fake = trial.fake.clone();
            let mut sending = Box::pin(trial.sink.send(batch));
            tokio::select! {
                outcome = &mut sending => outcome.unwrap(),
                () = sleep(Duration::from_secs(3600)) => {
                    held_back = Some(fake.state().requests.len());
                    assert!(counters.in_flight_bytes.get() <= 3200, "{fate:?}: {counters:?}");
                    fake.state().fates.clear();
                    // The very same batch goes on where it was held.
                    sending.await.unwrap();
                }
            }
            sent += 4;
            assert!(sent < 100, "{fate:?}: nothing holds the source back");
        }
        let requests = held_back.unwrap_or(0);
        assert!(began.elapsed() >= Duration::from_secs(3600));
        // Three bulks, each every 30 s, 12.5 % more or less, but for the first few.
        assert!((3 * 100..3 * 150).contains(&requests), "{fate:?}: {requests} requests in an hour");
        let balance = trial.finish().await;
        assert!(balance.is_balanced() && balance.delivered == sent, "{fate:?}: {balance}");
        assert_eq!(trial.fake.state().index.len() as u64, sent);
        assert!(trial.graveyard.buried().is_empty());
        assert_eq!(counters.in_flight_bytes.get(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn only_what_failed_is_sent_again() {
    let mut trial = Trial::new(config());
    trial.fake.state().refusals.extend([(1, [429, 503].into()), (2, [400].into()), (4, [401].into())]);
    trial.send(6).await;
    let balance = trial.finish().await;
    assert_eq!(trial.fake.requests(), [vec![0, 1, 2, 3, 4, 5], vec![1, 4], vec![1]]);
    assert_eq!((balance.delivered, &balance.dead_lettered["refusal_400"]), (5, &1));
    let buried = trial.graveyard.buried();
    let letter = &buried[0];
    assert_eq!((&letter.bytes[..], letter.status, letter.position), (&br#"{"n":2}"#[..], Some(400), 2));
    assert_eq!((&letter.reason[..], &letter.detail[..]), ("refusal_400", "refusal_400: why"));
    let counters = trial.sink.counters();
    let counted = [&counters.bulks, &counters.requests, &counters.delivered, &counters.rejected, &counters.retried];
    assert_eq!(counted.map(|count| count.get()), [1, 3, 5, 1, 3]);
}

#[tokio::test(start_paused = true)]
async fn what_is_delivered_does_not_wait_for_the_rest() {
    let mut trial = Trial::new(config());
    trial.fake.state().refusals.insert(1, vec![429; 1000].into());
    trial.send(3).await;
    trial.sink.flush().await.unwrap();
    while trial.generation.in_flight() != 1 {
        sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(trial.generation.ledger().balance().delivered, 2);
}

#[tokio::test(start_paused = true)]
async fn too_large_a_request_is_sent_in_halves() {
    let mut trial = Trial::new(config());
    trial.fake.state().largest = 300;
    trial.send(5).await;
    let balance = trial.finish().await;
    assert_eq!(balance.delivered, 5);
    assert_eq!(trial.fake.requests(), [vec![0, 1, 2, 3, 4], vec![0, 1], vec![2, 3, 4], vec![2], vec![3, 4]]);
    trial.fake.state().largest = 10;
    trial.send(2).await;
    let balance = trial.finish().await;
    assert!(balance.is_balanced());
    assert_eq!(balance.dead_lettered["too_large"], 2);
    assert_eq!(trial.graveyard.buried()[1].bytes, br#"{"n":6}"#);
}

/// A request that is refused whole for one of its documents: that one is found, and the others are indexed.
#[tokio::test(start_paused = true)]
async fn a_document_that_spoils_its_request_is_found() {
    for poison in [&[0u64][..], &[99], &[50], &[0, 1], &[0, 99], &[10, 11, 12, 13, 60]] {
        let mut trial = Trial::new(config());
        trial.fake.state().poison.extend(poison);
        let began = Instant::now();
        trial.send(100).await;
        let balance = trial.finish().await;
        assert_eq!(began.elapsed(), Duration::ZERO, "{poison:?}: nothing waits for that");
        assert!(balance.is_balanced());
        assert_eq!(balance.delivered, 100 - poison.len() as u64);
        let buried = trial.graveyard.buried();
        let mut positions: Vec<_> = buried.iter().map(|letter| letter.position).collect();
        positions.sort_unstable();
        assert_eq!(positions, poison);
        let letter = &buried[0];
        assert_eq!((&*letter.reason, letter.status), ("illegal_argument_exception", Some(400)));
        assert_eq!(letter.detail, "illegal_argument_exception: why");
        let most = 2 + poison.len() * 16;
        assert!(trial.fake.requests().len() <= most, "{poison:?}: {} requests", trial.fake.requests().len());
    }
}

/// An index that refuses every request refuses no document: all wait, with pauses, until it takes one.
#[tokio::test(start_paused = true)]
async fn an_index_that_refuses_everything_empties_nothing_into_the_dead_letters() {
    for count in [1, 2, 1000] {
        let mut trial = Trial::new(config());
        trial.fake.state().refuses_all = true;
        trial.send(count).await;
        trial.sink.flush().await.unwrap();
        sleep(Duration::from_secs(3600)).await;
        let requests = trial.fake.requests().len();
        assert!((100..250).contains(&requests), "{count}: {requests} requests in an hour");
        assert_eq!(trial.generation.in_flight(), count as u64);
        trial.fake.state().refuses_all = false;
        let balance = trial.finish().await;
        assert!(balance.is_balanced() && balance.delivered == count as u64, "{count}: {balance}");
        assert!(trial.graveyard.buried().is_empty());
    }
}

/// Alone in its bulk, a document is at fault when other bulks are taken and it is refused again.
#[tokio::test(start_paused = true)]
async fn a_lone_document_is_judged_by_what_else_is_taken() {
    let mut trial = Trial::new(config());
    trial.fake.state().poison.insert(0);
    trial.send(1).await;
    trial.sink.flush().await.unwrap();
    sleep(Duration::from_secs(3600)).await;
    assert!(trial.graveyard.buried().is_empty(), "nobody knows whether the index takes anything");
    trial.send(1).await;
    let balance = trial.finish().await;
    assert_eq!((balance.delivered, balance.dead_lettered["illegal_argument_exception"]), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_makes_no_second_document() {
    let mut trial = Trial::new(config());
    trial.fake.state().fates.push_back(Fate::Lost);
    trial.send(4).await;
    assert_eq!(trial.finish().await.delivered, 4);
    assert_eq!(trial.fake.state().index.len(), 4);
    assert_eq!(trial.sink.counters().repeated.get(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_sink_gives_back_what_is_not_resolved() {
    let mut trial = Trial::new(Config { bytes: 600, ..config() });
    trial.fake.state().fates.extend(vec![Fate::Down; 1000]);
    trial.send(7).await;
    drop(trial.sink);
    timeout(Duration::from_secs(1), trial.generation.settled()).await.expect("receipts are missing");
    let balance = trial.generation.ledger().balance();
    assert_eq!((balance.returned, balance.delivered), (7, 0));
    let requests = trial.fake.requests().len();
    sleep(Duration::from_secs(1000)).await;
    assert_eq!(trial.fake.requests().len(), requests, "its tasks are gone");
}

/// Takes no dead letter: fails at once, or never answers.
#[derive(Debug)]
struct Closed {
    fails: bool,
}

impl DeadLetters for Closed {
    async fn send(&self, _: DeadLetter) -> Result<(), Failure> {
        if !self.fails {
            std::future::pending::<()>().await;
        }
        Err(Failure::transient("dead letters", "closed"))
    }
}

#[tokio::test]
async fn dead_letters_that_cannot_be_sent_are_not_lost() {
    for fails in [true, false] {
        let generation = Generation::new(Arc::new(Ledger::default()));
        let fake = Fake::default();
        fake.state().refusals.insert(0, [400].into());
        let letters = Arc::new(Closed { fails });
        let mut sink = Elastic::with_cluster(config(), generation.clone(), letters, fake.clone()).unwrap();
        sink.send(documents(&generation, 0, &[br#"{"n":0}"#, br#"{"n":1}"#])).await.unwrap();
        sink.flush().await.unwrap();
        while generation.ledger().balance().delivered == 0 {
            tokio::task::yield_now().await;
        }
        if fails {
            timeout(Duration::from_secs(20), generation.failure()).await.expect("the generation goes on");
        }
        drop(sink);
        timeout(Duration::from_secs(20), generation.settled()).await.expect("a receipt is missing");
        let balance = generation.ledger().balance();
        assert_eq!((balance.delivered, balance.returned), (1, 1));
    }
}

#[test]
fn a_wrong_index_is_told_at_the_start() {
    let index = Index::Logstash { prefix: "a".into(), separator: "-".into(), date_format: "%!".into() };
    let generation = Generation::new(Arc::new(Ledger::default()));
    let failure = Elastic::open(Config { index, ..config() }, generation, Arc::new(Graveyard::default())).unwrap_err();
    assert!(failure.to_string().starts_with("elasticsearch sink: index: date format \"%!\""), "{failure}");
}

/// A sink's futures may move between threads.
#[test]
fn sending_can_be_spawned() {
    fn is_send(_: impl Send) {}
    let mut trial = Trial::new(config());
    let batch = trial.batch(&[]);
    is_send(trial.sink.send(batch));
    is_send(trial.sink.flush());
}

fn any_fate() -> impl Strategy<Value = Fate> {
    let status = prop_oneof![Just(401u16), Just(403), Just(404), Just(429), Just(500), Just(503), Just(302)];
    prop_oneof![
        4 => Just(Fate::Fine),
        1 => Just(Fate::Lost),
        1 => Just(Fate::Down),
        1 => status.prop_map(Fate::Status),
        1 => Just(Fate::Html),
        1 => Just(Fate::Short),
        1 => Just(Fate::Truncated),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    /// Under any order of failures each document ends once, and is delivered exactly if the index holds it.
    #[test]
    fn every_document_ends_once(
        batches in prop::collection::vec(prop::collection::vec(prop::bool::weighted(0.9), 0..12), 1..6),
        fates in prop::collection::vec(any_fate(), 0..12),
        refusals in prop::collection::btree_map(
            0u64..50,
            prop::collection::vec(prop_oneof![4 => Just(429u16), 2 => Just(503), 1 => Just(400), 1 => Just(403)], 1..4),
            0..12,
        ),
        bytes in 1usize..2000, largest in prop_oneof![Just(0usize), 100usize..1500], concurrency in 1usize..4,
        max_in_flight in 1usize..4000, slowness in 0u64..3000, tag: bool,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let config = Config { bytes, concurrency, max_in_flight, include_tag_key: tag, ..config() };
            let counters = config.counters.clone();
            let mut trial = Trial::new(config);
            {
                let mut state = trial.fake.state();
                (state.largest, state.slowness) = (largest, Duration::from_millis(slowness));
                state.fates.extend(fates);
                state.refusals.extend(refusals.into_iter().map(|(n, statuses)| (n, statuses.into())));
            }
            for sound in &batches {
                let batch = trial.batch(sound);
                trial.sink.send(batch).await.unwrap();
            }
            let balance = trial.finish().await;
            let sent: Vec<_> = batches.concat();
            prop_assert!(balance.is_balanced(), "{balance}");
            prop_assert_eq!((balance.read, balance.returned), (sent.len() as u64, 0));
            let mut indexed: Vec<_> = trial.fake.state().index.values().copied().collect();
            indexed.sort_unstable();
            prop_assert_eq!(balance.delivered, indexed.len() as u64);
            let buried = trial.graveyard.buried();
            let mut ended: Vec<_> = buried.iter().map(|letter| letter.position).chain(indexed).collect();
            ended.sort_unstable();
            prop_assert_eq!(ended, (0..sent.len() as u64).collect::<Vec<_>>());
            for letter in buried {
                let (n, sound) = (letter.position, sent[letter.position as usize]);
                let original = if sound { format!(r#"{{"n":{n}}}"#) } else { format!(r#"{{"n":{n}"#) };
                prop_assert_eq!(String::from_utf8(letter.bytes).unwrap(), original);
                prop_assert_eq!(letter.reason == "not_a_json_object", !sound);
            }
            prop_assert_eq!(counters.in_flight_bytes.get(), 0);
            prop_assert_eq!(counters.delivered.get(), balance.delivered);
            Ok(())
        })?;
    }
}
