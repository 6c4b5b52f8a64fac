use std::collections::BTreeSet;

use super::*;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn a_seed_gives_one_schedule() {
    assert_eq!(plan(7, seconds(600)), plan(7, seconds(600)));
    assert_ne!(plan(7, seconds(600)), plan(8, seconds(600)));
}

#[test]
fn schedules_keep_their_rules() {
    for seed in 0..200 {
        let duration = seconds(60 + seed * 5);
        let plan = plan(seed, duration);
        assert!(plan.is_sorted_by_key(|fault| fault.at), "seed {seed}");
        for (number, fault) in plan.iter().enumerate() {
            let end = fault.at + fault.lasts;
            assert!(fault.at >= WARM_UP && end <= duration, "seed {seed}: {fault}");
            let before = &plan[..number];
            let overlapping = before.iter().filter(|other| other.at + other.lasts > fault.at).count();
            assert!(overlapping < AT_ONCE, "seed {seed}: {fault}");
            let same = before.iter().filter(|other| other.part.lane() == fault.part.lane());
            for other in same {
                assert!(other.at + other.lasts < fault.at, "seed {seed}: {other} and {fault}");
            }
        }
    }
}

#[test]
fn ten_minutes_have_every_kind_of_fault_several_times() {
    for seed in 0..50 {
        let plan = plan(seed, seconds(600));
        let kinds: BTreeSet<String> = plan.iter().map(|fault| Planned::kind(fault.part, fault.harm)).collect();
        assert!(plan.len() > 80, "seed {seed}: {}", plan.len());
        // 12 signals, at least one to two brokers, 4 of the proxy, 4 of files, the disk.
        assert!(kinds.len() >= 22, "seed {seed}: {kinds:?}");
    }
}

#[test]
fn outages_that_touch_are_one() {
    let fault = |at, lasts, part, harm| Planned { at: seconds(at), lasts: seconds(lasts), part, harm };
    let back = seconds(10);
    for (plan, expect) in [
        (vec![], 0),
        (vec![fault(5, 3, Part::Agent, Harm::Kill)], 13),
        (vec![fault(5, 3, Part::Indexer(0), Harm::Kill), fault(9, 3, Part::Index, Harm::Kill)], 0),
        (vec![fault(5, 3, Part::Agent, Harm::Kill), fault(40, 8, Part::BrokersBut(1), Harm::Pause)], 18),
        (vec![fault(5, 3, Part::Agent, Harm::Kill), fault(12, 8, Part::Broker(1), Harm::Pause)], 25),
        (vec![fault(5, 30, Part::Broker(0), Harm::Kill), fault(12, 1, Part::Agent, Harm::Kill)], 40),
        (vec![fault(5, 3, Part::AgentFiles, Harm::BadConfig), fault(9, 1, Part::AgentFiles, Harm::OtherConfig)], 13),
    ] {
        assert_eq!(longest_outage(&plan, back), seconds(expect), "{plan:?}");
    }
}
