//! What is wrong with the webhook, logged when it changes and once a minute while it lasts.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;
use tracing::{info, warn};

use crate::{COMPONENT, Counters};

/// How often a trouble that lasts is told again.
const REMINDER: Duration = Duration::from_secs(60);

/// The trouble that lasts, if there is one. No text has anything of a record or of the URL in it.
#[derive(Debug)]
pub struct Complaints {
    lasting: Option<(String, Instant)>,
    counters: Arc<Counters>,
}

impl Complaints {
    pub fn new(counters: Arc<Counters>) -> Self {
        Self { lasting: None, counters }
    }

    /// Messages wait because of this; true if it was logged.
    pub fn say(&mut self, why: &str) -> bool {
        let now = Instant::now();
        if self.lasting.as_ref().is_some_and(|(known, told)| known == why && now - *told < REMINDER) {
            return false;
        }
        self.lasting = Some((why.to_owned(), now));
        self.counters.set_last_error(why);
        warn!("{COMPONENT}: {why}; alerts wait and are tried again, none is skipped");
        true
    }

    /// One message will not be posted; `outcome` says what becomes of its record.
    pub fn lost(&self, why: &str, outcome: &str) {
        self.counters.set_last_error(why);
        warn!("{COMPONENT}: {why}; {outcome}");
    }

    /// The webhook took a message; true if it was in trouble.
    pub fn over(&mut self) -> bool {
        let was = self.lasting.take().is_some();
        if was {
            info!("{COMPONENT}: the webhook takes messages again");
        }
        was
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn changes_are_told_and_what_lasts_once_a_minute() {
        let counters = Arc::new(Counters::default());
        let mut complaints = Complaints::new(counters.clone());
        assert!(!complaints.over());
        assert!(complaints.say("is down"));
        assert!(!complaints.say("is down"));
        assert!(complaints.say("is slow"));
        tokio::time::advance(Duration::from_secs(59)).await;
        assert!(!complaints.say("is slow"));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(complaints.say("is slow"));
        assert!(!complaints.say("is slow"));
        assert!(complaints.over());
        assert!(!complaints.over());
        assert!(complaints.say("is slow"));
        assert_eq!(counters.snapshot().last_error.as_deref(), Some("is slow"));
    }
}
