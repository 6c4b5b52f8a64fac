//! A record's share of the receipt, held until all of its alerts have ended.

use std::sync::{Arc, Mutex, PoisonError};

use sluice_core::{Batch, DeadLetter, Place, Receipt, RecordId, Tally, encode::Encoding};

/// One record that alerts were raised about. If it is dropped before all of them ended, the record is given back.
#[derive(Debug)]
pub struct Share(Mutex<State>);

#[derive(Debug)]
struct State {
    receipt: Receipt,
    /// Alerts that have not ended.
    open: u32,
    /// How the record leaves: by the best end of its alerts.
    best: Ending,
    /// What goes to the dead letters should no alert be posted.
    letter: Option<Letter>,
}

/// How an alert ended, the worse before the better.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ending {
    /// A repeat of an alert that was posted or is about to be.
    Repeated,
    GaveUp(Cause),
    Refused(Cause),
    Posted,
}

/// What the webhook said at last.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cause {
    pub status: Option<u16>,
    pub detail: String,
}

/// A record as the dead letters get it, should it come to that.
#[derive(Debug)]
pub struct Letter {
    bytes: Vec<u8>,
    place: Arc<Place>,
    position: u64,
    id: RecordId,
    time: u64,
}

impl Share {
    /// `receipt` is that of one record, which `alerts` alerts are about.
    pub fn new(receipt: Receipt, alerts: u32) -> Arc<Self> {
        debug_assert_eq!(receipt.count(), 1);
        Arc::new(Self(Mutex::new(State { receipt, open: alerts, best: Ending::Repeated, letter: None })))
    }

    /// Keeps the record at `index` of `batch`, which is about to be posted.
    pub fn keep(&self, batch: &Batch, index: u32) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(record) = batch.records().get(index as usize) else { return };
        state.letter.get_or_insert_with(|| {
            let mut bytes = Vec::new();
            Encoding::default().append(batch, index as usize, &mut bytes);
            let (place, position) = (batch.place().clone(), record.position);
            Letter { bytes, place, position, id: record.id, time: record.time }
        });
    }

    /// One alert ended. After the last one: the receipt, how its record leaves, and the record if it was kept.
    pub fn end(&self, ending: Ending) -> Option<(Receipt, Ending, Option<Letter>)> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        debug_assert!(state.open > 0);
        state.open = state.open.saturating_sub(1);
        if ending > state.best {
            state.best = ending;
        }
        if state.open > 0 {
            return None;
        }
        let receipt = state.receipt.split(1);
        Some((receipt, std::mem::replace(&mut state.best, Ending::Repeated), state.letter.take()))
    }
}

impl Letter {
    pub fn into_dead_letter(self, reason: &str, cause: Cause, receipt: Receipt, tally: Tally) -> DeadLetter {
        let Letter { bytes, place, position, id, time } = self;
        let Cause { status, detail } = cause;
        DeadLetter { bytes, reason: reason.to_owned(), detail, status, place, position, id, time, receipt, tally }
    }
}
