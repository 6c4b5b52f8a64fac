//! What a component costs to compile: bounded in its size before, in its time while it is compiled, and in its number.
//!
//! A compilation that was begun cannot be ended: what takes too long is not waited for, and nothing else is compiled
//! before it is done.
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::component::LoadError;
use crate::sections::{self, Section};

/// Functions of a component, all its modules together.
pub(crate) const MOST_FUNCTIONS: usize = 100_000;
/// Bytes of one function. Compiling one that is full of branches was measured to take 600 times that in memory.
pub(crate) const LARGEST_FUNCTION: usize = 256 << 10;
/// Components in a component.
const DEEPEST: usize = 16;

/// What follows magic number, version and layer is a component.
const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";
const CORE_MODULE: u8 = 1;
const INNER_COMPONENT: u8 = 4;
const CODE: u8 = 10;

/// Lets one compilation run at a time. Shared by the clones of an engine.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gate(Arc<(Mutex<bool>, Condvar)>);

/// The one compilation that runs.
struct Pass(Gate);

/// It was not done in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Late {
    /// Another one was under way all the time.
    Waiting,
    /// What is still under way.
    Working,
    /// The system has no thread for it.
    NoThread,
}

impl Gate {
    /// Does `work` on a thread of its own. When that takes longer than `time`, it goes on there, and its result is
    /// dropped.
    pub fn within<T: Send + 'static>(
        &self,
        time: Duration,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Late> {
        let until = Instant::now() + time;
        let pass = self.enter(until).ok_or(Late::Waiting)?;
        let (done, result) = mpsc::channel();
        let work = move || {
            let result = work();
            drop(pass);
            // Nobody may wait any more.
            let _ = done.send(result);
        };
        let Ok(thread) = thread::Builder::new().name("plugin-compile".into()).spawn(work) else {
            return Err(Late::NoThread);
        };
        match result.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(result) => Ok(result),
            Err(RecvTimeoutError::Timeout) => Err(Late::Working),
            // It panicked: so does who asked for it, as it would have without the thread.
            Err(RecvTimeoutError::Disconnected) => match thread.join() {
                Err(panic) => std::panic::resume_unwind(panic),
                Ok(()) => Err(Late::Working),
            },
        }
    }

    fn enter(&self, until: Instant) -> Option<Pass> {
        let (_, left) = &*self.0;
        let mut busy = self.busy();
        while *busy {
            let time = until.checked_duration_since(Instant::now()).filter(|time| !time.is_zero())?;
            busy = left.wait_timeout(busy, time).unwrap_or_else(PoisonError::into_inner).0;
        }
        *busy = true;
        Some(Pass(self.clone()))
    }

    fn busy(&self) -> MutexGuard<'_, bool> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        *self.0.busy() = false;
        self.0.0.1.notify_all();
    }
}

/// Refuses a component whose compilation would take much memory. What cannot be walked through is left to be told by who
/// compiles it.
pub(crate) fn check(component: &[u8]) -> Result<(), LoadError> {
    let mut functions = 0;
    check_component(component, 0, &mut functions)
}

fn check_component(component: &[u8], depth: usize, functions: &mut usize) -> Result<(), LoadError> {
    if depth > DEEPEST {
        return Err(LoadError::Malformed(format!("it has more than {DEEPEST} components within each other")));
    }
    for Section { id, payload, .. } in sections::of(component).unwrap_or_default() {
        match id {
            CORE_MODULE => check_module(payload, functions)?,
            INNER_COMPONENT if payload.starts_with(COMPONENT) => check_component(payload, depth + 1, functions)?,
            _ => {}
        }
    }
    Ok(())
}

fn check_module(module: &[u8], functions: &mut usize) -> Result<(), LoadError> {
    for Section { payload, .. } in sections::of(module).unwrap_or_default().into_iter().filter(|s| s.id == CODE) {
        let Some((count, mut bodies)) = sections::number(payload) else { return Ok(()) };
        *functions = functions.saturating_add(count);
        if *functions > MOST_FUNCTIONS {
            return Err(LoadError::Functions { limit: MOST_FUNCTIONS });
        }
        while let Some((body, after)) = sections::sized(bodies) {
            if body.len() > LARGEST_FUNCTION {
                return Err(LoadError::Function { size: body.len(), limit: LARGEST_FUNCTION });
            }
            bodies = after;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
