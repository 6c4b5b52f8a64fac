//! A filter that makes resources without end: they take none of its memory, and the host keeps a record of each.
wit_bindgen::generate!({
    inline: "
        package hostile:hoards;
        interface store { resource thing { constructor(); } }
        world plugin {
            include sluice:plugin/filter-plugin@0.1.0;
            export store;
        }
    ",
    path: "../../../wit",
    world: "hostile:hoards/plugin",
    generate_all,
});

use exports::hostile::hoards::store;
use exports::sluice::plugin::{filter, lifecycle};

struct Hoards;

struct Thing;

impl store::Guest for Hoards {
    type Thing = Thing;
}

impl store::GuestThing for Thing {
    fn new() -> Self {
        Self
    }
}

impl lifecycle::Guest for Hoards {
    fn configure(_: String) -> Result<lifecycle::Manifest, String> {
        Ok(lifecycle::Manifest {
            reads: Vec::new(),
            writes: Vec::new(),
            times: false,
            essential: false,
            ordering: lifecycle::Ordering::Any,
        })
    }
}

impl filter::Guest for Hoards {
    fn filter(_: filter::Batch) -> Result<Vec<u32>, String> {
        loop {
            std::mem::forget(store::Thing::new(Thing));
        }
    }
}

export!(Hoards);
