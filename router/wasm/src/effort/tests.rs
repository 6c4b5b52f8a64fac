use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::sections::encoded;

const SOON: Duration = Duration::from_millis(1);
const LATER: Duration = Duration::from_secs(60);

#[test]
fn what_takes_too_long_is_not_waited_for_and_holds_back_the_next() {
    let gate = Gate::default();
    assert_eq!(gate.within(LATER, || 7), Ok(7));
    let (go_on, waits) = mpsc::channel::<()>();
    assert_eq!(gate.within(SOON, move || waits.recv().is_ok()), Err(Late::Working));
    // It still works, and nothing else may.
    assert_eq!(gate.clone().within(SOON, || panic!("two at once")), Err::<(), _>(Late::Waiting));
    go_on.send(()).unwrap();
    assert_eq!(gate.within(LATER, || 8), Ok(8));
}

#[test]
fn one_is_compiled_at_a_time() {
    let (gate, running) = (Gate::default(), AtomicUsize::new(0));
    let running = Arc::new(running);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let running = running.clone();
                let alone = gate.within(LATER, move || {
                    let others = running.fetch_add(1, Ordering::SeqCst);
                    thread::yield_now();
                    running.fetch_sub(1, Ordering::SeqCst);
                    others
                });
                assert_eq!(alone, Ok(0));
            });
        }
    });
}

#[test]
fn what_panics_leaves_the_way_free() {
    let gate = Gate::default();
    assert_eq!(gate.within(LATER, || panic!("as it should")), Err::<(), _>(Late::Panicked));
    assert_eq!(gate.within(LATER, || 1), Ok(1));
}

/// A component with what is given in it, and sections that count so many instances.
fn instances(inner: &[u8], own: usize, made: usize) -> Vec<u8> {
    let inner = if inner.is_empty() { Vec::new() } else { section(INNER_COMPONENT, inner) };
    [COMPONENT, &inner, &section(CORE_INSTANCES, &encoded(own)), &section(INSTANCES, &encoded(made))].concat()
}

#[test]
fn instances_of_instances_are_counted_before_they_are_made() {
    let nested = |own, made| instances(&instances(&instances(b"", own, 0), 0, made), 0, made);
    for (component, is_refused) in [
        (instances(b"", 20, 3), false),
        (instances(b"", 10_000, 0), false),
        (instances(b"", 10_001, 0), true),
        (instances(b"", usize::MAX >> 30, usize::MAX >> 30), true),
        (nested(16, 10), false),
        (nested(4_096, 1), false),
        (nested(4_096, 3), true),
        (nested(0, 4_096), true),
    ] {
        let checked = check(&component).map_err(|error| error.to_string());
        assert_eq!(checked.is_err(), is_refused, "{checked:?}");
    }
}

fn section(id: u8, payload: &[u8]) -> Vec<u8> {
    [&[id][..], &encoded(payload.len()), payload].concat()
}

/// A component around a module with functions of these sizes, `depth` components deep.
fn component(depth: usize, sizes: &[usize]) -> Vec<u8> {
    let bodies = sizes.iter().flat_map(|size| [encoded(*size), vec![0; *size]].concat());
    let code: Vec<u8> = encoded(sizes.len()).into_iter().chain(bodies).collect();
    let module = [&b"\0asm\x01\0\0\0"[..], &section(1, &[0]), &section(CODE, &code)].concat();
    let inner = [COMPONENT, &section(CORE_MODULE, &module)].concat();
    (0..depth).fold(inner, |inner, _| [COMPONENT, &section(INNER_COMPONENT, &inner)].concat())
}

#[test]
fn what_would_take_much_memory_is_refused_before() {
    for depth in 0..3 {
        assert_eq!(check(&component(depth, &[2; MOST_FUNCTIONS])), Ok(()));
        assert_eq!(check(&component(depth, &[LARGEST_FUNCTION])), Ok(()));
        let many = component(depth, &vec![2; MOST_FUNCTIONS + 1]);
        assert_eq!(check(&many), Err(LoadError::Functions { limit: MOST_FUNCTIONS }));
        let large = component(depth, &[2, LARGEST_FUNCTION + 1]);
        assert_eq!(check(&large), Err(LoadError::Function { size: LARGEST_FUNCTION + 1, limit: LARGEST_FUNCTION }));
    }
    assert!(matches!(check(&component(DEEPEST + 1, &[])), Err(LoadError::Malformed(_))));
    let two = [COMPONENT, &component(0, &[2; MOST_FUNCTIONS])[8..], &component(0, &[2])[8..]].concat();
    assert_eq!(check(&two), Err(LoadError::Functions { limit: MOST_FUNCTIONS }), "counted over all modules");
    assert_eq!(check(b""), Ok(()));
}
