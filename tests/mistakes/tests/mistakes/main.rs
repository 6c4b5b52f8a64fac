//! Every mistake of the tables, done to the real code.
#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used, reason = "helpers of tests")]

mod answers;
mod books;
mod command;
mod components;
mod config;
mod documentation;
mod faults;
mod files;
mod kafka;
mod lines;
mod log;
mod migration;
mod node;
mod records;
mod server;
mod webhook;
