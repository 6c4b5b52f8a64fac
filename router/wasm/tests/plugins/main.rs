//! Real components in the real host.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]
mod batches;
mod components;
mod enrichers;
mod examples;
mod faults;
mod hostile;
mod level_filter;
mod loading;
mod notifiers;
mod run;
mod shipped;
mod swap;
mod trials;
mod versions;
