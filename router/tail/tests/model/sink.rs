//! What arrived, and what is on its way.

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;
use sluice_core::{Batch, Receipt, RecordId};

use crate::fixture::see;

#[derive(Default)]
pub struct Sink {
    pub waiting: Vec<(Vec<Vec<usize>>, Receipt)>,
    /// The texts, each as the numbers of its parts, and what they are called.
    pub ids: HashMap<Vec<usize>, RecordId>,
    names: HashMap<RecordId, Vec<usize>>,
    /// Parts in the order in which they were handed over for the first time.
    pub order: Vec<usize>,
    seen: HashSet<usize>,
    /// Parts, and how often they were delivered.
    pub arrived: HashMap<usize, usize>,
}

impl Sink {
    pub fn take(&mut self, batch: Batch) {
        let texts: Vec<_> = see(&batch).into_iter().map(|seen| (numbers(&seen.text), seen.id)).collect();
        for (text, id) in &texts {
            let before = self.ids.insert(text.clone(), *id);
            assert!(before.is_none_or(|before| before == *id), "{text:?} has another identity when it is read again");
            let other = self.names.insert(*id, text.clone());
            assert!(other.is_none_or(|other| other == *text), "two texts have one identity, {text:?} is one of them");
            self.order.extend(text.iter().filter(|part| self.seen.insert(**part)));
        }
        self.waiting.push((texts.into_iter().map(|(text, _)| text).collect(), batch.into_parts().receipt));
    }

    pub fn deliver(&mut self, index: prop::sample::Index) {
        if !self.waiting.is_empty() {
            let (texts, receipt) = self.waiting.remove(index.index(self.waiting.len()));
            receipt.delivered();
            self.count(texts);
        }
    }

    pub fn deliver_some(&mut self, index: prop::sample::Index) {
        if !self.waiting.is_empty() {
            let index = index.index(self.waiting.len());
            let (texts, receipt) = &mut self.waiting[index];
            let some = texts.len() / 2;
            receipt.split(some as u32).delivered();
            let texts = texts.drain(..some).collect();
            self.count(texts);
        }
    }

    pub fn deliver_all(&mut self) {
        for (texts, receipt) in std::mem::take(&mut self.waiting) {
            receipt.delivered();
            self.count(texts);
        }
    }

    fn count(&mut self, texts: Vec<Vec<usize>>) {
        texts.into_iter().flatten().for_each(|part| *self.arrived.entry(part).or_default() += 1);
    }
}

/// Of `<1><20>`: 1 and 20.
pub fn numbers(text: &str) -> Vec<usize> {
    let parts = text.trim_end_matches('\n').strip_prefix('<').unwrap().strip_suffix('>').unwrap();
    parts.split("><").map(|number| number.parse().unwrap()).collect()
}
