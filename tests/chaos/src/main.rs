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

/// A whole number and a unit: `90s`, `10m`, `1h`. Shorter ones leave no time for faults.
fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = text.split_at(text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len()));
    let unit = match unit {
        "s" => Some(1),
        "m" => Some(60),
        "h" => Some(3600),
        _ => None,
    };
    let number = number.parse::<u64>().ok();
    match number.zip(unit).and_then(|(number, unit)| number.checked_mul(unit)) {
        Some(seconds @ 30..) => Ok(Duration::from_secs(seconds)),
        Some(_) => Err("at least 30s".into()),
        None => Err("write a whole number and s, m or h, e.g. 10m".into()),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit() {
        for (text, expect) in [
            ("30s", Some(30)),
            ("10m", Some(600)),
            ("1h", Some(3600)),
            ("29s", None),
            ("0m", None),
            ("30", None),
            ("m", None),
            ("1d", None),
            ("-1h", None),
            ("1.5h", None),
            ("", None),
            ("99999999999999999999s", None),
            ("9999999999999999999h", None),
        ] {
            assert_eq!(duration(text).ok(), expect.map(Duration::from_secs), "{text}");
        }
    }
}
