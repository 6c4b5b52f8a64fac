//! The rules that are built in.
use std::ops::Range;

use serde::de::{self, Deserialize, Deserializer};

use crate::{bearer, card, email, ip, pair, shape};

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    Email,
    CreditCard,
    Bearer,
    ApiToken,
    Ip,
}

const NAMES: &[&str] = &["email", "credit-card", "bearer", "api-token", "ip"];

impl<'de> Deserialize<'de> for Rule {
    // Written out: what serde derives would make the component 4 kB larger.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let rule = Self::ALL.into_iter().find(|rule| rule.name() == name);
        rule.ok_or_else(|| de::Error::unknown_variant(&name, NAMES))
    }
}

/// The rules that apply where none are named: addresses of machines are mostly wanted in logs.
pub const USUAL: [Rule; 4] = [Rule::Email, Rule::CreditCard, Rule::Bearer, Rule::ApiToken];

impl Rule {
    /// In the order of their numbers.
    pub const ALL: [Self; 5] = [Self::Email, Self::CreditCard, Self::Bearer, Self::ApiToken, Self::Ip];

    pub fn name(self) -> &'static str {
        NAMES[self as usize]
    }

    /// Calls `found` for each place in a text. Places may overlap, and their order is any.
    /// None begins or ends within an escape of JSON, or reaches over a quote that is not escaped.
    pub fn find(self, text: &str, found: &mut impl FnMut(Range<usize>)) {
        match self {
            Self::Email => email::find(text, found),
            Self::CreditCard => card::find(text, found),
            Self::Bearer => bearer::find(text, found),
            Self::ApiToken => {
                shape::find(text, found);
                pair::find(text, found);
            }
            Self::Ip => ip::find(text, found),
        }
    }
}

/// Whether a text that ends so goes on in the middle of a word. A letter may also be the end of an escape, in a text
/// that is JSON.
pub fn is_within_word(before: &str) -> bool {
    !ends_with_escape(before) && before.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
}

/// Whether a text ends with the escape of a line's end or a tab.
pub fn ends_with_escape(before: &str) -> bool {
    ["\\n", "\\r", "\\t"].iter().any(|escape| before.ends_with(escape))
}

/// What a rule finds in a text, for tests of tables.
#[cfg(test)]
pub fn all(find: impl Fn(&str, &mut dyn FnMut(Range<usize>)), text: &str) -> Vec<&str> {
    let mut ranges = Vec::new();
    find(text, &mut |range| ranges.push(range));
    ranges.sort_by_key(|range| range.start);
    ranges.into_iter().map(|range| &text[range]).collect()
}
