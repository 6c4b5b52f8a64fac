//! The receipt of a batch: resolves when every record has left, once each.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use crate::{Tally, generation::Generation, watermark::Lane};

/// A share in the delivery of one batch: so many records are still to be resolved by its holder.
///
/// Splitting a batch splits the receipt. Each record leaves once, as delivered, dropped or dead-lettered, and the
/// batch's position may move when none is left in any share. A share that is dropped unresolved means "not
/// delivered": its records are booked as returned, the position never moves past them, and the generation ends.
#[derive(Debug)]
pub struct Receipt {
    batch: Arc<Open>,
    count: u32,
}

/// What all shares of one batch have in common.
#[derive(Debug)]
pub(crate) struct Open {
    unresolved: AtomicU32,
    lane: Arc<Lane>,
    /// The number of the batch in its lane.
    sequence: u64,
    generation: Arc<Generation>,
}

impl Receipt {
    pub(crate) fn new(lane: Arc<Lane>, sequence: u64, count: u32, generation: Arc<Generation>) -> Self {
        generation.took(count);
        if count == 0 {
            lane.resolve(sequence);
        }
        let batch = Arc::new(Open { unresolved: AtomicU32::new(count), lane, sequence, generation });
        Self { batch, count }
    }

    /// Records that this share still has to resolve.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Takes `count` records (at most all) into a share of their own.
    pub fn split(&mut self, count: u32) -> Receipt {
        let count = count.min(self.count);
        self.count -= count;
        Receipt { batch: self.batch.clone(), count }
    }

    /// The sink has all records of this share, for good.
    pub fn delivered(mut self) {
        let count = std::mem::take(&mut self.count);
        self.batch.generation.ledger().delivered.add(count);
        self.batch.resolve(count);
    }

    /// A plugin dropped `count` records of this share (at most all); `by` is its tally in the ledger.
    pub fn drop_some(&mut self, count: u32, by: &Tally) {
        let count = count.min(self.count);
        self.count -= count;
        by.add(count);
        self.batch.resolve(count);
    }

    /// The dead-letter topic holds all records of this share; `why` is the reason's tally in the ledger.
    pub fn dead_lettered(mut self, why: &Tally) {
        let count = std::mem::take(&mut self.count);
        why.add(count);
        self.batch.resolve(count);
    }
}

impl Drop for Receipt {
    fn drop(&mut self) {
        if self.count > 0 {
            self.batch.generation.gave_back(self.count);
        }
    }
}

impl Open {
    fn resolve(&self, count: u32) {
        if count == 0 {
            return;
        }
        let before = self.unresolved.fetch_sub(count, Ordering::AcqRel);
        debug_assert!(before >= count);
        if before == count {
            self.lane.resolve(self.sequence);
        }
        self.generation.resolved(count);
    }
}
