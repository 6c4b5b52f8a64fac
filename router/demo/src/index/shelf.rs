//! What the index keeps: every id for a while, and the newest documents.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

/// Ids that are known, and so answered with 409. A repeat comes soon after the first, if at all.
const IDS: usize = 500_000;
/// Documents kept to be shown.
const DOCUMENTS: usize = 1_000;

/// A document as it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    pub index: String,
    pub id: String,
    /// JSON, with the fields in the order in which they came.
    pub source: String,
}

#[derive(Default)]
pub(crate) struct Shelf {
    /// Created, over all time.
    pub documents: u64,
    /// Refused as known, over all time.
    pub repeats: u64,
    known: HashSet<Arc<str>>,
    order: VecDeque<Arc<str>>,
    newest: VecDeque<Document>,
}

impl Shelf {
    /// Whether it is new; else nothing changes but the count of repeats.
    pub(crate) fn create(&mut self, document: Document) -> bool {
        let key: Arc<str> = format!("{}/{}", document.index, document.id).into();
        if !self.known.insert(key.clone()) {
            self.repeats += 1;
            return false;
        }
        self.order.push_back(key);
        if self.order.len() > IDS
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        self.documents += 1;
        self.newest.push_front(document);
        self.newest.truncate(DOCUMENTS);
        true
    }

    /// From the newest on.
    pub(crate) fn newest(&self) -> impl Iterator<Item = &Document> {
        self.newest.iter()
    }

    pub(crate) fn latest(&self, wanted: impl Fn(&Document) -> bool) -> Option<&Document> {
        self.newest().find(|document| wanted(document))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_bounded_and_a_repeat_is_known() {
        let document =
            |id: usize| Document { index: "logs".into(), id: id.to_string(), source: format!("{{\"n\":{id}}}") };
        let mut shelf = Shelf::default();
        for id in 0..IDS + 10 {
            assert!(shelf.create(document(id)), "{id}");
        }
        assert!(!shelf.create(document(IDS)));
        assert!(!shelf.create(document(10)), "the oldest that is known");
        assert!(shelf.create(document(0)), "forgotten");
        assert_eq!((shelf.documents, shelf.repeats), (IDS as u64 + 11, 2));
        assert_eq!((shelf.known.len(), shelf.order.len(), shelf.newest.len()), (IDS, IDS, DOCUMENTS));
        assert_eq!(shelf.latest(|document| document.id.ends_with('7')).unwrap().id, (IDS + 7).to_string());
        assert_eq!(shelf.latest(|_| false), None);
    }
}
