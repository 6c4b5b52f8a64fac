use std::process::ExitCode;

use clap::Parser;

// librdkafka frees on its threads what ours allocate: measured, a third of the agent's CPU time goes with glibc's malloc.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    sluice::cli::Cli::parse().run()
}
