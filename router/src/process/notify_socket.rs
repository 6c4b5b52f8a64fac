//! What systemd hears of the process, where it is the service manager: that it is ready, what it does, that it lives,
//! and that it stops. The protocol is that of sd_notify(3): datagrams of `NAME=value` lines.
//!
//! A change of the config is not told as RELOADING=1: that state has a timeout, and a pipeline that waits for its broker
//! must not end the process.

use std::{
    env, io,
    os::{
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr, UnixDatagram},
    },
    process,
    sync::Arc,
    thread,
    time::Duration,
};

use anyhow::{Context, Result};
use tracing::warn;

use super::{Fleet, Observed};
use crate::{admin::readiness, metrics::Snapshot};

/// Between two looks until the process is ready: somebody waits for it.
const STARTING: Duration = Duration::from_millis(200);
/// Between two looks later on, without a watchdog that wants to hear more often.
const RUNNING: Duration = Duration::from_secs(5);

/// Tells the service manager that `$NOTIFY_SOCKET` names, from a thread of its own; does nothing without one.
///
/// # Errors
/// There is one, and it cannot be told anything: it would take the process for one that never gets ready.
pub(super) fn start(fleet: Arc<Fleet>, observed: Arc<Observed>) -> Result<()> {
    let Some(name) = env::var("NOTIFY_SOCKET").ok().filter(|name| !name.is_empty()) else { return Ok(()) };
    let manager = Manager::at(&name).with_context(|| format!("cannot use NOTIFY_SOCKET={name}"))?;
    let watchdog = watchdog(|name| env::var(name).ok(), process::id());
    let tell = move || {
        let mut told = Told::default();
        let mut pause = STARTING;
        while fleet.pause(pause) {
            let snapshot = Snapshot::of(&observed);
            manager.send(&told.news(&snapshot, watchdog.is_some()));
            pause = if told.ready { watchdog.unwrap_or(RUNNING) } else { STARTING };
        }
        manager.send("STOPPING=1\nSTATUS=stopping");
        // The watchdog does not rest while what was read runs dry. The thread ends with the process.
        while let Some(pause) = watchdog {
            manager.send("WATCHDOG=1");
            thread::sleep(pause);
        }
    };
    thread::Builder::new().name("notify".into()).spawn(tell).context("cannot start the thread that tells systemd")?;
    Ok(())
}

/// How often the watchdog is to be told: a third of the time after which it would end the process.
fn watchdog(variable: impl Fn(&str) -> Option<String>, own: u32) -> Option<Duration> {
    // It may be meant for a process that started this one.
    if variable("WATCHDOG_PID").is_some_and(|pid| pid != own.to_string()) {
        return None;
    }
    let time = variable("WATCHDOG_USEC")?.parse().ok().filter(|time| *time > 0)?;
    Some(Duration::from_micros(time) / 3)
}

/// What was told, so that it is told once.
#[derive(Default)]
struct Told {
    ready: bool,
    status: String,
}

impl Told {
    /// The datagram for now; empty if there is nothing to tell.
    fn news(&mut self, snapshot: &Snapshot, has_watchdog: bool) -> String {
        let reasons = readiness::unready(snapshot);
        let mut lines = Vec::new();
        if reasons.is_empty() && !self.ready {
            self.ready = true;
            lines.push("READY=1".to_owned());
        }
        let status = match reasons.first() {
            None => "every pipeline runs".to_owned(),
            Some(reason) => {
                let pipeline = reason.pipeline.as_ref().map(|name| format!("{name}: ")).unwrap_or_default();
                format!("not ready: {pipeline}{}: {}", reason.component, reason.text).replace('\n', " ")
            }
        };
        if status != self.status {
            lines.push(format!("STATUS={status}"));
            self.status = status;
        }
        // As /healthz: a process with a pipeline that failed for good is as good as dead.
        if has_watchdog && readiness::failed(snapshot).is_empty() {
            lines.push("WATCHDOG=1".to_owned());
        }
        lines.join("\n")
    }
}

struct Manager {
    socket: UnixDatagram,
    address: SocketAddr,
}

impl Manager {
    /// `name` is a path, or `@` and a name of the abstract namespace.
    fn at(name: &str) -> io::Result<Self> {
        let address = match name.strip_prefix('@') {
            Some(name) => SocketAddr::from_abstract_name(name)?,
            None if name.starts_with('/') => SocketAddr::from_pathname(name)?,
            None => return Err(io::Error::new(io::ErrorKind::Unsupported, "it is no path and begins with no @")),
        };
        let socket = UnixDatagram::unbound()?;
        // A manager that is busy for long is told at the next look.
        socket.set_write_timeout(Some(RUNNING))?;
        Ok(Self { socket, address })
    }

    fn send(&self, lines: &str) {
        if lines.is_empty() {
            return;
        }
        if let Err(error) = self.socket.send_to_addr(lines.as_bytes(), &self.address) {
            warn!(%error, "cannot tell the service manager how it goes");
        }
    }
}

#[cfg(test)]
mod tests {
    use sluice_core::{Failure, supervisor::State};

    use super::*;
    use crate::metrics::tests::snapshot;

    #[test]
    fn it_is_told_that_the_process_is_ready_and_lives() {
        let mut told = Told::default();
        let ready = snapshot();
        let starting = Snapshot { pipelines: Vec::new(), ..ready.clone() };
        let with = |state: State| {
            let mut snapshot = ready.clone();
            snapshot.pipelines[0].state = state;
            snapshot
        };
        let away = with(State::Restarting(Failure::transient("kafka sink", "away\nfor long")));
        let failed = with(State::Failed(Failure::fatal("kafka sink", "for good")));
        let is_starting = "STATUS=not ready: process: starting: its pipelines are being built";
        for (snapshot, has_watchdog, expect) in [
            (&starting, false, is_starting),
            (&starting, true, "WATCHDOG=1"),
            (&ready, true, "READY=1\nSTATUS=every pipeline runs\nWATCHDOG=1"),
            (&ready, true, "WATCHDOG=1"),
            (&ready, false, ""),
            (&away, false, "STATUS=not ready: ship: kafka sink: away for long; the pipeline starts again"),
            (&ready, false, "STATUS=every pipeline runs"),
            (&failed, true, "STATUS=not ready: ship: kafka sink: for good; failed for good, the process stops"),
        ] {
            assert_eq!(told.news(snapshot, has_watchdog), expect);
        }
    }

    #[test]
    fn the_watchdog_is_told_three_times_as_often_as_it_must_be() {
        let of = |usec: Option<&str>, pid: Option<&str>| {
            watchdog(|name| if name == "WATCHDOG_USEC" { usec } else { pid }.map(str::to_owned), 7)
        };
        assert_eq!(of(Some("30000000"), None), Some(Duration::from_secs(10)));
        assert_eq!(of(Some("30000000"), Some("7")), Some(Duration::from_secs(10)));
        for (usec, pid) in [(Some("30000000"), Some("8")), (None, None), (Some("0"), None), (Some("often"), None)] {
            assert_eq!(of(usec, pid), None, "{usec:?} {pid:?}");
        }
    }

    #[test]
    fn sockets_are_paths_or_abstract() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let unique = format!("sluice-test-{}-{}", process::id(), folder.path().display());
        let named = [
            (path.display().to_string(), SocketAddr::from_pathname(&path).unwrap()),
            (format!("@{unique}"), SocketAddr::from_abstract_name(&unique).unwrap()),
        ];
        for (name, address) in named {
            let manager = UnixDatagram::bind_addr(&address).unwrap();
            Manager::at(&name).unwrap().send("READY=1\nSTATUS=fine");
            let mut buffer = [0; 64];
            let length = manager.recv(&mut buffer).unwrap();
            assert_eq!(&buffer[..length], b"READY=1\nSTATUS=fine");
        }
        for name in ["vsock:2:1", "notify", ""] {
            assert!(Manager::at(name).is_err(), "{name}");
        }
    }
}
