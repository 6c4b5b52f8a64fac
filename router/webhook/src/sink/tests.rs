use std::{collections::VecDeque, sync::Arc};

use bytes::Bytes;
use proptest::prelude::*;
use sluice_core::Balance;
use tokio::time::sleep;

use super::*;
use crate::{
    testing::{Graveyard, aged, alert, config, generation},
    webhook::Reply,
};

/// How the webhook answers one request; later ones are taken.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Told {
    Taken,
    /// 429 with `Retry-After`.
    Pause(&'static str),
    Status(u16, &'static str),
    Away,
}

/// A webhook that lives in memory and misbehaves as told.
#[derive(Clone, Default)]
struct Fake(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    told: VecDeque<Told>,
    /// Once `told` is used up.
    always: Option<Told>,
    slowness: Duration,
    /// When each request came.
    requests: Vec<Instant>,
    /// Texts of the messages that were taken.
    taken: Vec<String>,
}

impl Fake {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

impl Endpoint for Fake {
    async fn post(&self, body: Bytes) -> Reply {
        let slowness = self.state().slowness;
        sleep(slowness).await;
        let mut state = self.state();
        state.requests.push(Instant::now());
        let (always, next) = (state.always, state.told.pop_front());
        let answered = |status, retry_after: Option<&str>, text: &str| Reply::Answered {
            status,
            retry_after: retry_after.map(Into::into),
            text: text.into(),
        };
        match next.or(always).unwrap_or(Told::Taken) {
            Told::Taken => {
                let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
                state.taken.push(body["attachments"][0]["text"].as_str().unwrap().to_owned());
                answered(200, None, "ok")
            }
            Told::Pause(after) => answered(429, Some(after), "rate_limited"),
            Told::Status(status, text) => answered(status, None, text),
            Told::Away => Reply::Unreachable("cannot be reached: no".into()),
        }
    }
}

/// A sink into a fake webhook.
struct Trial {
    fake: Fake,
    graveyard: Arc<Graveyard>,
    generation: Arc<Generation>,
    sink: Slack<Graveyard, Fake>,
    sent: u64,
}

impl Trial {
    fn new(config: Config, told: &[Told], has_dead_letters: bool) -> Self {
        let (fake, graveyard, generation) = (Fake::default(), Arc::new(Graveyard::default()), generation());
        fake.state().told = told.iter().copied().collect();
        let dead_letters = has_dead_letters.then(|| graveyard.clone());
        let sink = Slack::with_endpoint(config, generation.clone(), dead_letters, fake.clone());
        Self { fake, graveyard, generation, sink, sent: 0 }
    }

    /// Records of this age in seconds, and alerts about them as (record, fingerprint).
    fn batch(&mut self, ages: &[u64], alerts: &[(Option<u32>, &str)]) -> Batch {
        let texts: Vec<_> = (0..ages.len() as u64).map(|at| format!(r#"{{"n":{}}}"#, self.sent + at)).collect();
        let documents: Vec<_> = texts.iter().zip(ages).map(|(text, age)| (text.as_bytes(), *age)).collect();
        let mut batch = aged(&self.generation, self.sent, &documents);
        batch.raise(alerts.iter().map(|(item, fingerprint)| alert(*item, fingerprint)).collect());
        self.sent += ages.len() as u64;
        batch
    }

    /// Sends records that are new, with alerts about them.
    async fn send(&mut self, records: usize, alerts: &[(Option<u32>, &str)]) {
        let batch = self.batch(&vec![0; records], alerts);
        self.sink.send(batch).await.unwrap();
    }

    fn balance(&self) -> String {
        self.generation.ledger().balance().to_string()
    }

    fn taken(&self) -> Vec<String> {
        std::mem::take(&mut self.fake.state().taken)
    }

    /// Waits until every record has left.
    async fn settle(&self) -> Balance {
        timeout(Duration::from_secs(1_000_000), self.generation.settled()).await.expect("not settled");
        let balance = self.generation.ledger().balance();
        assert!(balance.is_balanced(), "{balance}");
        assert_eq!(balance.returned, 0, "{balance}");
        balance
    }
}

#[tokio::test(start_paused = true)]
async fn records_without_an_alert_leave_at_once() {
    let mut trial = Trial::new(config(), &[], true);
    trial.send(1000, &[]).await;
    assert_eq!(
        trial.balance(),
        "read 1000 = delivered 0 + dropped 1000 (no alert 1000) + dead-lettered 0 + in flight 0; expired 0"
    );
    sleep(Duration::from_secs(1000)).await;
    assert!(trial.fake.state().requests.is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_first_of_a_group_is_held_and_repeats_are_told() {
    let mut trial = Trial::new(config(), &[], true);
    trial.fake.state().slowness = Duration::from_secs(2);
    let began = Instant::now();
    trial.send(5, &[(Some(1), "f"), (Some(2), "f"), (Some(4), "g")]).await;
    assert_eq!(
        trial.balance(),
        "read 5 = delivered 0 + dropped 3 (no alert 2, repeat 1) + dead-lettered 0 + in flight 2; expired 0"
    );
    trial.settle().await;
    assert_eq!(began.elapsed(), Duration::from_secs(4), "one after the other");
    assert_eq!(trial.taken(), ["f", "g"]);
    trial.send(2, &[(Some(0), "f"), (Some(1), "f")]).await;
    assert_eq!(trial.generation.in_flight(), 0, "repeats hold nothing");
    // The window is 5 minutes from the first alert, and then there is one message for f and none for g.
    sleep(Duration::from_secs(295)).await;
    assert_eq!(trial.taken(), Vec::<String>::new());
    sleep(Duration::from_secs(4)).await;
    assert_eq!(trial.taken(), ["f\nRepeated 3 times in the last 5m"]);
    // The window is closed: the next alert is a first one.
    trial.send(1, &[(Some(0), "f")]).await;
    let balance = trial.settle().await;
    assert_eq!(trial.taken(), ["f"]);
    assert_eq!((balance.delivered, balance.dropped["repeat"]), (3, 3));
    let counters = trial.sink.counters().snapshot();
    assert_eq!((counters.posted, counters.repeats, counters.summaries, counters.queued), (3, 3, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_holds_back_the_source() {
    let mut trial = Trial::new(Config { queue: 2, ..config() }, &[], true);
    trial.fake.state().always = Some(Told::Status(503, ""));
    trial.send(1, &[(Some(0), "a")]).await;
    tokio::task::yield_now().await; // One is under way, and two wait.
    trial.send(1, &[(Some(0), "b")]).await;
    trial.send(1, &[(Some(0), "c")]).await;
    let batch = trial.batch(&[0, 0], &[(Some(0), "d"), (Some(1), "a")]);
    let mut sending = Box::pin(trial.sink.send(batch));
    let waited = timeout(Duration::from_secs(86_400), &mut sending).await;
    assert!(waited.is_err(), "no room, however long it takes");
    trial.fake.state().always = None;
    sending.await.unwrap();
    let balance = trial.settle().await;
    assert_eq!(balance.delivered, 5, "a's window had long ended: it is posted again");
    assert_eq!(trial.taken(), ["a", "b", "c", "d", "a"]);
}

/// What one alert comes to under these answers: attempts, the books, and the dead letter's reason and status.
async fn check(told: &[Told], give_up: Option<u64>, attempts: usize, books: &str, buried: Option<(&str, Option<u16>)>) {
    for has_dead_letters in [true, false] {
        let give_up_after = give_up.map(Duration::from_secs);
        let mut trial = Trial::new(Config { give_up_after, ..config() }, told, has_dead_letters);
        trial.send(1, &[(Some(0), "f")]).await;
        let balance = trial.settle().await;
        assert_eq!(trial.fake.state().requests.len(), attempts, "{told:?}");
        let letters = trial.graveyard.buried();
        let counters = trial.sink.counters().snapshot();
        assert_eq!(counters.queued, 0);
        assert_eq!(counters.last_error.is_some(), told.iter().any(|told| *told != Told::Taken), "{told:?}");
        if has_dead_letters {
            assert!(balance.to_string().contains(books), "{told:?}: {balance} has no {books}");
            let found = letters.first().map(|letter| (letter.reason.as_str(), letter.status));
            assert_eq!(found, buried, "{told:?}");
            assert!(letters.iter().all(|letter| letter.bytes == br#"{"n":0}"#));
        } else {
            assert!(letters.is_empty());
            assert_eq!(balance.delivered, u64::from(buried.is_none()), "{told:?}: dropped instead");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn answers() {
    const GONE: Told = Told::Status(404, "no_service");
    const DOWN: Told = Told::Status(503, "");
    check(&[], None, 1, "delivered 1", None).await;
    check(&[Told::Pause("30"), Told::Taken], None, 2, "delivered 1", None).await;
    check(&[Told::Status(500, "rollup_error"), Told::Taken], None, 2, "delivered 1", None).await;
    check(&[Told::Away, Told::Pause("soon"), Told::Status(408, "")], None, 4, "delivered 1", None).await;
    check(&[Told::Status(302, "")], None, 2, "delivered 1", None).await;
    check(&[GONE; 500], None, 501, "delivered 1", None).await;
    check(&[DOWN; 500], None, 501, "delivered 1", None).await;
    let refused = |status| Some(("refused_by_slack", Some(status)));
    check(&[Told::Status(400, "invalid_payload")], None, 1, "(refused_by_slack 1)", refused(400)).await;
    check(&[DOWN, Told::Status(413, "")], None, 2, "(refused_by_slack 1)", refused(413)).await;
    // Attempts at 0, 1, 3, 7 and 10 seconds.
    check(&[DOWN; 500], Some(10), 5, "(slack_gave_up 1)", Some(("slack_gave_up", Some(503)))).await;
    check(&[Told::Away; 500], Some(10), 5, "(slack_gave_up 1)", Some(("slack_gave_up", None))).await;
    // A pause beyond the limit is not waited for.
    check(&[Told::Pause("11")], Some(10), 1, "(slack_gave_up 1)", Some(("slack_gave_up", Some(429)))).await;
    check(&[Told::Pause("9")], Some(10), 2, "delivered 1", None).await;
    // A webhook that is gone waits for a person, however long, and that time does not count.
    check(&[GONE; 500], Some(10), 501, "delivered 1", None).await;
    check(&[GONE, GONE, GONE, GONE, GONE, DOWN], Some(10), 7, "delivered 1", None).await;
}

#[tokio::test(start_paused = true)]
async fn a_pause_holds_for_every_message() {
    let config = Config { give_up_after: Some(Duration::from_secs(10)), ..config() };
    let mut trial = Trial::new(config, &[Told::Pause("60"), Told::Taken], true);
    let began = Instant::now();
    trial.send(2, &[(Some(0), "f"), (Some(1), "g")]).await;
    let balance = trial.settle().await;
    let at: Vec<_> = trial.fake.state().requests.iter().map(|at| (*at - began).as_secs()).collect();
    assert_eq!(at, [0, 60], "f is given up, and g does not knock before the pause is over");
    assert_eq!((balance.delivered, balance.dead_lettered["slack_gave_up"]), (1, 1));
    assert_eq!(trial.sink.counters().snapshot().suppressed_until, Some(crate::testing::NOW + 60_000_000_000));
}

#[tokio::test(start_paused = true)]
async fn old_records_are_counted_and_not_posted() {
    let mut trial = Trial::new(Config { max_age: Some(Duration::from_secs(3600)), ..config() }, &[], true);
    let alerts = [(Some(0), "f"), (Some(0), "g"), (Some(2), "f"), (Some(3), "f"), (None, "t")];
    let batch = trial.batch(&[3601, 9999, 3600, 7200], &alerts);
    trial.sink.send(batch).await.unwrap();
    let balance = trial.settle().await;
    assert!(balance.to_string().contains("delivered 1 + dropped 3 (no alert 1, older than max_age 2)"), "{balance}");
    sleep(Duration::from_secs(1)).await;
    assert_eq!(trial.taken(), ["f", "t"], "an old record opens no window, and a tick's alert is never too old");
    assert_eq!(trial.sink.counters().snapshot().too_old, 3);
    sleep(Duration::from_secs(600)).await;
    assert_eq!(trial.taken(), Vec::<String>::new(), "and is no repeat");
}

#[tokio::test(start_paused = true)]
async fn alerts_about_no_record_hold_nothing() {
    let mut trial = Trial::new(config(), &[Told::Status(400, "no_text")], true);
    let batch = Batch::of_alerts(&trial.generation, vec![alert(None, "f"), alert(None, "g"), alert(None, "g")]);
    trial.sink.send(batch).await.unwrap();
    assert_eq!(trial.generation.in_flight(), 0);
    trial.sink.flush().await.unwrap();
    assert_eq!(trial.taken(), ["g", "g\nRepeated 1 time in the last 1s"]);
    assert_eq!(trial.graveyard.buried(), []);
}

#[tokio::test(start_paused = true)]
async fn a_record_with_several_alerts_leaves_after_the_last() {
    let mut trial = Trial::new(config(), &[Told::Status(400, "invalid_payload"), Told::Pause("60"), Told::Taken], true);
    trial.send(2, &[(Some(0), "f"), (Some(0), "g"), (Some(0), "f"), (Some(1), "f")]).await;
    sleep(Duration::from_secs(59)).await;
    assert_eq!(trial.generation.in_flight(), 1, "f is refused, g still waits");
    let balance = trial.settle().await;
    assert_eq!((balance.delivered, balance.dropped["repeat"]), (1, 1));
    assert_eq!(trial.graveyard.buried(), []);
}

#[tokio::test(start_paused = true)]
async fn a_window_that_is_closed_early_is_told() {
    let mut trial = Trial::new(config(), &[], true);
    let (large, other) = ("a".repeat(6 << 20), "b".repeat(6 << 20));
    trial.send(3, &[(Some(0), &large), (Some(1), &large), (Some(2), &other)]).await;
    trial.settle().await;
    sleep(Duration::from_secs(1)).await;
    let taken = trial.taken();
    assert_eq!(taken.iter().map(|text| &text[..1]).collect::<Vec<_>>(), ["a", "b", "a"]);
    assert!(taken[2].ends_with("\nRepeated 1 time in the last 1s"));
}

#[tokio::test(start_paused = true)]
async fn a_stop_tells_repeats_and_does_not_wait_for_ever() {
    let mut trial = Trial::new(config(), &[], true);
    trial.send(4, &[(Some(0), "f"), (Some(1), "f"), (Some(2), "f"), (Some(3), "g")]).await;
    trial.settle().await;
    sleep(Duration::from_secs(90)).await;
    trial.send(1, &[(Some(0), "h")]).await;
    trial.sink.flush().await.unwrap();
    assert_eq!(trial.taken(), ["f", "g", "h", "f\nRepeated 2 times in the last 1m30s"]);

    trial.fake.state().always = Some(Told::Away);
    trial.send(2, &[(Some(0), "i"), (Some(1), "i")]).await;
    let began = Instant::now();
    trial.sink.flush().await.unwrap();
    assert_eq!(began.elapsed(), LAST_WORDS);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_sink_gives_back_what_is_not_resolved() {
    let mut trial = Trial::new(Config { queue: 1, ..config() }, &[], true);
    trial.fake.state().always = Some(Told::Away);
    trial.send(3, &[(Some(0), "a"), (Some(2), "a")]).await;
    tokio::task::yield_now().await;
    trial.send(1, &[(Some(0), "b")]).await;
    let batch = trial.batch(&[0, 0, 0], &[(Some(0), "c"), (Some(1), "c"), (Some(2), "a")]);
    let waited = timeout(Duration::from_secs(100), trial.sink.send(batch)).await;
    assert!(waited.is_err());
    let (generation, counters) = (trial.generation.clone(), trial.sink.counters().clone());
    generation.stopping();
    drop(trial);
    timeout(Duration::from_secs(60), generation.settled()).await.expect("not settled");
    let balance = generation.ledger().balance();
    // a, b and all three of the batch that waited; what was dropped before stays dropped.
    assert_eq!((balance.read, balance.returned), (7, 5), "{balance}");
    assert!(balance.is_balanced(), "{balance}");
    assert_eq!(counters.snapshot().queued, 0);
}

#[tokio::test(start_paused = true)]
async fn dead_letters_that_cannot_be_sent_are_not_lost() {
    let mut trial = Trial::new(config(), &[], true);
    let graveyard = Arc::new(Graveyard { is_closed: true, ..Graveyard::default() });
    trial.fake.state().told = [Told::Status(400, "")].into();
    trial.sink = Slack::with_endpoint(config(), trial.generation.clone(), Some(graveyard), trial.fake.clone());
    trial.send(2, &[(Some(0), "f"), (Some(1), "g")]).await;
    let failure = timeout(Duration::from_secs(60), trial.generation.failure()).await.unwrap();
    assert!(!failure.text.is_empty());
    trial.generation.settled().await;
    assert_eq!(trial.generation.ledger().balance().returned, 2, "the next generation reads both again");
}

/// One step of the property test.
#[derive(Clone, Debug)]
enum Step {
    /// Ages of the records in seconds, and alerts (record or none, group).
    Batch(Vec<u64>, Vec<(Option<u32>, usize)>),
    Wait(u64),
}

fn told() -> impl Strategy<Value = Told> {
    let pause = prop::sample::select(vec!["1", "20", "x", "Wed, 15 Nov 2023 00:00:00 GMT"]).prop_map(Told::Pause);
    let status =
        prop::sample::select(vec![400, 400, 403, 404, 408, 413, 500, 503, 302]).prop_map(|s| Told::Status(s, ""));
    prop_oneof![3 => Just(Told::Taken), 1 => pause, 2 => status, 1 => Just(Told::Away)]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let batch = prop::collection::vec(0..100u64, 1..5).prop_flat_map(|ages| {
        let item = prop::option::weighted(0.8, 0..ages.len() as u32);
        let alerts = prop::collection::vec((item, 0..4usize), 0..6);
        alerts.prop_map(move |mut alerts| {
            alerts.sort();
            Step::Batch(ages.clone(), alerts)
        })
    });
    prop::collection::vec(prop_oneof![3 => batch, 1 => (0..400u64).prop_map(Step::Wait)], 1..12)
}

async fn every_record_leaves_once(
    steps: Vec<Step>,
    told: Vec<Told>,
    config: Config,
    has_dead_letters: bool,
    cut: bool,
) {
    let mut trial = Trial::new(config, &told, has_dead_letters);
    trial.fake.state().slowness = Duration::from_millis(300);
    let (mut alerts, mut records) = (0, 0);
    for step in steps {
        match step {
            Step::Wait(seconds) => sleep(Duration::from_secs(seconds)).await,
            Step::Batch(ages, raised) => {
                let named: Vec<_> = raised.iter().map(|(item, group)| (*item, ["a", "b", "c", "d"][*group])).collect();
                (alerts, records) = (alerts + named.len() as u64, records + ages.len() as u64);
                let batch = trial.batch(&ages, &named);
                trial.sink.send(batch).await.unwrap();
            }
        }
    }
    let (generation, counters) = (trial.generation.clone(), trial.sink.counters().clone());
    if cut {
        generation.stopping();
        drop(trial);
        timeout(Duration::from_secs(60), generation.settled()).await.expect("not settled");
        let balance = generation.ledger().balance();
        assert!(balance.is_balanced() && balance.read == records, "{balance}");
        // The last message may be about no record; its task ends a turn later.
        sleep(Duration::from_secs(1)).await;
        return assert_eq!(counters.snapshot().queued, 0);
    }
    // Everything is told before the end, so that the numbers can be added up.
    sleep(Duration::from_secs(100_000)).await;
    trial.sink.flush().await.unwrap();
    let balance = trial.settle().await;
    assert_eq!(balance.read, records);
    let seen = counters.snapshot();
    let dead: u64 = balance.dead_lettered.values().sum();
    assert_eq!(dead, trial.graveyard.buried().len() as u64);
    let taken = trial.taken();
    let repeated = |text: &String| {
        text.split_once("Repeated ").map(|(_, rest)| rest.split_once(' ').unwrap().0.parse::<u64>().unwrap())
    };
    let numbers: Vec<_> = taken.iter().filter_map(repeated).collect();
    assert_eq!((seen.posted + seen.summaries, seen.summaries), (taken.len() as u64, numbers.len() as u64));
    assert_eq!(seen.queued, 0);
    if seen.refused + seen.gave_up == 0 {
        assert_eq!(numbers.iter().sum::<u64>(), seen.repeats, "every repeat is told");
        assert_eq!(seen.posted + seen.repeats + seen.too_old, alerts);
        assert_eq!(dead, 0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn every_record_leaves_once_whatever_happens(
        steps in steps(),
        told in prop::collection::vec(told(), 0..30),
        queue in 1..4usize,
        max_age in prop::option::of(Just(Duration::from_secs(50))),
        give_up_after in prop::option::of(Just(Duration::from_secs(10))),
        has_dead_letters: bool,
        cut: bool,
    ) {
        let config = Config { queue, max_age, give_up_after, window: Duration::from_secs(60), ..config() };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(every_record_leaves_once(steps, told, config, has_dead_letters, cut));
    }
}
