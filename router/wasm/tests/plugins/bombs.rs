//! Files that are small to send and large to run: each is refused, in bounded time and memory.
use proptest::prelude::*;
use sluice_wasm::component::LoadError;
use sluice_wasm::{Component, Limits, Plugin};

use crate::components::{ENGINE, bytes};
use crate::patch::{
    CODE, COMPONENT, CORE_MODULE, DATA, FUNCTIONS, MEMORIES, MODULE, NESTED, Section, TABLES, TYPES, joined, number,
    renamed, repeated, replace, section, with_instances, with_module, with_types,
};
use crate::wasi;

/// Why the bytes do not become a plugin, at whichever step.
fn refusal(bytes: &[u8]) -> String {
    let refused = match Component::load(&ENGINE, bytes, &Limits::default()) {
        Err(error) => error.to_string(),
        Ok(component) => match Plugin::new("bomb", component, "{}", None, Limits::default()) {
            Err(failure) => failure.to_string(),
            Ok(_) => "it runs".into(),
        },
    };
    assert!(refused.len() < 700 && !refused.contains(char::is_control), "{refused}");
    refused
}

/// A good filter, but for one section of its code.
fn filter_with(id: u8, body: Vec<u8>) -> Vec<u8> {
    with_module(&bytes("misbehaves"), |sections| replace(sections, id, body))
}

/// A component that is one core module.
fn module(sections: &[Section]) -> Vec<u8> {
    joined(COMPONENT, &[section(CORE_MODULE, joined(MODULE, sections))])
}

/// The type `() -> ()`, `count` functions of it, and their code.
fn functions(count: usize, body: &[u8]) -> Vec<Section> {
    let sized = [number(body.len()), body.to_vec()].concat();
    vec![
        section(TYPES, vec![1, 0x60, 0, 0]),
        section(FUNCTIONS, repeated(count, &[0])),
        section(CODE, repeated(count, &sized)),
    ]
}

#[test]
fn what_is_large_from_the_start_is_refused() {
    let pages = |count: usize| [vec![1, 0], number(count)].concat();
    let elements = |count: usize| [vec![1, 0x70, 0], number(count)].concat();
    let tables = |count: usize| repeated(count, &[0x70, 0, 1]);
    for (what, bomb, expect) in [
        ("4 GiB of memory", filter_with(MEMORIES, pages(65_536)), "64 MiB"),
        ("65 MiB of memory", filter_with(MEMORIES, pages(65 * 16)), "64 MiB"),
        ("more memory than there can be", filter_with(MEMORIES, pages(65_537)), "is not a valid component: "),
        ("ten million elements", filter_with(TABLES, elements(10_000_000)), "20000"),
        ("a hundred tables", filter_with(TABLES, tables(100)), "table"),
        ("two memories", filter_with(MEMORIES, repeated(2, &[0, 1])), "is not a valid component: "),
        // Active, of memory 0, at the end of what an address can say.
        ("data far outside", filter_with(DATA, [&[1, 0, 0x41, 0x7f, 0x0b, 1, 7][..]].concat()), "out of bounds"),
    ] {
        let refused = refusal(&bomb);
        assert!(refused.contains(expect), "{what}: {refused}");
    }
}

#[test]
fn what_takes_long_to_compile_is_refused_before_it_is_compiled() {
    // No locals, and `end`; a megabyte of `nop`; half a million blocks within each other.
    let nothing = [0, 0x0b];
    let long = [vec![0], vec![0x01; 1 << 20], vec![0x0b]].concat();
    let deep = [vec![0], [0x02, 0x40].repeat(500_000), vec![0x0b; 500_001]].concat();
    for (what, bomb, expect) in [
        ("a million functions", module(&functions(1_000_000, &nothing)), "has more than 100000 functions"),
        ("more than there can be", module(&functions(2_000_000, &nothing)), "has more than 100000 functions"),
        ("a long function", module(&functions(1, &long)), "has a function of 1048578 bytes"),
        ("a deep function", module(&functions(1, &deep)), "has a function of 1500002 bytes"),
    ] {
        let refused = refusal(&bomb);
        assert!(refused.starts_with(expect), "{what}: {refused}");
    }
}

#[test]
fn what_is_deep_or_long_for_its_size_is_refused_in_few_words() {
    let nested = (0..10_000).fold(COMPONENT.to_vec(), |inner, _| joined(COMPONENT, &[section(NESTED, inner)]));
    // A list of the type before, 100,000 times: the last one is that deep.
    let lists = (0..100_000).flat_map(|at| [vec![0x70], number(at)].concat()).collect::<Vec<u8>>();
    let lists = joined(COMPONENT, &[section(7, [number(100_001), vec![0x40, 0, 1, 0], lists].concat())]);
    // 100 instances of nothing, exported under names of 90,000 bytes.
    let name = |at: usize| format!("a{at:04}{}", "x".repeat(90_000));
    let exports: Vec<u8> = (0..100)
        .flat_map(|at| [vec![0], number(name(at).len()), name(at).into_bytes(), vec![5, 0, 0]].concat())
        .collect();
    let names = joined(COMPONENT, &[section(5, vec![1, 1, 0]), section(11, [number(100), exports].concat())]);
    for (what, bomb, expect) in [
        ("components", nested, "is not a valid component: it has more than 16 components"),
        ("types", lists, "is not a valid component: "),
        ("names", names, "exports a0000xxx"),
    ] {
        let refused = refusal(&bomb);
        assert!(refused.starts_with(expect), "{what}: {refused}");
    }
}

#[test]
fn what_is_missing_or_of_another_type_is_refused() {
    let whole = bytes("misbehaves");
    for (what, bomb, expect) in [
        ("no filter", renamed(&whole, "plugin/filter@0.1.0", "plugin/filler@0.1.0"), "exports sluice:plugin/"),
        ("no lifecycle", renamed(&whole, "plugin/lifecycle@", "plugin/lifecycles"), "is not a valid component: "),
        (
            "another lifecycle",
            renamed(&whole, "plugin/lifecycle@", "plugin/livecycle@"),
            "does not export sluice:plugin/lifecycle@0.1",
        ),
        ("no configure", renamed(&whole, "configure", "configura"), "does not fit the interface in wit/"),
        ("an enricher's name", renamed(&whole, "plugin/filter@0.1.0", "plugin/enrich@0.1.0"), "exports sluice:plugin/"),
    ] {
        let refused = refusal(&bomb);
        assert!(refused.contains(expect), "{what}: {refused}");
    }
}

#[test]
fn a_function_of_another_type_is_refused() {
    // `list<s32>` for each `list<u32>`: what it answers looks the same in memory.
    let other = with_types(&bytes("misbehaves"), &[0x70, 0x79], &[0x70, 0x7a]);
    let refused = refusal(&other);
    assert!(refused.contains("expected"), "{refused}");
}

#[test]
fn instances_are_bounded() {
    // A module without anything in it, a thousand times.
    let refused = refusal(&with_instances(&bytes("misbehaves"), 1_000));
    assert!(refused.contains("instance"), "{refused}");
}

/// Loads the bytes, and where that works starts them: neither may panic, or take long.
fn survive(bytes: &[u8]) -> Result<(), LoadError> {
    let limits = Limits { cpu: std::time::Duration::from_millis(50), ..Limits::default() };
    let component = Component::load(&ENGINE, bytes, &limits)?;
    _ = Plugin::new("broken", component, r#"{"at_least":"info"}"#, None, limits);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn random_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..4096), header in prop::bool::ANY) {
        let bytes = if header { [COMPONENT.to_vec(), bytes].concat() } else { bytes };
        prop_assert!(survive(&bytes).is_err() || bytes == COMPONENT);
    }

    #[test]
    fn a_good_component_cut_short_is_refused(share in 0.0..1.0f64) {
        let whole = bytes("level-filter");
        let cut = (whole.len() as f64 * share) as usize;
        prop_assert!(survive(&whole[..cut]).is_err(), "cut at {cut}");
    }
}

proptest! {
    // Many of them still compile, and that takes its time.
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_good_component_with_other_bytes_in_it_does_no_harm(
        of_wasi in any::<bool>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut bytes = if of_wasi { wasi::BYTES.clone() } else { bytes("level-filter") };
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        _ = survive(&bytes);
    }
}
