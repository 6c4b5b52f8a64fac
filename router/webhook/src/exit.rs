//! The ways out of the sink: how records leave, and what the books say of it.

use std::sync::Arc;

use sluice_core::{Batch, DeadLetters, Failure, Ledger, Receipt, Tally};

use crate::share::{Ending, Share};

/// How records leave a sink of alerts.
#[derive(Debug)]
pub struct Exit<D> {
    dead_letters: Option<Arc<D>>,
    ledger: Arc<Ledger>,
    no_alert: Tally,
    too_old: Tally,
    repeat: Tally,
}

impl<D: DeadLetters> Exit<D> {
    pub fn new(ledger: Arc<Ledger>, dead_letters: Option<Arc<D>>) -> Self {
        let [no_alert, too_old, repeat] =
            ["no alert", "older than max_age", "repeat"].map(|reason| ledger.dropped_by(reason));
        Self { dead_letters, ledger, no_alert, too_old, repeat }
    }

    pub fn has_dead_letters(&self) -> bool {
        self.dead_letters.is_some()
    }

    /// `count` records of `receipt` raised no alert.
    pub fn silent(&self, receipt: &mut Receipt, count: u32) {
        receipt.drop_some(count, &self.no_alert);
    }

    /// The record of this receipt is too old to tell anybody.
    pub fn too_old(&self, mut receipt: Receipt) {
        receipt.drop_some(receipt.count(), &self.too_old);
    }

    /// Prepares for the case that the alert about this record is not posted.
    pub fn keep(&self, share: &Share, batch: &Batch, index: u32) {
        if self.dead_letters.is_some() {
            share.keep(batch, index);
        }
    }

    /// One alert of the record ended, and the record leaves if it was the last. An error is that of the dead letters,
    /// and the record is given back.
    pub async fn end(&self, share: &Share, ending: Ending) -> Result<(), Failure> {
        let Some((mut receipt, ending, letter)) = share.end(ending) else { return Ok(()) };
        let (by, reason, cause) = match ending {
            Ending::Posted => {
                receipt.delivered();
                return Ok(());
            }
            Ending::Repeated => {
                receipt.drop_some(1, &self.repeat);
                return Ok(());
            }
            Ending::Refused(cause) => ("refused", "refused_by_slack", cause),
            Ending::GaveUp(cause) => ("gave up", "slack_gave_up", cause),
        };
        let (Some(dead_letters), Some(letter)) = (&self.dead_letters, letter) else {
            receipt.drop_some(1, &self.ledger.dropped_by(by));
            return Ok(());
        };
        let tally = self.ledger.dead_lettered_for(reason);
        dead_letters.send(letter.into_dead_letter(reason, cause, receipt, tally)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::share::Cause;
    use crate::testing::{Graveyard, documents, generation};

    fn cause(status: u16) -> Cause {
        Cause { status: Some(status), detail: format!("said {status}") }
    }

    /// How a record leaves after its alerts ended so, with and without dead letters.
    async fn check(endings: &[Ending], with: &str, without: &str) {
        for (expected, is_kept) in [(with, true), (without, false)] {
            let generation = generation();
            let graveyard = Arc::new(Graveyard::default());
            let exit = Exit::new(generation.ledger().clone(), is_kept.then(|| graveyard.clone()));
            let mut batch = documents(&generation, 5, &[br#"{"log":"x"}"#]);
            let share = Share::new(batch.take_receipt(), endings.len() as u32);
            exit.keep(&share, &batch, 0);
            for (at, ending) in endings.iter().enumerate() {
                assert_eq!(generation.in_flight(), 1, "{endings:?} after {at}");
                exit.end(&share, ending.clone()).await.unwrap();
            }
            assert_eq!(generation.in_flight(), 0, "{endings:?}");
            let balance = generation.ledger().balance();
            assert!(balance.is_balanced(), "{balance}");
            assert!(balance.to_string().contains(expected), "{endings:?}: {balance} has no {expected}");
            for buried in graveyard.buried() {
                assert_eq!((buried.bytes.as_slice(), buried.position), (&br#"{"log":"x"}"#[..], 5));
                assert_eq!(buried.detail, format!("said {}", buried.status.unwrap()));
            }
        }
    }

    #[tokio::test]
    async fn a_record_leaves_by_the_best_end_of_its_alerts() {
        let refused = |status| Ending::Refused(cause(status));
        let gave_up = |status| Ending::GaveUp(cause(status));
        check(&[Ending::Posted], "delivered 1", "delivered 1").await;
        check(&[Ending::Repeated], "(repeat 1)", "(repeat 1)").await;
        check(&[refused(400)], "(refused_by_slack 1)", "(refused 1)").await;
        check(&[gave_up(503)], "(slack_gave_up 1)", "(gave up 1)").await;
        check(&[Ending::Posted, refused(400), Ending::Repeated], "delivered 1", "delivered 1").await;
        check(&[refused(400), Ending::Repeated], "(refused_by_slack 1)", "(refused 1)").await;
        check(&[gave_up(503), refused(413)], "(refused_by_slack 1)", "(refused 1)").await;
        check(&[Ending::Repeated, Ending::Repeated], "(repeat 1)", "(repeat 1)").await;
    }

    #[test]
    fn a_share_that_is_dropped_gives_its_record_back() {
        let generation = generation();
        let share = Share::new(documents(&generation, 0, &[b"{}"]).take_receipt(), 2);
        assert!(share.end(Ending::Posted).is_none());
        drop(share);
        assert_eq!(generation.ledger().balance().returned, 1);
        assert!(generation.first_failure().is_some());
    }
}
