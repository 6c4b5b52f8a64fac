//! The generated bindings of interface 0.1: the only file that knows what it looks like to the compiler.
//! Lists that go to a plugin are borrowed, so that they are copied once, from the host's buffers into the plugin's memory.
//!
//! No component exports all of this world. It is never instantiated as a whole: each interface is looked up by itself, so
//! that all kinds of plugins share one set of types.

wasmtime::component::bindgen!({
    path: "../../wit",
    inline: "
        package sluice:host;
        world every-kind {
            import sluice:plugin/batches@0.1.0;
            import sluice:plugin/log@0.1.0;
            export sluice:plugin/lifecycle@0.1.0;
            export sluice:plugin/filter@0.1.0;
            export sluice:plugin/enricher@0.1.0;
            export sluice:plugin/notifier@0.1.0;
        }
    ",
    world: "sluice:host/every-kind",
    ownership: Borrowing { duplicate_if_necessary: true },
});

pub use exports::sluice::plugin::lifecycle::{Manifest, Ordering};
pub use exports::sluice::plugin::{enricher, filter, lifecycle, notifier};
pub use sluice::plugin::batches::{Batch, Column};
pub use sluice::plugin::log;
