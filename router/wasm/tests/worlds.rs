//! The worlds that this version does not run yet are as frozen as the others: they must stay usable as they are.

mod enricher {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "enricher-plugin",
        ownership: Borrowing { duplicate_if_necessary: true },
    });
}

/// A plugin with state includes two worlds in its own.
mod stateful_notifier {
    wasmtime::component::bindgen!({
        inline: "
            package test:worlds;
            world stateful-notifier {
                include sluice:plugin/notifier-plugin@0.1.0;
                include sluice:plugin/stateful@0.1.0;
            }
        ",
        path: "../../wit",
        world: "test:worlds/stateful-notifier",
        ownership: Borrowing { duplicate_if_necessary: true },
    });
}

#[test]
fn an_edit_is_flat() {
    // Answers with lists of flat records are lifted without an allocation for each.
    let edit =
        enricher::exports::sluice::plugin::enricher::Edit { start: 0, end: 5, field: 1, kind: 2, at: 0, size: 3 };
    assert_eq!(size_of_val(&edit), 24);
}
