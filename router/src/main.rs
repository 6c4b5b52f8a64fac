use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    sluice::cli::Cli::parse().run()
}
