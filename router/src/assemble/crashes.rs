//! Crash bundles as the config has them.

use std::sync::Arc;

use sluice_wasm::crash::{Crashes, Host, Settings};

use crate::config::CrashBundles;

/// The writer of this process's bundles, which writes none until it is told where.
pub(super) fn crashes() -> Arc<Crashes> {
    let host = Host {
        sluice: env!("CARGO_PKG_VERSION").into(),
        wasmtime: env!("SLUICE_BUILD_WASMTIME").into(),
        target: env!("SLUICE_BUILD_TARGET").into(),
    };
    Arc::new(Crashes::new(host, None))
}

pub(super) fn settings(config: &CrashBundles) -> Settings {
    Settings { folder: config.folder.clone(), keep: config.keep }
}
