//! Which alerts are repeats: groups of alerts, each with a window that its first alert opened.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use sluice_core::Alert;
use tokio::time::Instant;

use crate::message::Repeats;

/// Windows open at once; beyond it the oldest is closed early.
const MOST_WINDOWS: usize = 10_000;
/// Texts of alerts that are kept to tell their repeats; beyond it the oldest window is closed early.
const MOST_BYTES: usize = 16 << 20;

/// The open windows. Knows no clock: callers say what time it is, and never an earlier time than before.
#[derive(Debug)]
pub struct Groups {
    window: Duration,
    open: HashMap<Arc<Key>, Group>,
    /// Ends of the open windows. All are of one length, so the first that opened is the first that ends.
    ends: VecDeque<(Instant, Arc<Key>)>,
    bytes: usize,
    most: usize,
}

/// Alerts of one plugin with the same fingerprint.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    plugin: String,
    fingerprint: String,
}

#[derive(Debug)]
struct Group {
    first: Arc<Alert>,
    opened: Instant,
    repeats: u64,
}

/// What is to be told of a window that closed: there were repeats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    pub first: Arc<Alert>,
    pub repeats: Repeats,
}

impl Groups {
    pub fn new(window: Duration) -> Self {
        Self { window, open: HashMap::new(), ends: VecDeque::new(), bytes: 0, most: MOST_WINDOWS }
    }

    /// True for a repeat, which is counted. Windows that ended by `now` have been closed before.
    pub fn count(&mut self, alert: &Alert) -> bool {
        let group = self.open.get_mut(&key(alert));
        group.is_some_and(|group| {
            group.repeats += 1;
            true
        })
    }

    /// Opens a window for the first alert of a group. Says what was closed to make room.
    pub fn open(&mut self, first: Arc<Alert>, now: Instant) -> Vec<Summary> {
        let key = Arc::new(key(&first));
        self.bytes += weight(&first);
        self.open.insert(key.clone(), Group { first, opened: now, repeats: 0 });
        self.ends.push_back((now + self.window, key));
        let mut closed = Vec::new();
        while self.ends.len() > self.most || (self.bytes > MOST_BYTES && self.ends.len() > 1) {
            closed.extend(self.close_oldest(now));
        }
        closed
    }

    /// When the next window ends.
    pub fn next_end(&self) -> Option<Instant> {
        self.ends.front().map(|(end, _)| *end)
    }

    /// Closes windows that ended, in silence where there were no repeats, up to the first that has something to tell.
    pub fn close_ended(&mut self, now: Instant) -> Option<Summary> {
        self.close_while(now, |groups| groups.next_end().is_some_and(|end| end <= now))
    }

    /// The same for windows that are still open.
    pub fn close_any(&mut self, now: Instant) -> Option<Summary> {
        self.close_while(now, |groups| !groups.ends.is_empty())
    }

    fn close_while(&mut self, now: Instant, more: impl Fn(&Self) -> bool) -> Option<Summary> {
        while more(self) {
            let summary = self.close_oldest(now);
            if summary.is_some() {
                return summary;
            }
        }
        None
    }

    fn close_oldest(&mut self, now: Instant) -> Option<Summary> {
        let (_, key) = self.ends.pop_front()?;
        let Group { first, opened, repeats } = self.open.remove(&key)?;
        self.bytes -= weight(&first);
        let within = (now - opened).min(self.window);
        (repeats > 0).then_some(Summary { first, repeats: Repeats { count: repeats, within } })
    }
}

fn key(alert: &Alert) -> Key {
    Key { plugin: alert.plugin.clone(), fingerprint: alert.fingerprint.clone() }
}

fn weight(alert: &Alert) -> usize {
    let details: usize = alert.details.iter().map(|(name, value)| name.len() + value.len()).sum();
    alert.title.len() + alert.text.len() + details + 2 * (alert.plugin.len() + alert.fingerprint.len())
}

#[cfg(test)]
#[path = "groups/tests.rs"]
mod tests;
