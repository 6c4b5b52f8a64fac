//! Sluice, the log router, as a library: what the binary is composed of.
//!
//! `config` turns a document into a plan, `assemble` a plan into pipelines, `process` runs them.

pub mod admin;
pub mod assemble;
mod author;
pub mod cli;
pub mod config;
pub mod demo;
mod metrics;
pub mod online;
pub mod process;
mod reload;
pub mod report;
pub mod status;
