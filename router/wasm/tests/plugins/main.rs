//! Real components in the real host.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]
mod batches;
mod components;
mod hostile;
mod level_filter;
mod loading;
