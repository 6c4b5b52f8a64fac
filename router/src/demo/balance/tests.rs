use sluice_node::Written;

use super::*;

/// Two pods with these lines: `web` info, debug, none; `cart` trace, error. All that must be is in the index.
fn report(change: impl FnOnce(&mut Count, &mut Balance, &mut Report)) -> (Vec<String>, String) {
    let written = Written::from([
        ("web".to_owned(), vec![Some(Level::Info), Some(Level::Debug), None]),
        ("cart".to_owned(), vec![Some(Level::Trace), Some(Level::Error)]),
    ]);
    let summary = Summary { written, files: Default::default(), bytes: 5000, rotations: 1, restarts: 0, exceptions: 5 };
    let seen = BTreeMap::from([("web".to_owned(), vec![1, 0, 1]), ("cart".to_owned(), vec![0, 1])]);
    let mut count = Count { seen, ..Count::default() };
    let dropped = BTreeMap::from([("drop-debug".to_owned(), 2)]);
    let mut ship = Balance { read: 5, delivered: 3, dropped, ..Balance::default() };
    let mut changed = Report::of_lines(&summary, count.clone());
    changed.alerts = Alerts { posted: 2, repeats: 3, others: 0, summaries: 1 };
    changed.taken = 3;
    change(&mut count, &mut ship, &mut changed);
    let Report { alerts, taken, behind, edited, undisturbed, exceptions, .. } = changed;
    let mut report = Report::of_lines(&summary, count);
    report = Report { alerts, taken, behind, edited, undisturbed, exceptions, ..report };
    let index = Balance { read: 3, delivered: 3, ..Balance::default() };
    report.books = vec![("ship".into(), ship), ("index".into(), index)];
    let text = report.to_string();
    assert!(text.contains("lines that the containers printed") && text.contains("ship   read"), "{text}");
    (report.faults(), report.end())
}

#[track_caller]
fn check(expect: &[&str], change: impl FnOnce(&mut Count, &mut Balance, &mut Report)) {
    let (faults, _) = report(change);
    assert_eq!(faults.len(), expect.len(), "{faults:#?}");
    for (fault, expect) in faults.iter().zip(expect) {
        assert!(
            fault.contains(expect),
            "{fault}
is not
{expect}"
        );
    }
}

#[test]
fn books_that_balance_have_no_faults() {
    check(&[], |_, _, _| {});
    let (_, end) = report(|_, _, _| {});
    assert_eq!(end, "every line is accounted for: the books balance\n");
}

#[test]
fn what_does_not_balance_is_a_fault() {
    let lost = |count: &mut Count| count.seen.insert("cart".into(), vec![0, 0]);
    check(
        &["1 lines are missing, of: cart line 1", "no plugin drops are not in the index: cart line 1"],
        |count, _, _| {
            lost(count);
        },
    );
    check(&["1 lines are missing"], |count, _, report| {
        lost(count);
        report.undisturbed = false;
    });
    check(&["more than once: web line 0 (2 times)"], |count, _, _| {
        count.seen.insert("web".into(), vec![2, 0, 1]);
    });
    check(&["2 documents are of no line"], |count, _, _| {
        count.seen.insert("web".into(), vec![1, 0, 1, 1]);
        count.strange = 1;
    });
    check(&["1 documents are of no line"], |count, _, _| drop(count.seen.insert("other".into(), vec![0, 1])));
    check(&["the books of ship do not balance"], |_, ship, _| ship.read = 6);
    check(&["1 documents hold a secret"], |count, _, _| count.leaked = 1);
    check(&["5 lines about exceptions, but 1 alerts posted", "took 3"], |_, _, report| report.alerts.posted = 1);
}

#[test]
fn what_waits_is_not_missing() {
    let held_up = |count: &mut Count, ship: &mut Balance| {
        count.seen.insert("cart".into(), vec![0, 0]);
        (ship.read, ship.delivered) = (4, 2);
    };
    let behind = |name: &str| Behind(BTreeSet::from([name.to_owned()]));
    check(&[], |count, ship, report| {
        held_up(count, ship);
        report.behind = behind("ship");
        report.undisturbed = false;
    });
    check(&["1 lines were still on their way", "no plugin drops are not in the index"], |count, ship, report| {
        held_up(count, ship);
        report.behind = behind("ship");
    });
    // Another pipeline's lag explains nothing.
    for of in ["index", "alert"] {
        check(&["1 lines were not read"], |count, ship, report| {
            held_up(count, ship);
            report.behind = behind(of);
            report.undisturbed = false;
        });
    }
}

#[test]
fn what_nobody_read_is_a_fault_or_told() {
    let unread = |count: &mut Count, ship: &mut Balance| {
        count.seen.insert("cart".into(), vec![0, 0]);
        (ship.read, ship.delivered) = (4, 2);
    };
    check(&["1 lines were not read", "no plugin drops are not in the index"], |count, ship, _| {
        unread(count, ship);
    });
    let (faults, end) = report(|count, ship, report| {
        unread(count, ship);
        (report.edited, report.undisturbed) = (true, false);
    });
    assert!(faults.is_empty(), "{faults:#?}");
    assert!(end.contains("1 lines were not read") && !end.contains("every line is accounted for"), "{end}");
}

#[test]
fn a_visitor_may_drop_more_and_read_twice() {
    let more = |ship: &mut Balance| ship.dropped = BTreeMap::from([("drop-debug".to_owned(), 3)]);
    let sent_again = |ship: &mut Balance| ship.read = 6;
    check(&["3 records that left on the way, and only 2"], |_, ship, _| {
        more(ship);
        sent_again(ship);
    });
    check(&[], |_, ship, report| {
        more(ship);
        sent_again(ship);
        report.undisturbed = false;
    });
    check(&[], |count, ship, report| {
        more(ship);
        sent_again(ship);
        count.seen.insert("web".into(), vec![0, 0, 1]);
        count.leaked = 1;
        report.alerts = Alerts::default();
        report.undisturbed = false;
    });
}
