//! What happens, as people want to know it: the router's log lines that are news, and the demo's own.

use std::{
    collections::VecDeque,
    fmt::{self, Write as _},
    fs::File,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use sluice_demo::snapshot::{Event, Kind};
use tracing::{Level, Subscriber, field::Field};
use tracing_subscriber::{EnvFilter, Layer, layer, layer::SubscriberExt as _, util::SubscriberInitExt as _};

const KEPT: usize = 100;
/// Hexadecimal digits of a digest that are told.
pub(super) const DIGITS: usize = 8;
/// Where log lines come from that tell of a change.
const CHANGES: [&str; 4] = ["sluice::reload", "sluice::process::current", "sluice::process::news", "sluice_wasm"];

/// The last events, and the marks of the start.
pub(super) struct Events {
    began: Instant,
    newest: Mutex<VecDeque<Event>>,
    marks: Mutex<Vec<(&'static str, Duration)>>,
}

impl Events {
    /// Starts the log, whose lines go to the file; those that are news are kept here, too.
    pub fn record(log: &Path) -> Result<Arc<Self>> {
        let file = File::create(log).with_context(|| format!("cannot create {}", log.display()))?;
        let events = Arc::new(Self { began: Instant::now(), newest: Mutex::default(), marks: Mutex::default() });
        let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,rdkafka=off"));
        let lines = tracing_subscriber::fmt::layer().with_writer(Mutex::new(file)).with_ansi(false).with_target(false);
        let log = tracing_subscriber::registry().with(filter).with(lines).with(Recorder(events.clone()));
        log.try_init().context("the log has been started already")?;
        Ok(events)
    }

    /// Since the demo began.
    pub fn now(&self) -> Duration {
        self.began.elapsed()
    }

    pub fn since_start(&self, moment: Instant) -> Duration {
        moment.saturating_duration_since(self.began)
    }

    pub fn tell(&self, kind: Kind, text: &str) {
        let mut newest = self.newest();
        newest.push_front(Event { at: self.now(), kind, text: text.to_owned() });
        newest.truncate(KEPT);
    }

    /// Tells a number that grows: instead of the event before, if that told the same number.
    pub fn tell_count(&self, what: &str, count: u64) {
        let mut newest = self.newest();
        newest.pop_front_if(|event| event.text.starts_with(what));
        drop(newest);
        self.tell(Kind::Note, &format!("{what}: {count}"));
    }

    /// Tells of a step of the start, once, with the time that it took until then.
    pub fn mark(&self, step: &'static str) {
        let mut marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
        if marks.iter().all(|(known, _)| *known != step) {
            let now = self.now();
            marks.push((step, now));
            drop(marks);
            self.tell(Kind::Note, &format!("{step} after {} ms", now.as_millis()));
            tracing::info!(step, after_ms = now.as_millis() as u64, "started");
        }
    }

    /// The steps of the start in one line.
    pub fn start_times(&self) -> String {
        let marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
        let marks: Vec<String> = marks.iter().map(|(step, at)| format!("{step} after {} ms", at.as_millis())).collect();
        if marks.is_empty() { String::new() } else { format!("the start: {}\n", marks.join(", ")) }
    }

    /// The newest first.
    pub fn latest(&self) -> Vec<Event> {
        self.newest().iter().cloned().collect()
    }

    /// The last faults for an error's text.
    pub fn last_faults(&self) -> String {
        let newest = self.newest();
        let faults = newest.iter().filter(|event| event.kind == Kind::Fault).take(3);
        let faults: Vec<&str> = faults.map(|event| event.text.as_str()).collect();
        if faults.is_empty() { "the demo did not end as it should".into() } else { faults.join("; ") }
    }

    fn newest(&self) -> MutexGuard<'_, VecDeque<Event>> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Recorder(Arc<Events>);

impl<S: Subscriber> Layer<S> for Recorder {
    fn on_event(&self, event: &tracing::Event<'_>, _: layer::Context<'_, S>) {
        let metadata = event.metadata();
        let kind = match *metadata.level() {
            Level::ERROR | Level::WARN => Kind::Fault,
            Level::INFO if CHANGES.iter().any(|target| metadata.target().starts_with(target)) => Kind::Change,
            _ => return,
        };
        let mut words = Words::default();
        event.record(&mut words);
        self.0.tell(kind, &words.sentence());
    }
}

/// A log line in one sentence: the message, and the fields behind it.
#[derive(Default)]
struct Words {
    message: String,
    fields: String,
}

impl Words {
    fn sentence(self) -> String {
        let fields = self.fields.trim_end();
        if fields.is_empty() { self.message } else { format!("{} ({fields})", self.message) }
    }

    fn add(&mut self, field: &Field, value: fmt::Arguments) {
        // Writing to a String cannot fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value}"),
            name => write!(self.fields, "{name} {} ", short(&value.to_string())),
        };
    }
}

/// A digest by its first digits.
fn short(value: &str) -> &str {
    value.strip_prefix("sha256:").and_then(|digits| digits.get(..DIGITS)).unwrap_or(value)
}

impl tracing::field::Visit for Words {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, format_args!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn news_are_kept_and_the_rest_is_not() {
        let events = Arc::new(Events { began: Instant::now(), newest: Mutex::default(), marks: Mutex::default() });
        let log = tracing_subscriber::registry().with(Recorder(events.clone()));
        tracing::subscriber::with_default(log, || {
            tracing::info!("books");
            tracing::info!(target: "sluice::reload", count = 3, of = "ship", to = %"sha256:0123456789abcdef", "taken");
            tracing::warn!(reason = %"no such file", "refused");
            for _ in 0..KEPT {
                tracing::debug!("noise");
            }
        });
        let texts: Vec<(Kind, String)> = events.latest().into_iter().map(|event| (event.kind, event.text)).collect();
        let expect = [
            (Kind::Fault, "refused (reason no such file)".to_owned()),
            (Kind::Change, "taken (count 3 of ship to 01234567)".to_owned()),
        ];
        assert_eq!(texts, expect);
        assert_eq!(events.last_faults(), "refused (reason no such file)");
        for (count, expect) in [(1, 3), (2, 3)] {
            events.tell_count("log files rotated", count);
            assert_eq!(events.latest().len(), expect);
            assert_eq!(events.latest()[0].text, format!("log files rotated: {count}"));
        }
        for _ in 0..2 * KEPT {
            events.tell(Kind::Note, "more");
        }
        assert_eq!(events.latest().len(), KEPT);
        events.mark("up");
        events.mark("up");
        assert_eq!(events.start_times().matches("up after").count(), 1);
    }
}
