//! The generated bindings of interface 0.1: the only file that knows what it looks like to the compiler.
//! Lists that go to a plugin are borrowed, so that they are copied once, from the host's buffers into the plugin's memory.

wasmtime::component::bindgen!({
    path: "../../wit",
    world: "filter-plugin",
    ownership: Borrowing { duplicate_if_necessary: true },
});

pub use exports::sluice::plugin::lifecycle::{Manifest, Ordering};
pub use sluice::plugin::batches::{Batch, Column};
pub use sluice::plugin::log;
