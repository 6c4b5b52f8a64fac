//! The one WebAssembly engine of the process.
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, OnceLock};
use std::thread::{self, Thread};
use std::time::Duration;

use wasmtime::{Config, Inlining, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig, WasmBacktraceDetails};

use crate::effort::Gate;
use crate::limits::TABLE;

/// Between two looks whether the engine is still there, without any call.
const LOOK: Duration = Duration::from_secs(1);
/// Instances of a process: a pipeline has one for each of its plugins, and a few more while one is swapped or a fault
/// is looked into. Each reserves 4 GiB of address space, and no memory.
const INSTANCES: u32 = 1_000;
/// How often running plugins are looked after. A call that ends within a tick is never measured at all.
pub(crate) const TICK: Duration = Duration::from_millis(5);

/// Compiles and runs components. Clones are the same engine; types of different engines must not meet, so a process
/// has one.
#[derive(Clone)]
pub struct Engine {
    wasmtime: wasmtime::Engine,
    calls: Arc<Calls>,
    gate: Gate,
}

/// The calls that are under way. While there is none, nothing ticks: an idle process is to sleep.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    running: AtomicUsize,
    sleeping: AtomicBool,
    ticker: OnceLock<Thread>,
}

/// One call under way, until it is dropped.
pub(crate) struct Call<'a>(&'a Calls);

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
        let engine = wasmtime::Engine::new(&pooled(config()))
            .or_else(|error| {
                // Where there is less address space than the pool takes, or none is given away.
                tracing::info!(%error, "plugins run without a pool of instances, so that it takes longer to start one");
                wasmtime::Engine::new(&config())
            })
            .map_err(|error| EngineError::Setup(error.to_string()))?;
        let calls = Arc::<Calls>::default();
        let (watched, running) = (engine.weak(), calls.clone());
        thread::Builder::new().name("plugin-ticks".into()).spawn(move || {
            running.ticker.get_or_init(thread::current);
            while let Some(engine) = watched.upgrade() {
                engine.increment_epoch();
                drop(engine);
                running.wait();
                thread::sleep(TICK);
            }
        })?;
        Ok(Self { wasmtime: engine, calls, gate: Gate::default() })
    }

    pub(crate) fn wasmtime(&self) -> &wasmtime::Engine {
        &self.wasmtime
    }

    /// What compiles passes through it.
    pub(crate) fn gate(&self) -> &Gate {
        &self.gate
    }

    pub(crate) fn calls(&self) -> &Arc<Calls> {
        &self.calls
    }
}

impl Calls {
    /// From now on there are ticks.
    pub fn begin(&self) -> Call<'_> {
        self.running.fetch_add(1, SeqCst);
        if self.sleeping.load(SeqCst)
            && let Some(ticker) = self.ticker.get()
        {
            ticker.unpark();
        }
        Call(self)
    }

    /// Sleeps until a call is under way, or for [`LOOK`].
    fn wait(&self) {
        // In this order here, and in the other one in `begin`: one of the two sees what the other did.
        self.sleeping.store(true, SeqCst);
        if self.running.load(SeqCst) == 0 {
            thread::park_timeout(LOOK);
        }
        self.sleeping.store(false, SeqCst);
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, SeqCst);
    }
}

/// The same with room for instances that is made once, and used again: to start one takes two thirds of the time.
fn pooled(mut config: Config) -> Config {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(INSTANCES)
        .total_core_instances(4 * INSTANCES)
        .total_memories(INSTANCES)
        .total_tables(4 * INSTANCES)
        .max_core_instances_per_component(16)
        .max_memories_per_component(4)
        .max_tables_per_component(16)
        // Address space; how much of it an instance gets is for its limits to say.
        .max_memory_size(4 << 30)
        .table_elements(TABLE);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    config
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
        // On one core, and so with the memory of one function at a time: a new plugin must not take the node's CPU.
        .parallel_compilation(false)
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
        let weak = engine.wasmtime.weak();
        drop(engine);
        let deadline = std::time::Instant::now() + Duration::from_secs(10);
        while weak.upgrade().is_some() {
            assert!(std::time::Instant::now() < deadline, "the engine is still held");
            thread::yield_now();
        }
    }

    #[test]
    fn a_call_wakes_the_ticks_however_it_meets_them() {
        let calls = Arc::<Calls>::default();
        let (sleeper, woken) = (calls.clone(), std::sync::mpsc::channel());
        thread::spawn(move || {
            sleeper.ticker.get_or_init(thread::current);
            for _ in 0..1000 {
                let before = std::time::Instant::now();
                sleeper.wait();
                let _ = woken.0.send(before.elapsed());
            }
        });
        for _ in 0..1000 {
            let call = calls.begin();
            let slept = woken.1.recv().unwrap();
            drop(call);
            assert!(slept < LOOK, "a call was not noticed for {slept:?}");
        }
    }
}
