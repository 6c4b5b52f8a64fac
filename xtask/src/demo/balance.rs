//! The balance of the books: what was printed against what the index holds and what the processes tell.

use sluice_node::Summary;

use super::audit::Audit;
use super::board::{sentence, thousands};
use super::fate::{Fate, printed};
use super::sluice::Books;

/// Prints it; `told` are the last books of each life of a process, and which life it was.
pub(crate) fn print(summary: &Summary, audit: &Audit, told: &[(&str, Books)]) {
    let line = |name: &str, count: u64| println!("  {name:<44} {:>10}", thousands(count));
    println!("\nThe balance of the books");
    line("lines that the containers printed", printed(summary));
    println!(
        "      in {} containers, {} KiB, {} rotations",
        summary.written.len(),
        thousands(summary.bytes / 1024),
        summary.rotations
    );
    line("= documents in the index", audit.documents);
    line("+ dropped on the node (trace)", Fate::Trace.count(summary));
    line("+ dropped by the indexer (debug)", Fate::Debug.count(summary));
    line("+ dead-lettered", told.iter().map(|(_, books)| books.dead_lettered).sum());
    line("+ expired", told.iter().map(|(_, books)| books.expired).sum());
    println!(
        "  missing {}, more than once {}, not to be there {}",
        audit.missing.len(),
        audit.repeated.len(),
        audit.unexpected.len()
    );
    println!("\nWhat the processes' own books say (what a killed one had not saved is read again by the next)");
    for (name, books) in told {
        println!("  {name:<21} {}", sentence(books));
    }
}

/// Why the books do not balance; empty if they do. `lost` are records that the processes' books say never reached the
/// index: dead-lettered or expired.
pub(crate) fn faults(audit: &Audit, lost: u64, told: &[(&str, Books)]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut name = |what: &str, lines: &[String]| {
        if !lines.is_empty() {
            faults.push(format!("{} {what}: {}", lines.len(), lines[..lines.len().min(5)].join(", ")));
        }
    };
    if audit.missing.len() as u64 > lost {
        name("lines are missing in the index", &audit.missing);
    }
    name("lines are in the index more than once", &audit.repeated);
    name("documents must not be there", &audit.unexpected);
    for end in ["ship to its end", "index to its end"] {
        let books = told.iter().find(|(name, _)| *name == end).map(|(_, books)| books);
        if books.is_none_or(|books| books.closed != Some(true) || books.in_flight > 0) {
            faults.push(format!("{end}: its own books are not closed and balanced"));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn books_that_do_not_balance_are_faults() {
        let closed = |balanced, in_flight| Books { closed: Some(balanced), in_flight, ..Books::default() };
        let ends = |books: Books| [("ship to its end", closed(true, 0)), ("index to its end", books)];
        let line = || vec!["web-1 line 1".to_owned()];
        for (audit, lost, told, expect) in [
            (Audit::default(), 0, ends(closed(true, 0)), 0),
            (Audit { missing: line(), ..Audit::default() }, 0, ends(closed(true, 0)), 1),
            (Audit { missing: line(), ..Audit::default() }, 1, ends(closed(true, 0)), 0),
            (Audit { repeated: line(), unexpected: line(), ..Audit::default() }, 9, ends(closed(true, 0)), 2),
            (Audit::default(), 0, ends(closed(false, 0)), 1),
            (Audit::default(), 0, ends(closed(true, 1)), 1),
            (Audit::default(), 0, ends(Books::default()), 1),
        ] {
            assert_eq!(faults(&audit, lost, &told).len(), expect, "{audit:?} {lost} {told:?}");
        }
        assert_eq!(faults(&Audit::default(), 0, &[]).len(), 2);
    }
}
