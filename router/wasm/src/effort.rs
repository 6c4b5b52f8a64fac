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
/// Instances of a component and all components in it. Each is laid out while it is compiled, and a component that makes
/// many of one that makes many is small.
const MOST_INSTANCES: usize = 10_000;
/// Components in a component.
const DEEPEST: usize = 16;

/// What follows magic number, version and layer is a component.
const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";
const CORE_MODULE: u8 = 1;
const CORE_INSTANCES: u8 = 2;
const INNER_COMPONENT: u8 = 4;
const INSTANCES: u8 = 5;
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
    /// It panicked.
    Panicked,
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
        if thread::Builder::new().name("plugin-compile".into()).spawn(work).is_err() {
            return Err(Late::NoThread);
        }
        result.recv_timeout(until.saturating_duration_since(Instant::now())).map_err(|error| match error {
            RecvTimeoutError::Timeout => Late::Working,
            RecvTimeoutError::Disconnected => Late::Panicked,
        })
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
    Effort::default().add_component(component, 0)
}

/// What was counted so far.
#[derive(Default)]
struct Effort {
    functions: usize,
    /// The most instances that one of the components makes which ended before: what comes later can make only these.
    instances: usize,
}

impl Effort {
    /// Counts in the instances that the component makes, at most.
    fn add_component(&mut self, component: &[u8], depth: usize) -> Result<(), LoadError> {
        if depth > DEEPEST {
            return Err(LoadError::Malformed(format!("it has more than {DEEPEST} components within each other")));
        }
        let (mut made, mut own) = (0usize, 0usize);
        for Section { id, payload, .. } in sections::of(component).unwrap_or_default() {
            let count = || sections::number(payload).map_or(0, |(count, _)| count);
            match id {
                CORE_MODULE => check_module(payload, &mut self.functions)?,
                INNER_COMPONENT if payload.starts_with(COMPONENT) => self.add_component(payload, depth + 1)?,
                CORE_INSTANCES => own = own.saturating_add(count()),
                INSTANCES => made = made.saturating_add(count()),
                _ => {}
            }
        }
        let instances = made.saturating_mul(self.instances.saturating_add(1)).saturating_add(own);
        if instances > MOST_INSTANCES {
            return Err(LoadError::Malformed(format!(
                "it may make more than {MOST_INSTANCES} instances of what is in it"
            )));
        }
        self.instances = self.instances.max(instances);
        Ok(())
    }
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
