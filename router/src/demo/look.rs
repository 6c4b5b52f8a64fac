//! A look at everything: the router's handles, the stand-ins and the generator become a snapshot for the view.

use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration, Instant},
};

use sluice_core::Balance;
use sluice_demo::{
    Snapshot,
    snapshot::{Alert, Alerts, Lag, Pair, Pipeline, Plugin},
};
use sluice_node::Generator;

use super::{
    document,
    events::{DIGITS, Events},
    pair,
    scene::Scene,
};
use crate::{
    assemble::{SinkCounters, SourceCounters},
    process::{Observed, View},
};

/// Rates are those of so long.
const WINDOW: Duration = Duration::from_secs(3);
/// Between two samples for rates.
const SAMPLE: Duration = Duration::from_millis(250);
/// How long a record before and after is shown.
const PAIR: Duration = Duration::from_secs(4);
/// Alerts that are shown.
const ALERTS: usize = 40;

/// What is looked at.
pub(super) struct Sources<'a> {
    pub scene: &'a Scene,
    pub observed: &'a Observed,
    pub events: &'a Events,
    /// `None` when the containers have stopped.
    pub generator: Option<&'a Generator>,
    pub printed: u64,
    pub left: Option<Duration>,
    /// Whether the record before and after stays.
    pub hold: bool,
}

/// Remembers what rates are made of.
#[derive(Default)]
pub(super) struct Looker {
    samples: VecDeque<Sample>,
    rotations: u64,
    pair: Option<(Instant, Pair)>,
    turn: usize,
}

struct Sample {
    at: Instant,
    printed: u64,
    /// Read and delivered, by pipeline.
    pipelines: BTreeMap<String, (u64, u64)>,
}

impl Looker {
    pub fn look(&mut self, sources: &Sources) -> Snapshot {
        let now = Instant::now();
        let views = sources.observed.pipelines();
        let books: Vec<(&View, Balance)> = views.iter().map(|view| (view, view.ledger.balance())).collect();
        self.sample(now, sources.printed, &books);
        self.tell_rotations(sources);
        let documents = sources.scene.index.documents();
        mark_start(sources.events, &books, documents);
        if !sources.hold {
            self.change_pair(now, sources.scene);
        }
        Snapshot {
            elapsed: sources.events.now(),
            left: sources.left,
            printed: sources.printed,
            printed_per_s: self.rate(|sample| sample.printed),
            rotations: self.rotations,
            documents,
            pipelines: books.iter().map(|(view, balance)| self.pipeline(view, balance)).collect(),
            plugins: views.iter().flat_map(plugins).collect(),
            alerts: alerts(sources, &views),
            pair: self.pair.as_ref().map(|(_, pair)| pair.clone()),
            events: sources.events.latest(),
            places: sources.scene.places.clone(),
            hints: document::HINTS.map(str::to_owned).to_vec(),
        }
    }

    fn sample(&mut self, now: Instant, printed: u64, books: &[(&View, Balance)]) {
        if self.samples.back().is_some_and(|last| now - last.at < SAMPLE) {
            return;
        }
        let pipelines =
            books.iter().map(|(view, balance)| (view.name.clone(), (balance.kept(), balance.delivered))).collect();
        self.samples.push_back(Sample { at: now, printed, pipelines });
        while self.samples.front().is_some_and(|first| now - first.at > WINDOW) {
            self.samples.pop_front();
        }
    }

    /// A second, between the oldest sample and the newest.
    fn rate(&self, count: impl Fn(&Sample) -> u64) -> u64 {
        let Some((first, last)) = self.samples.front().zip(self.samples.back()) else { return 0 };
        let seconds = (last.at - first.at).as_secs_f64();
        if seconds == 0.0 {
            return 0;
        }
        (count(last).saturating_sub(count(first)) as f64 / seconds).round() as u64
    }

    fn tell_rotations(&mut self, sources: &Sources) {
        let Some(rotations) = sources.generator.map(Generator::rotations) else { return };
        if rotations > self.rotations {
            sources.events.tell_count("log files rotated", rotations);
        }
        self.rotations = rotations;
    }

    fn change_pair(&mut self, now: Instant, scene: &Scene) {
        if self.pair.as_ref().is_some_and(|(since, _)| now - *since < PAIR) {
            return;
        }
        self.turn += 1;
        if let Some(pair) = pair::find(scene, self.turn) {
            self.pair = Some((now, pair));
        }
    }

    fn pipeline(&self, view: &View, balance: &Balance) -> Pipeline {
        let of = |sample: &Sample| sample.pipelines.get(&view.name).copied().unwrap_or_default();
        Pipeline {
            name: view.name.clone(),
            route: format!("{} → {}", source(&view.source), sink(&view.sink)),
            read_per_s: self.rate(|sample| of(sample).0),
            delivered_per_s: self.rate(|sample| of(sample).1),
            lag: Some(match &view.source {
                SourceCounters::Files(_) => Lag::Bytes(lag(view)),
                SourceCounters::Kafka(_) => Lag::Records(lag(view)),
            }),
            in_flight: balance.in_flight(),
            delivered: balance.delivered,
            dropped: balance.dropped.values().sum(),
            dead_lettered: balance.dead_lettered.values().sum(),
            expired: balance.expired.values().sum(),
        }
    }
}

/// What takes the time at the start, for whoever wants it shorter.
fn mark_start(events: &Events, books: &[(&View, Balance)], documents: u64) {
    if books.iter().any(|(view, balance)| view.name == document::SHIP && balance.delivered > 0) {
        events.mark("first record in Kafka");
    }
    if documents > 0 {
        events.mark("first document in the index");
    }
}

fn source(counters: &SourceCounters) -> &'static str {
    match counters {
        SourceCounters::Files(_) => "files",
        SourceCounters::Kafka(_) => "kafka",
    }
}

fn sink(counters: &SinkCounters) -> &'static str {
    match counters {
        SinkCounters::Kafka(_) => "kafka",
        SinkCounters::Elasticsearch(_) => "elasticsearch",
        SinkCounters::Slack(_) => "slack",
    }
}

/// What the source tells that it has left to read, in bytes or in records.
pub(super) fn lag(view: &View) -> u64 {
    match &view.source {
        SourceCounters::Files(counters) => counters.lag_bytes.get(),
        SourceCounters::Kafka(status) => status.lag(),
    }
}

/// What an alert sink counts of itself; `None` of other sinks.
pub(super) fn told(counters: &SinkCounters) -> Option<sluice_webhook::Snapshot> {
    match counters {
        SinkCounters::Slack(counters) => Some(counters.snapshot()),
        _ => None,
    }
}

fn plugins(view: &View) -> Vec<Plugin> {
    let plugin = |plugin: &std::sync::Arc<sluice_wasm::Plugin>| {
        let counts = plugin.counters().read();
        let cost = (counts.records > 0).then(|| counts.time.as_nanos() as f64 / counts.records as f64);
        let digest = plugin.component().digest.to_string();
        Plugin {
            pipeline: view.name.clone(),
            name: plugin.name().to_owned(),
            digest: digest.split(':').next_back().unwrap_or_default().chars().take(DIGITS).collect(),
            records: counts.records,
            dropped: counts.dropped,
            edits: counts.edits,
            alerts: counts.alerts,
            faults: counts.faults,
            ns_per_record: cost,
        }
    };
    view.plugins().iter().map(plugin).collect()
}

fn alerts(sources: &Sources, views: &[View]) -> Alerts {
    let webhook = &sources.scene.webhook;
    let latest = webhook.latest(ALERTS).into_iter();
    Alerts {
        posted: webhook.posted(),
        repeats: views.iter().filter_map(|view| told(&view.sink)).map(|told| told.repeats).sum(),
        refused: webhook.refused(),
        latest: latest.map(|post| Alert { at: sources.events.since_start(post.at), text: post.text }).collect(),
    }
}
