//! What a plugin's author works with: a folder, cargo, and a component file.
//!
//! ```text
//! Template → folder (source, examples, SDK) → Toolchain (cargo for wasm32) → core module → component with examples
//!          → Sizes (what takes the space) → ConfigMap (how it gets into a cluster)
//! ```
//! Nothing here runs a component: that is the work of `sluice-wasm`.

pub mod component;
pub mod config_map;
mod error;
pub mod examples;
pub mod package;
pub mod sections;
pub mod template;
pub mod toolchain;

pub use error::Error;
pub use package::Package;
pub use template::{Kind, Sdk, Template};
pub use toolchain::Toolchain;
