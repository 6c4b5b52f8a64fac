//! `sluice plugin replay`: makes the call of a crash bundle again.

use std::{
    fmt::Write as _,
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, Result, anyhow, bail};
use sluice_wasm::{
    Component, Engine,
    component::Digest,
    crash::{Bundle, Call, MOST_BYTES, Replayed, replay},
    packed,
};

use super::BAD_CONFIG;
use crate::config::one_line;

#[derive(Debug, clap::Args)]
pub(super) struct Replay {
    /// A crash bundle, as the log line of the fault names it
    #[arg(value_name = "BUNDLE")]
    bundle: PathBuf,
    /// The component to ask: what failed, or a mended one. Default: the file that failed, if it still holds the same
    #[arg(long, value_name = "FILE")]
    component: Option<PathBuf>,
}

impl Replay {
    /// 0: the same fault; 1: another one, or none; 2: the call cannot be made.
    pub fn run(&self) -> ExitCode {
        match self.replay() {
            Ok((report, is_same)) => {
                print!("{report}");
                if is_same { ExitCode::SUCCESS } else { ExitCode::FAILURE }
            }
            Err(error) => {
                eprintln!("{}", self.refusal(&error));
                ExitCode::from(BAD_CONFIG)
            }
        }
    }

    /// Errors quote the bundle, which may come from anywhere.
    fn refusal(&self, error: &anyhow::Error) -> String {
        one_line(&format!("sluice: {}: {error:#}", self.bundle.display()))
    }

    fn replay(&self) -> Result<(String, bool)> {
        let bundle = read(&self.bundle)?;
        let bytes = self.component(&bundle)?;
        let component = Component::load(&Engine::new()?, &bytes, &bundle.limits)
            .map_err(|error| anyhow!("the component {error}"))?;
        let replayed = replay(&bundle, &component).map_err(anyhow::Error::msg)?;
        Ok((report(&bundle, component.digest, &replayed), replayed == Replayed::Same))
    }

    /// The bytes of the component to ask. Another one than that which failed is only taken from who names it.
    fn component(&self, bundle: &Bundle) -> Result<Vec<u8>> {
        let (limit, failed) = (bundle.limits.component, bundle.fault.digest);
        if let Some(file) = &self.component {
            return packed::read(file, limit).with_context(|| format!("cannot read the component {}", file.display()));
        }
        let wanted = || format!("it takes the component {failed}; name its file with --component FILE");
        let Some(file) = &bundle.plugin.file else { bail!("{}", wanted()) };
        let bytes =
            packed::read(file, limit).with_context(|| format!("{}: {} cannot be read", wanted(), file.display()))?;
        if Digest::of(&bytes) != failed {
            bail!("{}: {} holds another one now", wanted(), file.display());
        }
        Ok(bytes)
    }
}

fn read(file: &Path) -> Result<Bundle> {
    let mut bytes = Vec::new();
    File::open(file)
        .and_then(|file| file.take(MOST_BYTES as u64 + 1).read_to_end(&mut bytes))
        .context("cannot be read")?;
    Bundle::read(&bytes).map_err(anyhow::Error::msg)
}

/// What was, and what is, without a word of a record but for those that the plugin quotes. Each value stays on its line,
/// and tells the terminal nothing: bundles are passed on, and anyone can write one.
fn report(bundle: &Bundle, digest: Digest, replayed: &Replayed) -> String {
    let Bundle { when, host, plugin, fault, .. } = bundle;
    let now = match replayed {
        Replayed::Same => "the same fault".to_owned(),
        Replayed::Other(other) => format!("another fault: {}", other.in_full()),
        Replayed::NoFault => "no fault: the plugin answers as it should".to_owned(),
    };
    let mut lines = vec![
        ("plugin", format!("{} ({}) {}", plugin.name, plugin.kind, fault.digest)),
        ("when", format!("{when}, sluice {} with wasmtime {} on {}", host.sluice, host.wasmtime, host.target)),
        ("call", call(bundle)),
        ("fault", fault.in_full()),
    ];
    if let Some((records, fault)) = &bundle.seen {
        lines.push(("seen as", format!("{fault}, over {}", count(u64::from(*records), "record"))));
    }
    lines.push(("state", state(bundle)));
    if digest != fault.digest {
        lines.push(("asked", format!("another component: {digest}")));
    }
    lines.push(("now", now));
    lines.iter().fold(String::new(), |mut text, (name, value)| {
        let _ = writeln!(text, "{name:<9}{}", one_line(value));
        text
    })
}

fn call(bundle: &Bundle) -> String {
    let name = bundle.fault.call;
    let fields: Vec<String> = bundle.plugin.reads.iter().map(|keys| keys.join(".")).collect();
    let fields = if fields.is_empty() { "none".to_owned() } else { fields.join(", ") };
    match &bundle.call {
        Call::Records(batch) => format!("`{name}` of {}; fields: {fields}", count(u64::from(batch.len), "record")),
        Call::Tick(now) => format!("`{name}` at {now} ns"),
        Call::Start | Call::LeftOut(_) => format!("`{name}`"),
    }
}

/// What is known of how much the instance's memory has to do with the fault.
fn state(bundle: &Bundle) -> String {
    let before = bundle.fault.before;
    let before = match before {
        0 => "the instance was new".to_owned(),
        _ => format!("the instance had answered {} before", count(before, "call")),
    };
    let after = match bundle.repeats {
        Some(true) => "a new one failed in the same way",
        Some(false) if bundle.fault.before > 0 => {
            "a new one did not fail, so what it remembered is to blame, which a bundle does not hold"
        }
        Some(false) => "another new one did not fail, so chance or the machine has to do with it",
        None => "whether a new one fails as well was not tried",
    };
    let grants = bundle.limits.grants;
    let chance = if grants.clock || grants.random { "; it may look at a clock, or at random numbers" } else { "" };
    format!("{before}; {after}{chance}")
}

fn count(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use sluice_wasm::{
        Limits,
        component::Kind,
        crash::{Host, Subject},
        fault::{Cause, Fault},
    };

    use super::*;

    fn bundle() -> Bundle {
        let fault = Fault {
            plugin: "f".into(),
            digest: Digest([0xa5; 32]),
            version: None,
            call: "tick",
            cause: Cause::Refused("cannot tell the time".into()),
            before: 0,
        };
        Bundle {
            when: "2026-01-02T03:04:05Z".into(),
            host: Host { sluice: "1".into(), wasmtime: "2".into(), target: "here".into() },
            plugin: Subject {
                name: "f".into(),
                kind: Kind::Notifier,
                size: 1,
                file: None,
                config: "{}".into(),
                reads: vec![],
            },
            limits: Limits::default(),
            fault,
            seen: None,
            repeats: Some(true),
            call: Call::Tick(7),
        }
    }

    /// Somebody sends a bundle, and whoever replays it looks at a terminal.
    #[test]
    fn a_hostile_bundle_says_nothing_to_the_terminal() {
        let evil = "x\u{1b}[2J\r\nnow      the same fault\u{9b}31m\n\u{7}".to_owned();
        let mut bundle = bundle();
        bundle.plugin = Subject { name: evil.clone(), reads: vec![vec![evil.clone()]], ..bundle.plugin };
        bundle.host = Host { sluice: evil.clone(), wasmtime: evil.clone(), target: evil.clone() };
        bundle.fault.cause = Cause::Trap(evil.clone());
        bundle.fault.version = Some(evil.clone().into());
        (bundle.when, bundle.seen) = (evil.clone(), Some((7, evil.clone())));
        let other = Replayed::Other(bundle.fault.clone());
        let said = report(&bundle, Digest([0; 32]), &other);
        assert!(said.lines().all(|line| !line.contains(char::is_control)), "{said:?}");
        let names: Vec<&str> = said.lines().filter_map(|line| line.split("  ").next()).collect();
        assert_eq!(names, ["plugin", "when", "call", "fault", "seen as", "state", "asked", "now"]);
        let replay = Replay { bundle: PathBuf::from(&evil), component: None };
        let refusal = replay.refusal(&anyhow!("{evil}"));
        assert!(!refusal.contains(char::is_control), "{refusal:?}");
    }

    #[test]
    fn reports_say_what_is_known() {
        let mut bundle = bundle();
        let fault = bundle.fault.clone();
        let digest = format!("sha256:{}", "a5".repeat(32));
        let said = report(&bundle, fault.digest, &Replayed::Same);
        let expect = format!(
            "plugin   f (notifier) {digest}\nwhen     2026-01-02T03:04:05Z, sluice 1 with wasmtime 2 on here\ncall     `tick` at 7 ns\n\
             fault    `tick` of {digest} returned an error: cannot tell the time\n\
             state    the instance was new; a new one failed in the same way\nnow      the same fault\n"
        );
        assert_eq!(said, expect);
        let other = Fault { cause: Cause::Trap("why".into()), ..fault };
        let said = report(&bundle, Digest([0; 32]), &Replayed::Other(other));
        assert!(said.contains("\nasked    another component: sha256:00"), "{said}");
        assert!(said.ends_with(&format!("now      another fault: `tick` of {digest} failed: why\n")), "{said}");
        for (before, repeats, random, expect) in [
            (0, None, false, "the instance was new; whether a new one fails as well was not tried"),
            (
                0,
                Some(false),
                false,
                "the instance was new; another new one did not fail, so chance or the machine has to do with it",
            ),
            (1, Some(true), false, "the instance had answered 1 call before; a new one failed in the same way"),
            (
                9,
                Some(true),
                true,
                "the instance had answered 9 calls before; a new one failed in the same way; it may look at a clock, or at random numbers",
            ),
            (
                9,
                Some(false),
                false,
                "the instance had answered 9 calls before; a new one did not fail, so what it remembered is to blame, which a bundle does not hold",
            ),
        ] {
            (bundle.fault.before, bundle.repeats, bundle.limits.grants.random) = (before, repeats, random);
            assert_eq!(state(&bundle), expect);
        }
    }
}
