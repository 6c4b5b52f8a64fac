//! `sluice plugin test`

use std::{
    fs::File,
    io::{self, BufReader, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, Result, anyhow, bail};
use sluice_author::Package;
use sluice_wasm::{
    Component, Engine, Limits,
    examples::{self, Example},
};

use super::show::{Counts, is_worth_showing, unless_closed, write_alert, write_played};
use crate::author::{
    input::Reader,
    paint::{Colour, Paint},
    play::Play,
    spec::{Spec, parse_options, read},
};

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Test {
    /// The plugin's folder, which is built first, or a component file
    #[arg(value_name = "DIR|COMPONENT", default_value = ".")]
    plugin: PathBuf,
    /// Instead of the examples: what the plugin would do to this log file (NDJSON, CRI, docker or plain lines)
    #[arg(long, value_name = "FILE")]
    on: Option<PathBuf>,
    /// With --on: the plugin's options. Default: {}
    #[arg(long, value_name = "JSON", requires = "on", value_parser = parse_options)]
    config: Option<String>,
    /// With --on: how many records are shown; all are counted
    #[arg(long, value_name = "NUMBER", default_value_t = 100, requires = "on")]
    show: u64,
}

impl Test {
    /// Exit code 0: as it should be; 1: an example or a record failed; 2: nothing could be tried.
    pub fn run(&self) -> ExitCode {
        super::exit(self.test())
    }

    fn test(&self) -> Result<bool> {
        let component = match self.plugin.is_dir() {
            true => super::build::build(&self.plugin, None)?.0,
            false => self.plugin.clone(),
        };
        match &self.on {
            Some(file) => self.on_file(&component, file),
            None => self.examples(&component),
        }
    }

    fn examples(&self, file: &Path) -> Result<bool> {
        let (engine, limits) = (Engine::new()?, Limits::default());
        let bytes = read(file, limits.component)?;
        let component =
            Component::load(&engine, &bytes, &limits).map_err(|error| anyhow!("{} {error}", file.display()))?;
        let limits = Limits { grants: component.wants, ..limits };
        // Those of a folder were put into the component just now.
        let examples = examples::of(&bytes).map_err(|error| anyhow!("{}: {error}", file.display()))?;
        if examples.is_empty() {
            let package = Package::find(&self.plugin).map_or_else(|_| "its folder".into(), |found| found.name);
            bail!(
                "{} carries no examples; write some into examples/*.json of {package} and type: sluice plugin build",
                file.display()
            );
        }
        let (paint, mut out) = (Paint::of(&io::stdout()), io::stdout().lock());
        let mut failed = 0;
        for example in &examples {
            failed += usize::from(!try_example(&mut out, example, &component, &limits, paint)?);
        }
        let total = examples.len();
        writeln!(out, "{}: {} of {total} as expected", file.display(), total - failed)?;
        Ok(failed == 0)
    }

    fn on_file(&self, component: &Path, file: &Path) -> Result<bool> {
        let spec = Spec::new(component, self.config.as_deref().unwrap_or("{}"));
        let mut play = Play::new(&[spec.load(&Engine::new()?)?])?;
        let open = File::open(file).with_context(|| format!("cannot read {}; name a log file", file.display()))?;
        let mut reader = Reader::new(BufReader::new(open));
        let (paint, mut out, mut counts, mut shown) =
            (Paint::of(&io::stdout()), io::stdout().lock(), Counts::default(), 0);
        loop {
            let inputs = reader.next(|_| true).with_context(|| format!("cannot read {}", file.display()))?;
            if inputs.is_empty() {
                break;
            }
            for played in play.play(inputs)? {
                counts.add(&played);
                if is_worth_showing(&played) {
                    shown += 1;
                    if shown <= self.show && !unless_closed(write_played(&mut out, &played, paint))? {
                        return Ok(counts.failed == 0);
                    }
                }
            }
        }
        for alert in play.tick()? {
            counts.alerts += 1;
            write_alert(&mut out, &alert, paint)?;
        }
        if shown > self.show {
            writeln!(out, "… and {} more; --show {shown} shows them all", shown - self.show)?;
        }
        writeln!(out, "{}", counts.summary())?;
        Ok(counts.failed == 0)
    }
}

/// Runs an example and says how it went; false if it went wrong.
fn try_example(
    out: &mut impl io::Write,
    example: &Example,
    component: &Component,
    limits: &Limits,
    paint: Paint,
) -> io::Result<bool> {
    match example.run(component, limits) {
        Ok(()) => writeln!(out, "{} {}", paint.paint(Colour::Green, "ok    "), example.name()).map(|()| true),
        Err(failed) => {
            writeln!(out, "{} {}", paint.paint(Colour::Red, "failed"), example.name())?;
            for difference in &failed.differences {
                writeln!(out, "       {difference}")?;
            }
            Ok(false)
        }
    }
}
