//! What one instance of a plugin may use.
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use wasmtime::{ResourceLimiter, Result, UpdateDeadline, bail, format_err};

use crate::grants::Grants;

/// What one instance of a plugin may use, and one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a component file.
    pub component: usize,
    /// Wall-clock time of compiling it. What takes longer is not waited for.
    pub compile: Duration,
    /// Bytes of an instance's memories, all together. One call carries up to 4 MiB of record texts, or a single record
    /// however long (a file's lines have at most `max_line` bytes), and a text once for each column that it is in. So
    /// this has to be several times the larger of 4 MiB and `max_line`: a plugin that cannot take a record stops at it.
    pub memory: usize,
    /// CPU time of one call. Not wall-clock time: a plugin is not to blame for a throttled node.
    pub cpu: Duration,
    /// Wall-clock time of one call, against a plugin that waits without computing.
    pub wall: Duration,
    /// Bytes that one call may hand to the host: its answer and log lines.
    pub answer: usize,
    /// What it may reach beyond records, options and the log.
    pub grants: Grants,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            component: 16 << 20,
            compile: Duration::from_secs(30),
            memory: 64 << 20,
            cpu: Duration::from_millis(500),
            wall: Duration::from_secs(10),
            answer: 16 << 20,
            grants: Grants::NONE,
        }
    }
}

/// Elements of a table: functions that are called by pointer.
pub(crate) const TABLE: usize = 20_000;

/// Holds one instance to its [`Limits`].
#[derive(Debug)]
pub(crate) struct Guard {
    limits: Limits,
    /// Bytes that the instance's memories were allowed to have: a component may have several.
    memory: usize,
    /// The time, and the thread's CPU time, at the first tick of the call: to read them costs more than some calls, and
    /// most calls see no tick.
    first_tick: Option<(Instant, Duration)>,
}

impl Guard {
    pub fn new(limits: Limits) -> Self {
        Self { limits, memory: 0, first_tick: None }
    }

    /// A call begins.
    pub fn begin(&mut self) {
        self.first_tick = None;
    }

    /// The engine's clock ticked during the call. An error ends it.
    pub fn tick(&mut self) -> Result<UpdateDeadline> {
        let (now, cpu) = (Instant::now(), thread_cpu_time());
        let (started, cpu_before) = *self.first_tick.get_or_insert((now, cpu));
        if cpu.saturating_sub(cpu_before) > self.limits.cpu {
            bail!("used more than {:?} of CPU time in one call", self.limits.cpu);
        }
        if now.saturating_duration_since(started) > self.limits.wall {
            bail!("took longer than {:?} for one call", self.limits.wall);
        }
        Ok(UpdateDeadline::Continue(1))
    }
}

impl ResourceLimiter for Guard {
    // An error, not a refusal: it traps where memory is asked for, and does not end in the plugin's own panic.
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> Result<bool> {
        let (limit, grown) = (self.limits.memory, self.memory.saturating_add(desired.saturating_sub(current)));
        if grown > limit {
            return Err(format_err!("asked for more than {} MiB of memory", limit >> 20));
        }
        self.memory = grown;
        Ok(true)
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> Result<bool> {
        if desired <= TABLE { Ok(true) } else { Err(format_err!("asked for a table of more than {TABLE} elements")) }
    }

    fn instances(&self) -> usize {
        16
    }

    fn tables(&self) -> usize {
        16
    }

    fn memories(&self) -> usize {
        4
    }
}

/// What the calling thread has used.
pub(crate) fn thread_cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_counts_from_the_first_tick() {
        let mut guard = Guard::new(Limits { cpu: Duration::from_millis(1), ..Limits::default() });
        guard.begin();
        assert!(guard.tick().is_ok());
        while thread_cpu_time() - guard.first_tick.unwrap().1 <= Duration::from_millis(1) {
            std::hint::spin_loop();
        }
        assert_eq!(guard.tick().err().unwrap().to_string(), "used more than 1ms of CPU time in one call");
        guard.begin();
        assert!(guard.tick().is_ok(), "the next call has a budget of its own");
    }

    #[test]
    fn wall_time_is_bounded_too() {
        let mut guard = Guard::new(Limits { wall: Duration::ZERO, ..Limits::default() });
        guard.begin();
        assert!(guard.tick().is_ok(), "the call is measured from its first tick on");
        std::thread::sleep(Duration::from_millis(1));
        assert_eq!(guard.tick().err().unwrap().to_string(), "took longer than 0ns for one call");
    }

    #[test]
    fn memory_and_tables_are_bounded() {
        let mut guard = Guard::new(Limits { memory: 1 << 20, ..Limits::default() });
        assert!(guard.memory_growing(0, 1 << 20, None).unwrap());
        assert!(guard.memory_growing(1 << 20, (1 << 20) + 1, None).is_err());
        let mut guard = Guard::new(Limits { memory: 1 << 20, ..Limits::default() });
        assert!(guard.memory_growing(0, 1 << 19, None).unwrap());
        assert!(guard.memory_growing(0, 1 << 18, None).unwrap(), "a second memory");
        assert!(guard.memory_growing(1 << 19, (3 << 18) + 1, None).is_err(), "all memories count");
        assert!(guard.memory_growing(1 << 19, 3 << 18, None).unwrap());
        assert!(guard.table_growing(0, TABLE, None).unwrap());
        assert!(guard.table_growing(0, TABLE + 1, None).is_err());
    }
}
