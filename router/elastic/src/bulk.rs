//! A bulk on its way: one request's body, its items, and what each batch has in it.

use std::{ops::Range, sync::Arc};

use bytes::Bytes;
use sluice_core::{DeadLetter, Place, Receipt, RecordId};

use crate::{
    reasons::Reasons,
    response::{Outcome, Refusal},
    room::Held,
};

/// Items whose fate is not known yet. Dropping it gives their shares of the receipts back.
#[derive(Debug)]
pub struct Bulk {
    /// The items' lines end to end.
    pub(crate) body: Bytes,
    pub(crate) items: Vec<Item>,
    pub(crate) shares: Vec<Share>,
    /// Original bytes that the body does not show; see [`Patch`].
    pub(crate) aside: Bytes,
    pub(crate) held: Held,
}

/// One document: an action line and its own line in the body.
#[derive(Clone, Debug)]
pub struct Item {
    /// The action line begins, the document's line begins, and after its line feed, in the body.
    pub(crate) start: u32,
    pub(crate) line: u32,
    pub(crate) end: u32,
    /// Bytes that were put in after the document's `{`.
    pub(crate) stamp: u32,
    pub(crate) patch: Option<Patch>,
    /// Index of the batch's share in [`Bulk::shares`].
    pub(crate) share: u32,
    pub(crate) position: u64,
    pub(crate) id: RecordId,
    /// What its `@timestamp`, `_id` and index were made from, so that a dead letter that is read back makes the same.
    pub(crate) moment: u64,
}

/// Where a document's line differs from what came: `written`, relative to the line, stands for `original` in
/// [`Bulk::aside`].
#[derive(Clone, Debug)]
pub struct Patch {
    pub(crate) written: Range<u32>,
    pub(crate) original: Range<u32>,
}

/// What one batch has in a bulk.
#[derive(Debug)]
pub struct Share {
    pub(crate) receipt: Receipt,
    pub(crate) place: Arc<Place>,
}

/// What an answer did to a bulk.
#[derive(Debug, Default)]
pub struct Settled {
    pub delivered: usize,
    /// Of `delivered`, those that were there already.
    pub repeated: usize,
    pub letters: Vec<DeadLetter>,
    /// Why an item has to be sent again, of the first of them.
    pub again: Option<Refusal>,
}

impl Bulk {
    /// Documents in it.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The request's body: a cheap handle.
    pub fn body(&self) -> Bytes {
        self.body.clone()
    }

    /// Resolves what is delivered and takes out what is refused, by one outcome an item; the rest stays for the next
    /// attempt. An item without an outcome stays.
    pub fn settle(&mut self, outcomes: Vec<Outcome>, reasons: &Reasons) -> Settled {
        let mut settled = Settled::default();
        let mut delivered = vec![0; self.shares.len()];
        let mut left = Vec::new();
        let mut outcomes = outcomes.into_iter();
        for item in std::mem::take(&mut self.items) {
            match outcomes.next() {
                Some(Outcome::Delivered { repeated }) => {
                    delivered[item.share as usize] += 1;
                    settled.delivered += 1;
                    settled.repeated += usize::from(repeated);
                }
                Some(Outcome::Rejected(refusal)) => {
                    settled.letters.push(self.letter(&item, refusal, reasons));
                }
                Some(Outcome::Again(refusal)) => {
                    settled.again.get_or_insert(refusal);
                    left.push(item);
                }
                None => left.push(item),
            }
        }
        for (share, count) in self.shares.iter_mut().zip(delivered) {
            share.receipt.split(count).delivered();
        }
        self.keep(left);
        settled
    }

    /// Refuses every item for the same reason.
    pub fn reject(&mut self, refusal: &Refusal, reasons: &Reasons) -> Vec<DeadLetter> {
        let outcomes = vec![Outcome::Rejected(refusal.clone()); self.items.len()];
        self.settle(outcomes, reasons).letters
    }

    /// Two bulks of half the documents each, which share the memory of the body.
    pub fn halve(mut self) -> (Bulk, Bulk) {
        let mut items = self.items.split_off(self.items.len() / 2);
        let at = items.first().map_or(self.body.len() as u32, |item| item.start);
        let mut counts = vec![0; self.shares.len()];
        for item in &mut items {
            item.start -= at;
            item.line -= at;
            item.end -= at;
            counts[item.share as usize] += 1;
        }
        let share = |(share, count): (&mut Share, u32)| {
            let receipt = share.receipt.split(count);
            Share { receipt, place: share.place.clone() }
        };
        let shares = self.shares.iter_mut().zip(counts).map(share).collect();
        let body = self.body.split_off(at as usize);
        let held = self.held.split(body.len());
        let second = Bulk { body, items, shares, aside: self.aside.clone(), held };
        (self, second)
    }

    /// Goes on with `items` only.
    fn keep(&mut self, mut items: Vec<Item>) {
        if items.iter().map(|item| (item.end - item.start) as usize).sum::<usize>() == self.body.len() {
            self.items = items;
            return;
        }
        let mut body = Vec::new();
        for item in &mut items {
            let start = body.len() as u32;
            body.extend_from_slice(&self.body[item.start as usize..item.end as usize]);
            (item.line, item.end) = (start + item.line - item.start, start + item.end - item.start);
            item.start = start;
        }
        self.body = body.into();
        self.items = items;
        self.held.set(self.body.len() + if self.items.is_empty() { 0 } else { self.aside.len() });
    }

    fn letter(&mut self, item: &Item, refusal: Refusal, reasons: &Reasons) -> DeadLetter {
        let bytes = self.original(item);
        let share = &mut self.shares[item.share as usize];
        let (reason, tally) = reasons.of(&refusal.kind, &share.place);
        DeadLetter {
            bytes,
            reason,
            detail: refusal.detail,
            status: Some(refusal.status),
            place: share.place.clone(),
            position: item.position,
            id: item.id,
            time: item.moment,
            receipt: share.receipt.split(1),
            tally,
        }
    }

    /// The document byte for byte as it came.
    fn original(&self, item: &Item) -> Vec<u8> {
        let line = &self.body[item.line as usize..item.end as usize - 1];
        let mut original = Vec::with_capacity(line.len());
        let mut at = 0;
        if item.stamp > 0 {
            original.push(b'{');
            at = 1 + item.stamp as usize;
        }
        if let Some(Patch { written, original: aside }) = &item.patch {
            original.extend_from_slice(&line[at..written.start as usize]);
            original.extend_from_slice(&self.aside[aside.start as usize..aside.end as usize]);
            at = written.end as usize;
        }
        original.extend_from_slice(&line[at..]);
        original
    }
}
