//! What is wrong with each host, logged when it changes and not at every attempt.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use tracing::{info, warn};

use crate::Counters;

/// The troubles that last.
#[derive(Debug)]
pub struct Complaints {
    by_host: Mutex<BTreeMap<Arc<str>, String>>,
    counters: Arc<Counters>,
}

impl Complaints {
    pub fn new(counters: Arc<Counters>) -> Self {
        Self { by_host: Mutex::default(), counters }
    }

    /// The host is in trouble. `text` says what and what to do, without any text of a record; true if it is new.
    pub fn say(&self, host: &Arc<str>, text: &str) -> bool {
        let mut by_host = self.by_host.lock().unwrap_or_else(PoisonError::into_inner);
        if by_host.get(host).is_some_and(|known| known == text) {
            return false;
        }
        by_host.insert(host.clone(), text.to_owned());
        self.counters.set_last_error(&format!("{host} {text}"));
        warn!("elasticsearch sink: {host} {text}; documents wait and are tried again, none is skipped");
        true
    }

    /// The host took a bulk whole; true if it was in trouble.
    pub fn over(&self, host: &Arc<str>) -> bool {
        let mut by_host = self.by_host.lock().unwrap_or_else(PoisonError::into_inner);
        let was = by_host.remove(host).is_some();
        if was {
            info!("elasticsearch sink: {host} takes documents again");
        }
        was
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_changes_are_told() {
        let counters = Arc::new(Counters::default());
        let complaints = Complaints::new(counters.clone());
        let (a, b): (Arc<str>, Arc<str>) = ("http://a".into(), "http://b".into());
        assert!(!complaints.over(&a));
        assert!(complaints.say(&a, "is down"));
        assert!(!complaints.say(&a, "is down"));
        assert!(complaints.say(&b, "is down"));
        assert!(complaints.say(&a, "is slow"));
        assert!(complaints.over(&a));
        assert!(!complaints.over(&a));
        assert!(complaints.say(&a, "is slow"));
        assert_eq!(counters.last_error().as_deref(), Some("http://a is slow"));
    }
}
