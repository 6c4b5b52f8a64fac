//! Chaos: containers whose every line is numbered print and rotate while a seeded schedule kills, stops and holds still
//! the agent, two indexers, three real brokers and a real index, spoils answers, files and a disk. At the end every line
//! that no plugin dropped must be in the index exactly once, and on Kafka in order.

mod config;
mod containers;
mod diary;
mod disk;
mod flow;
mod index;
mod lane;
mod member;
mod recovery;
mod report;
mod run;
mod schedule;
mod stage;
mod topic;

pub use report::{HEAD, Report};
pub use run::{Options, run};
