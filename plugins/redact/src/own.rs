//! Patterns of one's own, as regular expressions.
use regex_lite::{Regex, RegexBuilder};
use serde::Deserialize;

use crate::cover::Match;

/// How large a compiled pattern may be: what it takes to try it on a text grows with that.
const SIZE: usize = 256 << 10;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pattern {
    name: String,
    regex: String,
    #[serde(default)]
    replace: Option<String>,
}

pub struct Own {
    regex: Regex,
    replacement: Replacement,
}

enum Replacement {
    Fixed(String),
    /// With groups of the match: `$1`, `${name}`.
    Groups(String),
}

impl Own {
    /// An error begins with the key.
    pub fn new(pattern: &Pattern, replacement: &str) -> Result<Self, String> {
        if pattern.name.is_empty() {
            return Err("name: is empty; it is shown where something was redacted".into());
        }
        let regex = RegexBuilder::new(&pattern.regex).size_limit(SIZE).build();
        let regex = regex.map_err(|error| format!("regex: cannot be used: {error}"))?;
        if regex.is_match("") {
            return Err("regex: matches the empty text; write one that needs at least a character".into());
        }
        let replacement = match &pattern.replace {
            Some(text) if text.contains('$') => Replacement::Groups(text.clone()),
            Some(text) => Replacement::Fixed(text.clone()),
            None => Replacement::Fixed(replacement.replace("{rule}", &pattern.name)),
        };
        Ok(Self { regex, replacement })
    }

    pub fn find<'a>(&'a self, text: &'a str, matches: &mut Vec<Match<'a>>) {
        match &self.replacement {
            Replacement::Fixed(with) => {
                let found = self.regex.find_iter(text).filter(|found| !found.is_empty());
                matches.extend(found.map(|found| Match { range: found.range(), with: with.into() }));
            }
            Replacement::Groups(with) => matches.extend(self.regex.captures_iter(text).filter_map(|groups| {
                let range = groups.get(0)?.range();
                let mut expanded = String::new();
                groups.expand(with, &mut expanded);
                (!range.is_empty()).then(|| Match { range, with: expanded.into() })
            })),
        }
    }
}
