//! A filter that wants to know the time: an import that no plugin is granted.
wit_bindgen::generate!({
    inline: "
        package hostile:wants-clock;
        interface clock { now: func() -> u64; }
        world plugin {
            include sluice:plugin/filter-plugin@0.1.0;
            import clock;
        }
    ",
    path: "../../../wit",
    world: "hostile:wants-clock/plugin",
    generate_all,
});

use exports::sluice::plugin::{filter, lifecycle};

struct WantsClock;

impl lifecycle::Guest for WantsClock {
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

impl filter::Guest for WantsClock {
    fn filter(batch: filter::Batch) -> Result<Vec<u32>, String> {
        let late = hostile::wants_clock::clock::now() > batch.now;
        Ok(if late { vec![0] } else { Vec::new() })
    }
}

export!(WantsClock);
