//! The generated bindings: the only file that knows what the interface looks like to the compiler.
//!
//! A world of `wit/` exports `lifecycle` beside one kind of plugin. Here `lifecycle` and each kind are worlds of their
//! own, so that the kinds share its types; a plugin exports two of them, and its component has the world of both.
#![allow(unsafe_code, missing_docs)]

wit_bindgen::generate!({
    inline: "
        package sluice:bindings;
        world every-plugin {
            import sluice:plugin/batches@0.1.0;
            import sluice:plugin/log@0.1.0;
            export sluice:plugin/lifecycle@0.1.0;
        }
    ",
    path: "../../wit",
    world: "sluice:bindings/every-plugin",
    generate_all,
    pub_export_macro: true,
    default_bindings_module: "sluice_plugin::bindings",
});

/// The exports of a filter.
pub mod filter {
    wit_bindgen::generate!({
        inline: "
            package sluice:bindings;
            world filter-alone {
                import sluice:plugin/batches@0.1.0;
                export sluice:plugin/filter@0.1.0;
            }
        ",
        path: "../../wit",
        world: "sluice:bindings/filter-alone",
        with: { "sluice:plugin/batches@0.1.0": crate::bindings::sluice::plugin::batches },
        generate_all,
        pub_export_macro: true,
        default_bindings_module: "sluice_plugin::bindings::filter",
    });
    pub use exports::sluice::plugin::filter::*;
}

/// The exports of an enricher.
pub mod enricher {
    wit_bindgen::generate!({
        inline: "
            package sluice:bindings;
            world enricher-alone {
                import sluice:plugin/batches@0.1.0;
                export sluice:plugin/enricher@0.1.0;
            }
        ",
        path: "../../wit",
        world: "sluice:bindings/enricher-alone",
        with: { "sluice:plugin/batches@0.1.0": crate::bindings::sluice::plugin::batches },
        generate_all,
        pub_export_macro: true,
        default_bindings_module: "sluice_plugin::bindings::enricher",
    });
    pub use exports::sluice::plugin::enricher::*;
}

/// The exports of a notifier.
pub mod notifier {
    wit_bindgen::generate!({
        inline: "
            package sluice:bindings;
            world notifier-alone {
                import sluice:plugin/batches@0.1.0;
                export sluice:plugin/notifier@0.1.0;
            }
        ",
        path: "../../wit",
        world: "sluice:bindings/notifier-alone",
        with: { "sluice:plugin/batches@0.1.0": crate::bindings::sluice::plugin::batches },
        generate_all,
        pub_export_macro: true,
        default_bindings_module: "sluice_plugin::bindings::notifier",
    });
    pub use exports::sluice::plugin::notifier::*;
}
