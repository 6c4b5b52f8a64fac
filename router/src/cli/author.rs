//! `sluice plugin …` for those who write plugins.

mod bench;
mod build;
mod config_map;
mod create;
mod run;
mod show;
mod test;

use std::process::ExitCode;

use anyhow::Result;

pub(super) use {bench::Bench, build::Build, config_map::WriteConfigMap, create::Create, run::Run, test::Test};

/// The exit code of what could not be tried at all; what was tried and failed has 1.
const UNUSABLE: u8 = 2;

/// Whether everything came out as it should; an error says what kept it from being tried.
fn exit(outcome: Result<bool>) -> ExitCode {
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("sluice: {error:#}");
            ExitCode::from(UNUSABLE)
        }
    }
}

/// `1 record`, `2 records`.
fn count(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}
