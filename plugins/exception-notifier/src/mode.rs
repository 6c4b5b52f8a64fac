//! Which of the records that tell of an exception are worth an alert.
use serde::Deserialize;

use crate::memory::{LARGEST_BURST, Memory, Rule, duration};

#[derive(Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// All of them.
    #[default]
    Plain,
    /// Those of a problem that was not seen for a while.
    FirstSeen,
    /// Those with which there are too many of a problem.
    Burst,
}

impl Mode {
    /// What the mode has to remember, and what its alerts say of it.
    pub fn memory(self, within: Option<&str>, more_than: Option<usize>) -> Result<(Option<Memory>, String), String> {
        if self != Self::Burst && more_than.is_some() {
            return Err("more_than: is of mode burst; write mode: burst, or leave it out".into());
        }
        if self == Self::Plain && within.is_some() {
            return Err("within: is of the modes first_seen and burst; write one of them, or leave it out".into());
        }
        let written = within.unwrap_or(if self == Self::Burst { "5m" } else { "24h" });
        let within = duration(written)
            .ok_or_else(|| format!("within: expected a time such as 90s, 5m, 24h or 7d, not \"{written}\""))?;
        let (rule, note) = match self {
            Self::Plain => return Ok((None, String::new())),
            Self::FirstSeen => (Rule::FirstSeen, format!("First seen within {written}")),
            Self::Burst => {
                let more_than = more_than.unwrap_or(10);
                if !(1..=LARGEST_BURST).contains(&more_than) {
                    return Err(format!("more_than: expected 1 to {LARGEST_BURST}, not {more_than}"));
                }
                (Rule::Burst { more_than }, format!("More than {more_than} times within {written}"))
            }
        };
        Ok((Some(Memory::new(rule, within)), note))
    }
}
