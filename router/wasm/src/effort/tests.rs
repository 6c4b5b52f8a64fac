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
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _: Result<(), Late> = gate.within(LATER, || panic!("as it should"));
    }));
    assert!(panicked.is_err());
    assert_eq!(gate.within(LATER, || 1), Ok(1));
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
