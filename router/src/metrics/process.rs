//! The process as a whole: its version, its config, and what it takes of the machine.

use std::{
    fs,
    sync::LazyLock,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rustix::time::{ClockId, clock_gettime};

use super::page::Page;
use crate::process::ReloadStatus;

/// Worked out once: it is the difference of clocks, and would tremble.
static BEGAN: LazyLock<Option<f64>> = LazyLock::new(began);
/// Ticks a second in what `/proc` says: the kernel's own rate may be another, this one never changes.
const TICKS: f64 = 100.0;

pub(super) fn write(page: &mut Page, reload: &ReloadStatus) {
    let build = [("version", env!("CARGO_PKG_VERSION")), ("commit", env!("SLUICE_BUILD_COMMIT"))];
    page.gauge("sluice_build_info", "What was built; the value is always 1.").add(&build, 1_u64);
    config(page, reload);
    machine(page);
}

fn config(page: &mut Page, reload: &ReloadStatus) {
    page.gauge(
        "sluice_config_last_reload_successful",
        "Whether what runs is what the config file and the plugin files say.",
    )
    .add(&[], u64::from(reload.last_ok));
    let mut reloads =
        page.counter("sluice_config_reloads_total", "Changes of those files since the start, by what became of them.");
    reloads.add(&[("result", "applied")], reload.reloads);
    reloads.add(&[("result", "refused")], reload.refused);
}

/// The names and meanings are those of Prometheus' own client libraries, so that common dashboards find them.
fn machine(page: &mut Page) {
    page.counter("process_cpu_seconds_total", "CPU time of all threads, in user and kernel mode.")
        .add(&[], cpu_seconds());
    let mut start = page.gauge("process_start_time_seconds", "When the process began, in seconds since 1970.");
    if let Some(began) = *BEGAN {
        start.add(&[], began);
    }
    let mut gauge = |name, help, value: Option<u64>| {
        let mut values = page.gauge(name, help);
        if let Some(value) = value {
            values.add(&[], value);
        }
    };
    gauge("process_resident_memory_bytes", "Memory of the process that is in RAM.", resident_bytes());
    gauge("process_open_fds", "Open file descriptors.", open_descriptors());
    gauge("process_max_fds", "Most file descriptors that may be open.", most_descriptors());
}

/// How long the process lives, where the system tells.
pub(super) fn up() -> Option<Duration> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs_f64();
    Duration::try_from_secs_f64(now - (*BEGAN)?).ok()
}

fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Of `/proc/self/stat` the 22nd field, in ticks since the machine's start. The second one, in brackets, may hold
/// anything.
fn began() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let (_, after_name) = stat.rsplit_once(')')?;
    let began = after_name.split_whitespace().nth(19)?.parse::<f64>().ok()? / TICKS;
    let uptime: f64 = fs::read_to_string("/proc/uptime").ok()?.split_whitespace().next()?.parse().ok()?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs_f64();
    Some(now - (uptime - began))
}

/// As in `VmRSS:     12345 kB`.
fn resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}

/// Without the one that counts them.
fn open_descriptors() -> Option<u64> {
    Some((fs::read_dir("/proc/self/fd").ok()?.count() as u64).saturating_sub(1))
}

/// As in `Max open files    1024    4096    files`: the soft limit. One that is `unlimited` is none.
fn most_descriptors() -> Option<u64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}
