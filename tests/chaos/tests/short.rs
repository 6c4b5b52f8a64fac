//! The short form of `./dev chaos`: every line, with a fixed seed.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use sluice_chaos::{Options, run};
use sluice_end_to_end::component;

/// In the index once, on Kafka in order, however agent, indexers, brokers and index are killed and stopped meanwhile.
#[test]
fn every_line_survives_ninety_seconds_of_chaos() -> Result<()> {
    let test = std::env::current_exe()?;
    let program = test.parent().and_then(Path::parent).context("the test binary has no folder")?.join("sluice");
    ensure!(program.exists(), "{} is missing: run ./dev test, or cargo build -p sluice", program.display());
    let report = run(&Options {
        seed: 5,
        duration: Duration::from_secs(90),
        containers: 30,
        rate: 500,
        program,
        filter: component("level-filter")?,
        keep: false,
    })?;
    report.print();
    let faults = report.faults();
    ensure!(faults.is_empty(), "{}", faults.join("\n"));
    Ok(())
}
