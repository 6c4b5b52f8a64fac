//! `sluice demo`: the whole chain in one process, with stand-ins for what lies outside of it.
//!
//! The router is the one that `sluice run` starts, from an ordinary config file. Around it are containers that print
//! (`sluice-node`), librdkafka's mock cluster, an index, a webhook and a view (`sluice-demo`); here they meet.

mod balance;
mod census;
mod components;
mod document;
mod events;
mod interrupt;
mod look;
mod pair;
mod scene;
mod stage;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use sluice_demo::snapshot::Kind;
use sluice_node::{Generator, Summary};

use self::{
    events::Events,
    interrupt::Interrupt,
    look::Looker,
    scene::Scene,
    stage::{Stage, Turn},
};
use crate::{config, process::Process};

/// What the router may take to run dry when it is stopped.
const GRACE: Duration = Duration::from_secs(5);
/// How long the rest may take to arrive when nothing is printed any more.
const DRAIN: Duration = Duration::from_secs(20);

#[derive(Debug, clap::Args)]
pub struct Options {
    /// How long the containers print, e.g. 30s or 2m; without it until q or Ctrl-C
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    duration: Option<Duration>,
    /// The folder with the plugins' components; without it $SLUICE_COMPONENTS, $SLUICE_CACHE/components,
    /// ~/.cache/sluice/components or /usr/share/sluice/plugins
    #[arg(long, value_name = "DIR")]
    plugins: Option<PathBuf>,
    /// Keeps the demo's folder: config, plugins, container logs and the router's own log
    #[arg(long)]
    keep: bool,
}

fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = text.split_at(text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len()));
    let scale = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => 0,
    };
    match number.parse::<u64>().ok().and_then(|number| number.checked_mul(scale)) {
        Some(seconds @ 1..) => Ok(Duration::from_secs(seconds)),
        _ => Err("write a whole number and s, m or h, e.g. 30s".into()),
    }
}

/// Runs until the time is over or somebody asks to leave, and prints the balance of the books. An error if they do not
/// balance, or if something of the demo failed.
pub fn run(options: &Options) -> Result<()> {
    let plugins = components::find(options.plugins.as_deref(), &|name| std::env::var_os(name))?;
    let interrupt = Interrupt::listen()?;
    let folder =
        tempfile::Builder::new().prefix("sluice-demo-").tempdir().context("cannot create the demo's folder")?;
    let result = show(options, &plugins, &interrupt, folder.path());
    if options.keep || result.is_err() {
        let kept = folder.keep();
        eprintln!("kept: {}", kept.display());
    }
    result
}

fn show(options: &Options, plugins: &Path, interrupt: &Interrupt, folder: &Path) -> Result<()> {
    let events = Events::record(&folder.join("sluice.log"))?;
    let scene = Scene::build(folder, plugins)?;
    events.mark("stand-ins up");
    let process = start(&scene)?;
    events.mark("plugins compiled and pipelines started");
    events
        .tell(Kind::Note, "Kafka waits 3 s for more members of a new group, as real brokers do; then the index fills");
    let generator = scene.print()?;
    let stage = Stage::open(&scene.places)?;
    let mut demo = Demo { scene, process, events, stage, looker: Looker::default(), interrupt };
    let played = demo.play(generator, options.duration);
    demo.close(played)
}

fn start(scene: &Scene) -> Result<Process> {
    let (path, text) = (&scene.places.config, &scene.document);
    let checked = config::check(text, &path.to_string_lossy(), &|name| std::env::var(name).ok());
    let problems: Vec<String> = checked.problems.iter().map(ToString::to_string).collect();
    let plan = checked.plan.with_context(|| format!("the demo's own config is refused:\n{}", problems.join("\n")))?;
    Process::start(path, plan, None)
}

struct Demo<'a> {
    // Dropped in this order: the router before the servers that it talks to.
    process: Process,
    scene: Scene,
    events: Arc<Events>,
    stage: Stage,
    looker: Looker,
    interrupt: &'a Interrupt,
}

impl Demo<'_> {
    /// Containers print until it is time to leave, and then the rest arrives.
    fn play(&mut self, generator: Generator, duration: Option<Duration>) -> Result<Summary> {
        let deadline = duration.map(|duration| Instant::now() + duration);
        while !self.interrupt.is_asked() && deadline.is_none_or(|deadline| Instant::now() < deadline) {
            if self.turn(Some(&generator), generator.count(), deadline)? == Turn::Leave {
                break;
            }
        }
        let summary = generator.stop()?;
        let printed = balance::printed(&summary);
        self.events.tell(Kind::Note, &format!("the containers stop after {printed} lines; the rest arrives"));
        let deadline = Instant::now() + DRAIN;
        while !self.has_arrived(printed) && Instant::now() < deadline && !self.interrupt.is_urgent() {
            self.turn(None, printed, None)?;
        }
        Ok(summary)
    }

    /// Looks, shows, and waits a little for a key.
    fn turn(&mut self, generator: Option<&Generator>, printed: u64, deadline: Option<Instant>) -> Result<Turn> {
        if self.process.observed().is_stopping() {
            bail!("the router stopped by itself; the last lines of its log say why");
        }
        let snapshot = self.looker.look(&look::Sources {
            scene: &self.scene,
            observed: self.process.observed(),
            events: &self.events,
            generator,
            printed,
            left: deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())),
            hold: self.stage.is_held(),
        });
        Ok(self.stage.show(&snapshot)?)
    }

    /// Whether every pipeline has read all that there is, and nothing is on the way.
    fn has_arrived(&self, printed: u64) -> bool {
        let pipelines = self.process.observed().pipelines();
        let mut delivered = printed;
        pipelines.iter().all(|pipeline| {
            let balance = pipeline.ledger.balance();
            let arrived = balance.kept() >= delivered && balance.in_flight() == 0;
            if pipeline.name == document::SHIP {
                delivered = balance.delivered;
            }
            arrived
        })
    }

    /// Stops everything in order and prints the balance.
    fn close(self, played: Result<Summary>) -> Result<()> {
        let Self { process, scene, events, stage, .. } = self;
        let behind = balance::Behind::of(process.observed());
        process.stop(GRACE);
        let ended = process.wait();
        let books = balance::Books::of(process.observed(), behind);
        drop(process);
        drop(stage);
        let summary = played.and_then(|summary| ended.map(|()| summary)).with_context(|| events.last_faults())?;
        let report = balance::Report::new(&summary, &books, &scene);
        stage::tell(&format!("{}{report}", events.start_times()))?;
        let faults = report.faults();
        if !faults.is_empty() {
            bail!("the books do not balance:\n  {}", faults.join("\n  "));
        }
        stage::tell(&report.end())?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit() {
        for (text, expect) in [
            ("30s", Some(30)),
            ("2m", Some(120)),
            ("1h", Some(3600)),
            ("0s", None),
            ("30", None),
            ("s", None),
            ("99999999999999999999s", None),
            ("9999999999999999999h", None),
            ("", None),
        ] {
            assert_eq!(duration(text).ok(), expect.map(Duration::from_secs), "{text}");
        }
    }
}
