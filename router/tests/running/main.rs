//! `sluice run` as a process, from files to librdkafka's mock cluster, while its config and its plugins change under
//! it. The components are those that `./dev components` built. Real servers are in `tests/end-to-end`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod alerts;
mod assembly;
mod cache;
mod config;
mod crashes;
mod halt;
mod packed;
mod plugins;
mod rollback;
mod world;
