//! Real components in the real host.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]
mod batches;
mod bombs;
mod components;
mod crashes;
mod enrichers;
mod examples;
mod faults;
mod hostile;
mod level_filter;
mod loading;
mod notifiers;
mod patch;
mod run;
mod shipped;
mod swap;
mod throttled;
mod trials;
mod versions;
mod wasi;
