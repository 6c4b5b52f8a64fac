//! The one WebAssembly engine of the process.
use std::io;
use std::thread;
use std::time::Duration;

use wasmtime::{Config, Inlining, OptLevel, WasmBacktraceDetails};

/// How often running plugins are looked after. A call that ends within a tick is never measured at all.
pub(crate) const TICK: Duration = Duration::from_millis(5);

/// Compiles and runs components. Clones are the same engine; types of different engines must not meet, so a process
/// has one.
#[derive(Clone)]
pub struct Engine(wasmtime::Engine);

/// The engine could not be made.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error("cannot set up WebAssembly on this machine: {0}")]
    Setup(String),
    #[error("cannot start the thread that watches over plugins: {0}")]
    Thread(#[from] io::Error),
}

impl Engine {
    /// Makes the engine and starts the thread that ticks for it until the last clone is gone.
    pub fn new() -> Result<Self, EngineError> {
        let engine = wasmtime::Engine::new(&config()).map_err(|error| EngineError::Setup(error.to_string()))?;
        let watched = engine.weak();
        thread::Builder::new().name("plugin-ticks".into()).spawn(move || {
            while let Some(engine) = watched.upgrade() {
                engine.increment_epoch();
                drop(engine);
                thread::sleep(TICK);
            }
        })?;
        Ok(Self(engine))
    }

    pub(crate) fn wasmtime(&self) -> &wasmtime::Engine {
        &self.0
    }
}

/// Everything that plugins do not need is off: less to be attacked, and calls are cheaper.
fn config() -> Config {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        // A call costs 142 ns without and 494 ns with it.
        .concurrency_support(false)
        .epoch_interruption(true)
        .cranelift_opt_level(OptLevel::Speed)
        .compiler_inlining(Inlining::No)
        .max_wasm_stack(512 << 10)
        .wasm_backtrace_details(WasmBacktraceDetails::Disable)
        .wasm_relaxed_simd(false)
        .wasm_memory64(false)
        .wasm_multi_memory(false)
        .wasm_tail_call(false)
        .wasm_wide_arithmetic(false)
        .wasm_custom_page_sizes(false);
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_thread_ends_with_the_engine() {
        let engine = Engine::new().unwrap();
        let weak = engine.0.weak();
        drop(engine);
        let deadline = std::time::Instant::now() + Duration::from_secs(10);
        while weak.upgrade().is_some() {
            assert!(std::time::Instant::now() < deadline, "the engine is still held");
            thread::yield_now();
        }
    }
}
