//! What a process used: CPU time, peak memory, and how long it was busy.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::demo::board::thousands;

/// Between two looks at the process.
pub(crate) const LOOK: Duration = Duration::from_millis(100);
/// CPU time within a look from which on a process is busy; looking for new files takes less.
const BUSY: Duration = Duration::from_millis(20);
const GIB: f64 = 1024.0 * 1024.0 * 1024.0;

/// Watches a process from outside.
pub(crate) struct Meter {
    pid: u32,
    /// CPU time at the start of what is measured.
    before: Duration,
    last: Duration,
    begin: Option<Instant>,
    end: Instant,
}

impl Meter {
    /// Measures from now on.
    pub(crate) fn start(pid: u32) -> Result<Self> {
        let before = cpu_time(pid)?;
        Ok(Self { pid, before, last: before, begin: None, end: Instant::now() })
    }

    /// Measures from the start of the process on.
    pub(crate) fn whole(pid: u32) -> Result<Self> {
        Ok(Self { before: Duration::ZERO, ..Self::start(pid)? })
    }

    /// Call it every [`LOOK`].
    pub(crate) fn look(&mut self) -> Result<()> {
        let now = cpu_time(self.pid)?;
        if now.saturating_sub(self.last) >= BUSY {
            self.end = Instant::now();
            self.begin.get_or_insert(self.end.checked_sub(LOOK).unwrap_or(self.end));
        }
        self.last = now;
        Ok(())
    }

    /// CPU time so far; call it while the process still runs, as the others.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        Ok(cpu_time(self.pid)?.saturating_sub(self.before))
    }

    /// Resident memory now, in KiB.
    pub(crate) fn memory(&self) -> Result<u64> {
        memory(self.pid, "VmRSS:")
    }

    /// The figures of `records` records in `bytes` bytes.
    pub(crate) fn figures(
        &self,
        name: &'static str,
        records: u64,
        bytes: u64,
        target: Option<Target>,
    ) -> Result<Figures> {
        let busy = self.begin.map_or(Duration::ZERO, |begin| self.end - begin);
        Ok(Figures { name, records, bytes, busy, cpu: self.cpu()?, peak_kib: memory(self.pid, "VmHWM:")?, target })
    }
}

/// CPU time that was promised.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target {
    /// Of input.
    SecondsPerGib(f64),
}

/// One run.
pub(crate) struct Figures {
    name: &'static str,
    records: u64,
    /// Of the input: log files, or documents.
    bytes: u64,
    busy: Duration,
    /// User and system.
    cpu: Duration,
    /// Peak resident set.
    peak_kib: u64,
    target: Option<Target>,
}

impl Figures {
    pub(crate) fn print(all: &[Self]) {
        println!(
            "\n{:<26} {:>9} {:>11} {:>10} {:>8} {:>9} {:>14} {:>10}",
            "", "input MiB", "records", "records/s", "MiB/s", "CPU us", "CPU s per GiB", "peak RSS"
        );
        println!("{:<26} {:>9} {:>11} {:>10} {:>8} {:>9} {:>14} {:>10}", "", "", "", "", "", "a record", "", "MiB");
        for run in all {
            let (seconds, mib) = (run.busy.as_secs_f64().max(0.001), run.bytes as f64 / GIB * 1024.0);
            let verdict = match run.target {
                Some(Target::SecondsPerGib(target)) => verdict(run.cpu_per_gib(), target, "s per GiB"),
                None => String::new(),
            };
            println!(
                "{:<26} {mib:>9.0} {:>11} {:>10} {:>8.0} {:>9.2} {:>14.1} {:>10}{verdict}",
                run.name,
                thousands(run.records),
                thousands((run.records as f64 / seconds) as u64),
                mib / seconds,
                run.cpu_per_record(),
                run.cpu_per_gib(),
                run.peak_kib / 1024,
            );
        }
    }

    /// Of two runs of the same, the one to take: less can only have gone on beside it.
    pub(crate) fn better(self, other: Self) -> Self {
        if other.cpu < self.cpu { other } else { self }
    }

    /// The run without what starting costs.
    pub(crate) fn without(self, start: Duration) -> Self {
        Self { cpu: self.cpu.saturating_sub(start), ..self }
    }

    /// CPU time of this run, where the other's is 1.
    pub(crate) fn ratio(&self, other: &Self) -> f64 {
        self.cpu.as_secs_f64() / other.cpu.as_secs_f64().max(0.001)
    }

    fn cpu_per_gib(&self) -> f64 {
        self.cpu.as_secs_f64() * GIB / self.bytes.max(1) as f64
    }

    /// In microseconds.
    pub(crate) fn cpu_per_record(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.records.max(1) as f64
    }
}

/// What is printed behind a figure.
pub(crate) fn verdict(figure: f64, target: f64, unit: &str) -> String {
    let met = if figure <= target { "met" } else { "missed" };
    format!("   target {target} {unit}: {met}")
}

/// User and system time of all threads since the process started.
fn cpu_time(pid: u32) -> Result<Duration> {
    let path = format!("/proc/{pid}/stat");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {path}: the process has ended"))?;
    let ticks = ticks(&text).with_context(|| format!("{path} has an unknown form: {text}"))?;
    Ok(Duration::from_secs_f64(ticks as f64 / rustix::param::clock_ticks_per_second() as f64))
}

/// The name in brackets may hold anything; user and system time are the 12th and 13th field after it.
fn ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace().skip(11);
    Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
}

/// In KiB; `VmRSS:` is what is resident, `VmHWM:` its peak.
fn memory(pid: u32, key: &str) -> Result<u64> {
    let path = format!("/proc/{pid}/status");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    let line = text.lines().find_map(|line| line.strip_prefix(key));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok()).with_context(|| format!("no {key} in {path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_found_behind_any_name() {
        for (stat, expect) in [
            ("1 (a) S 1 2 3 4 5 6 7 8 9 10 70 30 0 0 20", Some(100)),
            ("1 (a b) c) S 1 2 3 4 5 6 7 8 9 10 1 2 0", Some(3)),
            ("1 (a) S 1 2", None),
            ("", None),
        ] {
            assert_eq!(ticks(stat), expect, "{stat}");
        }
    }

    #[test]
    fn this_process_can_be_read() {
        let mut meter = Meter::whole(std::process::id()).unwrap();
        meter.look().unwrap();
        let now = meter.memory().unwrap();
        assert!(now > 100 && meter.figures("self", 1, 1, None).unwrap().peak_kib >= now);
    }

    #[test]
    fn the_run_with_less_cpu_counts() {
        let run = |milliseconds| Figures {
            name: "run",
            records: 1000,
            bytes: 1 << 30,
            busy: Duration::from_secs(1),
            cpu: Duration::from_millis(milliseconds),
            peak_kib: 1,
            target: None,
        };
        for (one, other, expect) in [(500, 400, 400), (400, 500, 400), (400, 400, 400)] {
            assert_eq!(run(one).better(run(other)).cpu, Duration::from_millis(expect));
        }
        assert_eq!(run(500).ratio(&run(400)), 1.25);
        assert_eq!((run(500).cpu_per_gib(), run(500).cpu_per_record()), (0.5, 500.0));
        for (figure, expect) in [(0.4, "   target 0.4 s: met"), (0.41, "   target 0.4 s: missed")] {
            assert_eq!(verdict(figure, 0.4, "s"), expect);
        }
    }
}
