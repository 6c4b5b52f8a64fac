//! `sluice plugin run`

use std::{
    fs::File,
    io::{self, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, anyhow};
use sluice_wasm::Engine;

use super::show::{Counts, unless_closed, write_alert};
use crate::{
    author::{
        difference::changes,
        input::Reader,
        paint::{Colour, Paint},
        play::{Fate, Play, Played},
        spec::Spec,
    },
    cli::document::Document,
};

/// How often notifiers are asked without records.
const TICK: Duration = Duration::from_secs(1);

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Run {
    /// A component, with its options behind a colon: redact.wasm or 'level-filter.wasm:{"at_least":"info"}'. Once for
    /// each plugin, in order
    #[arg(long = "plugin", short, value_name = "COMPONENT[:JSON]", required_unless_present = "pipeline")]
    plugins: Vec<Spec>,
    /// The plugins of this pipeline of a config file
    #[arg(long, value_name = "NAME", conflicts_with = "plugins", requires = "config")]
    pipeline: Option<String>,
    /// The config file that --pipeline is of
    #[arg(long, short, value_name = "FILE", requires = "pipeline")]
    config: Option<PathBuf>,
    /// A log file (NDJSON, CRI, docker or plain lines); - is standard input
    #[arg(value_name = "FILE", default_value = "-")]
    file: PathBuf,
}

impl Run {
    /// Records that are left go to standard output, one JSON object a line; alerts and counts to standard error. Exit
    /// code 0: every record had its answer; 1: a plugin failed on one; 2: nothing could be tried.
    pub fn run(&self) -> ExitCode {
        super::exit(self.pass())
    }

    fn pass(&self) -> Result<bool> {
        let engine = Engine::new()?;
        let plugins = self.specs()?.iter().map(|spec| spec.load(&engine)).collect::<Result<Vec<_>>>()?;
        let play = Play::new(&plugins)?;
        if self.file == Path::new("-") {
            return pass(play, io::stdin(), "standard input", |lines| !lines.buffer().contains(&b'\n'));
        }
        let file = File::open(&self.file).with_context(|| {
            format!("cannot read {}; name a log file, or - for standard input", self.file.display())
        })?;
        pass(play, file, &self.file.to_string_lossy(), |_| false)
    }

    fn specs(&self) -> Result<Vec<Spec>> {
        let (Some(pipeline), Some(config)) = (&self.pipeline, &self.config) else { return Ok(self.plugins.clone()) };
        let plan = Document { config: config.clone() }.plan();
        Spec::of_pipeline(&plan.ok_or_else(|| anyhow!("{} has errors", config.display()))?, pipeline)
    }
}

/// `is_slow` says that another whole line would have to be waited for.
fn pass<R: Read>(mut play: Play, from: R, name: &str, is_slow: impl Fn(&BufReader<R>) -> bool) -> Result<bool> {
    let mut reader = Reader::new(BufReader::with_capacity(1 << 16, from));
    let (mut counts, mut ticked) = (Counts::default(), Instant::now());
    let (mut out, paint) = (io::stdout().lock(), Paint::of(&io::stdout()));
    let (mut told, loud) = (io::stderr().lock(), Paint::of(&io::stderr()));
    loop {
        let inputs = reader.next(|lines| !is_slow(lines)).with_context(|| format!("cannot read {name}"))?;
        let ended = inputs.is_empty();
        for played in play.play(inputs)? {
            counts.add(&played);
            if !unless_closed(write_record(&mut out, &played, paint))? {
                return Ok(counts.failed == 0);
            }
            write_aside(&mut told, &played, loud)?;
        }
        if ended || ticked.elapsed() >= TICK {
            ticked = Instant::now();
            for alert in play.tick()? {
                counts.alerts += 1;
                write_alert(&mut told, &alert, loud)?;
            }
        }
        if ended {
            writeln!(told, "{}", counts.summary())?;
            return Ok(counts.failed == 0);
        }
    }
}

/// A record that is left: in colour, what was changed.
fn write_record(out: &mut impl Write, played: &Played, paint: Paint) -> io::Result<()> {
    match &played.fate {
        Fate::Kept => writeln!(out, "{}", String::from_utf8_lossy(&played.input.document)),
        Fate::Changed(after) => {
            let text = String::from_utf8_lossy(after);
            let is_worth_it = !changes(&played.input.document, after).is_empty();
            if is_worth_it && paint != Paint::plain() {
                writeln!(out, "{}", paint.paint(Colour::Green, &text))
            } else {
                writeln!(out, "{text}")
            }
        }
        Fate::Dropped(_) | Fate::Failed(_) => Ok(()),
    }
}

/// What does not belong among the records.
fn write_aside(told: &mut impl Write, played: &Played, paint: Paint) -> io::Result<()> {
    match &played.fate {
        Fate::Failed(why) => {
            let text = format!("line {}: failed: {why}", played.input.line);
            writeln!(told, "{}", paint.paint(Colour::Red, &text))?;
        }
        // Dropped records are of interest to whoever looks at a terminal.
        Fate::Dropped(by) if paint != Paint::plain() => {
            let text = format!("- {by}: {}", String::from_utf8_lossy(&played.input.document));
            writeln!(told, "{}", paint.paint(Colour::Faint, &text))?;
        }
        _ => {}
    }
    played.alerts.iter().try_for_each(|alert| write_alert(told, alert, paint))
}
