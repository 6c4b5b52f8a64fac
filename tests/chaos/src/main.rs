//! `sluice-chaos`, which `./dev chaos` runs.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::Parser;
use sluice_chaos::{HEAD, Options, run};

#[derive(Parser)]
#[command(name = "./dev chaos", about = "Lets everything fail by a seeded schedule while every line is counted.")]
struct Arguments {
    /// How long faults happen, e.g. 90s or 10m; at least 30s
    #[arg(long = "for", value_name = "DURATION", default_value = "10m", value_parser = duration)]
    duration: Duration,
    /// What decides the schedule; one of its own each time if not given
    #[arg(long)]
    seed: Option<u64>,
    /// So many runs one after the other, with the seeds after the first one
    #[arg(long, default_value_t = 1)]
    runs: u64,
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u16).range(1..=500))]
    containers: u16,
    /// Lines a second of all containers together
    #[arg(long, default_value_t = 800, value_parser = clap::value_parser!(u64).range(10..=20_000))]
    rate: u64,
    /// Keeps the folder with configs, logs and files also when all went well
    #[arg(long)]
    keep: bool,
    /// The program under test
    #[arg(long, hide = true)]
    program: PathBuf,
    /// The folder of the components
    #[arg(long, hide = true)]
    components: PathBuf,
}

fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = text.split_at(text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len()));
    let seconds = match (number.parse::<u64>(), unit) {
        (Ok(number), "s") => number,
        (Ok(number), "m") => number * 60,
        (Ok(number), "h") => number * 3600,
        _ => return Err("write a whole number and s, m or h, e.g. 10m".into()),
    };
    if seconds < 30 { Err("at least 30s".into()) } else { Ok(Duration::from_secs(seconds)) }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match runs(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether all went well.
fn runs(arguments: &Arguments) -> Result<bool> {
    let first = arguments.seed.unwrap_or_else(|| fastrand::u64(..1_000_000));
    let (mut rows, mut well) = (Vec::new(), true);
    for seed in (first..).take(usize::try_from(arguments.runs)?) {
        let report = run(&Options {
            seed,
            duration: arguments.duration,
            containers: arguments.containers.into(),
            rate: arguments.rate,
            program: arguments.program.clone(),
            filter: arguments.components.join("level-filter.wasm"),
            keep: arguments.keep,
        })?;
        report.print();
        rows.push(report.row());
        well &= report.faults().is_empty();
    }
    if rows.len() > 1 {
        println!("\n{HEAD}\n{}", rows.join("\n"));
    }
    Ok(well)
}
