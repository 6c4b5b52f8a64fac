//! The generated bindings: the only file that knows what the interface looks like to the compiler.
#![allow(unsafe_code, missing_docs)]

wit_bindgen::generate!({
    path: "../../wit",
    world: "filter-plugin",
    pub_export_macro: true,
    default_bindings_module: "sluice_plugin::bindings",
});
