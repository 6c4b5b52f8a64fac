//! Whether a request that is refused whole is refused for one of its documents, or for what is around them.
//!
//! A wrong address refuses everything; a poisonous document is refused while others are taken. So a document is at fault
//! only if it is refused alone, and the same host has taken other documents since a request with it was refused.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

/// How many bulks each host has answered document by document.
#[derive(Debug, Default)]
pub struct Takers {
    by_host: Mutex<BTreeMap<Arc<str>, u64>>,
}

/// The state of [`Takers`] when a request was refused whole.
#[derive(Clone, Debug)]
pub struct Suspicion {
    taken: BTreeMap<Arc<str>, u64>,
}

impl Takers {
    /// The host has answered a bulk document by document.
    pub fn took(&self, host: &Arc<str>) {
        *self.by_host.lock().unwrap_or_else(PoisonError::into_inner).entry(host.clone()).or_default() += 1;
    }

    pub fn suspect(&self) -> Suspicion {
        Suspicion { taken: self.by_host.lock().unwrap_or_else(PoisonError::into_inner).clone() }
    }

    /// Whether the host has taken a bulk since the suspicion rose.
    pub fn confirms(&self, suspicion: &Suspicion, host: &Arc<str>) -> bool {
        let now = self.by_host.lock().unwrap_or_else(PoisonError::into_inner).get(host).copied();
        now > suspicion.taken.get(host).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_host_confirms_and_only_afterwards() {
        let (one, two): (Arc<str>, Arc<str>) = ("one".into(), "two".into());
        let takers = Takers::default();
        takers.took(&one);
        let suspicion = takers.suspect();
        assert!(!takers.confirms(&suspicion, &one), "it took one before");
        takers.took(&two);
        assert!(!takers.confirms(&suspicion, &one), "another host did");
        assert!(takers.confirms(&suspicion, &two), "its first one");
        takers.took(&one);
        assert!(takers.confirms(&suspicion, &one));
    }
}
