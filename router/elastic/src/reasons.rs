//! Why documents are refused: a bounded set of names, each with its tally in the books.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use sluice_core::{Generation, Place, Tally};
use tracing::warn;

/// More names than this are one: an index (or what pretends to be one) must not grow the books without bound.
const MOST: usize = 64;
const LONGEST: usize = 64;
const OTHER: &str = "other";

/// The reasons of one sink.
#[derive(Debug)]
pub struct Reasons {
    generation: Arc<Generation>,
    known: Mutex<BTreeMap<String, Tally>>,
}

impl Reasons {
    pub fn new(generation: Arc<Generation>) -> Self {
        Self { generation, known: Mutex::default() }
    }

    /// The name and the tally for what an index calls `kind`. The first of each name is logged with its place.
    pub fn of(&self, kind: &str, place: &Place) -> (String, Tally) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut name = if is_plain(kind) { kind } else { OTHER };
        if !known.contains_key(name) {
            if known.len() >= MOST {
                name = OTHER;
            }
            warn!(reason = name, %place, "a document goes to the dead letters; later ones for this reason are only counted");
        }
        let tally = || self.generation.ledger().dead_lettered_for(name);
        (name.to_owned(), known.entry(name.to_owned()).or_insert_with(tally).clone())
    }
}

/// Whether `kind` is such as `document_parsing_exception`: short, and safe in any log or metric.
pub fn is_plain(kind: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    !kind.is_empty() && kind.len() <= LONGEST && kind.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use sluice_core::Ledger;

    use super::*;

    #[test]
    fn names_are_bounded() {
        let ledger = Arc::new(Ledger::default());
        let reasons = Reasons::new(Generation::new(ledger.clone()));
        let place = Place::Partition { topic: "logs".into(), partition: 0 };
        for (kind, expected) in [
            ("document_parsing_exception", "document_parsing_exception"),
            ("not_a_json_object", "not_a_json_object"),
            ("", OTHER),
            ("Exception", OTHER),
            ("a b", OTHER),
            ("a-secret", OTHER),
            (&"a".repeat(64), &"a".repeat(64)),
            (&"a".repeat(65), OTHER),
        ] {
            let (name, tally) = reasons.of(kind, &place);
            assert_eq!(name, expected);
            tally.add(1);
        }
        assert_eq!(ledger.balance().dead_lettered["other"], 5);
        for number in 0..1000 {
            reasons.of(&format!("kind_{number}"), &place).1.add(1);
        }
        let books = ledger.balance().dead_lettered;
        assert_eq!(books.values().sum::<u64>(), 1008);
        assert!(books.len() <= MOST + 1, "{}", books.len());
    }
}
