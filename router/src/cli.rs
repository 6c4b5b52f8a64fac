//! The command line.

use std::{
    fs,
    io::{self, IsTerminal},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use clap::{Parser, Subcommand, ValueEnum};
use tracing_subscriber::EnvFilter;

use crate::{
    config::{self, Plan, Severity},
    process,
};

/// A log router for Kubernetes whose logic is WebAssembly.
#[derive(Debug, Parser)]
#[command(name = "sluice", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs every pipeline of the config file until SIGTERM or Ctrl-C
    Run {
        #[command(flatten)]
        document: Document,
        /// How log lines on standard error look; default: human on a terminal, json elsewhere
        #[arg(long, value_enum)]
        log_format: Option<LogFormat>,
        /// Seconds between two log lines with the books of each pipeline; 0 for none
        #[arg(long, default_value_t = 60, value_name = "SECONDS")]
        report_every: u64,
    },
    /// Checks the config file and prints every problem; touches nothing else
    Check {
        #[command(flatten)]
        document: Document,
    },
}

#[derive(Debug, clap::Args)]
struct Document {
    /// The config file
    #[arg(long, short, value_name = "FILE", default_value = "/etc/sluice/sluice.yaml")]
    config: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    Human,
    Json,
}

/// The exit code of a document with errors; that of `run` when a pipeline failed for good is 1.
const BAD_CONFIG: u8 = 2;

impl Cli {
    pub fn run(self) -> ExitCode {
        match self.command {
            Command::Check { document } => match document.plan() {
                Some(plan) => {
                    println!("{}: ok, {}", document.config.display(), summary(&plan));
                    ExitCode::SUCCESS
                }
                None => ExitCode::from(BAD_CONFIG),
            },
            Command::Run { document, log_format, report_every } => {
                start_log(log_format);
                let Some(plan) = document.plan() else { return ExitCode::from(BAD_CONFIG) };
                let report_every = (report_every > 0).then(|| Duration::from_secs(report_every));
                match process::run(&plan, report_every) {
                    Ok(()) => ExitCode::SUCCESS,
                    Err(error) => {
                        eprintln!("sluice: {error:#}");
                        ExitCode::FAILURE
                    }
                }
            }
        }
    }
}

impl Document {
    /// Prints all problems to standard error; `None` if one of them is an error.
    fn plan(&self) -> Option<Plan> {
        let text = match read(&self.config) {
            Ok(text) => text,
            Err(problem) => {
                eprintln!("{problem}");
                return None;
            }
        };
        let checked = config::check(&text, &self.config.to_string_lossy(), &|name| std::env::var(name).ok());
        for problem in &checked.problems {
            eprintln!("{problem}");
        }
        let errors = checked.problems.iter().filter(|problem| problem.severity == Severity::Error).count();
        if errors > 0 {
            eprintln!("{}: {errors} error{}", self.config.display(), if errors == 1 { "" } else { "s" });
        }
        checked.plan
    }
}

fn read(path: &Path) -> Result<String, String> {
    let bytes = fs::read(path).map_err(|error| {
        format!("{}: cannot read the config file: {error}; name it with --config FILE", path.display())
    })?;
    String::from_utf8(bytes).map_err(|error| {
        let line =
            1 + error.as_bytes()[..error.utf8_error().valid_up_to()].iter().filter(|byte| **byte == b'\n').count();
        format!("{}:{line}: the file is not UTF-8 from this line on; save it as UTF-8", path.display())
    })
}

fn summary(plan: &Plan) -> String {
    let names: Vec<&str> = plan.pipelines.iter().map(|pipeline| pipeline.name.as_str()).collect();
    format!("{} pipeline{}: {}", names.len(), if names.len() == 1 { "" } else { "s" }, names.join(", "))
}

/// `RUST_LOG` chooses what is logged, as everywhere in Rust; `info` without it. The client library's own lines are
/// left out: what librdkafka says comes through ours, with the component's name.
fn start_log(format: Option<LogFormat>) {
    let terminal = io::stderr().is_terminal();
    let format = format.unwrap_or(if terminal { LogFormat::Human } else { LogFormat::Json });
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,rdkafka=off"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_target(false);
    match format {
        LogFormat::Human => log.with_ansi(terminal).init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
}
