//! What the author's commands share: log files as records, plugins asked about them one after another, and the words for
//! what became of each.

pub mod difference;
pub mod input;
pub mod paint;
pub mod play;
pub mod spec;
