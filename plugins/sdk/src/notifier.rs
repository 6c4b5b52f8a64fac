//! Plugins that raise alerts.
use crate::batch::Batch;
use crate::bindings::notifier;
pub use crate::bindings::notifier::Severity;
use crate::config::Config;
use crate::record::Record;

/// A plugin that raises alerts.
pub trait Notifier: Sized {
    /// Reads the options and says which fields are read. An error is shown to whoever wrote the configuration.
    fn configure(config: &mut Config) -> Result<Self, String>;

    /// Which records may be worth an alert, ascending; `None` for all. Worth writing where hardly any is, and
    /// [`Batch::sift`] can tell for all of them at once.
    fn candidates(&self, batch: &Batch) -> Option<Vec<usize>> {
        let _ = batch;
        None
    }

    /// The alert that the record is worth. Records come in order, each of the candidates once.
    fn notify(&mut self, record: &Record) -> Option<Alert>;

    /// Called about once a second, records or none. `now` is in nanoseconds since 1970.
    fn tick(&mut self, now: u64) -> Vec<Alert> {
        let _ = now;
        Vec::new()
    }
}

/// An alert, made piece by piece: `Alert::new(fingerprint).severity(Severity::Warning).text("…")`.
#[derive(Clone, Debug)]
pub struct Alert(pub(crate) notifier::Alert);

impl Alert {
    /// Alerts with the same fingerprint are repeats of one another. It has at most 256 bytes.
    /// The alert has severity `error`, no texts, and the colour of its severity.
    pub fn new(fingerprint: impl Into<String>) -> Self {
        Self(notifier::Alert {
            item: None,
            fingerprint: fingerprint.into(),
            severity: Severity::Error,
            title: String::new(),
            text: String::new(),
            details: Vec::new(),
            color: String::new(),
        })
    }

    pub fn severity(mut self, severity: Severity) -> Self {
        self.0.severity = severity;
        self
    }

    /// One line.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.0.title = title.into();
        self
    }

    /// Plain text; may have several lines.
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.0.text = text.into();
        self
    }

    /// A name and a value to be shown beside the text, after those that were given before.
    pub fn detail(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.details.push(notifier::Detail { name: name.into(), value: value.into() });
        self
    }

    /// `#rrggbb`.
    pub fn color(mut self, color: impl Into<String>) -> Self {
        self.0.color = color.into();
        self
    }
}

/// The alerts that `notifier` raises about a batch.
pub(crate) fn alerts<'a>(notifier: &mut impl Notifier, batch: &'a Batch<'a>) -> Vec<notifier::Alert> {
    let mut alerts = Vec::new();
    let candidates = notifier.candidates(batch);
    let mut ask = |index: usize| {
        if let Some(Alert(alert)) = notifier.notify(&batch.record(index)) {
            alerts.push(notifier::Alert { item: Some(index as u32), ..alert });
        }
    };
    match candidates {
        None => (0..batch.len()).for_each(&mut ask),
        Some(candidates) => candidates.into_iter().filter(|index| *index < batch.len()).for_each(&mut ask),
    }
    alerts
}

/// The alerts of a tick, which are about no record.
pub(crate) fn tick(notifier: &mut impl Notifier, now: u64) -> Vec<notifier::Alert> {
    notifier.tick(now).into_iter().map(|Alert(alert)| notifier::Alert { item: None, ..alert }).collect()
}
