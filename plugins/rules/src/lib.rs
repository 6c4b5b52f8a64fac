//! Rules about records, as the plugins `match` and `route` have them in their options.
//!
//! A rule is what a record must be: all that it names has to hold. [`RuleOptions`] is how it is written, [`Rule`] how it
//! is asked; plugins/match/README.md describes the keys.
mod check;
mod glob;
mod options;
mod rule;
mod words;

pub use options::{RuleOptions, under};
pub use rule::Rule;
