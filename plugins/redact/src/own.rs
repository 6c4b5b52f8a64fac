//! Patterns of one's own, as regular expressions.
use std::ops::Range;

use serde::Deserialize;
use sluice_pattern::Pattern;

use crate::cover::Match;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnOptions {
    name: String,
    regex: String,
    #[serde(default)]
    replace: Option<String>,
}

pub struct Own {
    pattern: Pattern,
    replacement: Replacement,
}

enum Replacement {
    Fixed(String),
    /// With groups of the match: `$1`, `${name}`.
    Groups(Vec<Part>),
}

#[derive(Debug, PartialEq)]
enum Part {
    Text(String),
    /// By its number; 0 is the whole match.
    Group(usize),
}

impl Own {
    /// An error begins with the key.
    pub fn new(options: &OwnOptions, replacement: &str) -> Result<Self, String> {
        let OwnOptions { name, regex, replace } = options;
        if name.is_empty() {
            return Err("name: is empty; it is shown where something was redacted".into());
        }
        let pattern = Pattern::new(regex, false).map_err(|error| format!("regex: {error}"))?;
        if pattern.is_in("") {
            return Err("regex: matches the empty text; write one that needs at least a character".into());
        }
        let replacement = match replace {
            Some(text) if text.contains('$') => {
                let parts = parts(text, &pattern);
                Replacement::Groups(parts.map_err(|error| format!("replace: {error}"))?)
            }
            Some(text) => Replacement::Fixed(text.clone()),
            None => Replacement::Fixed(replacement.replace("{rule}", name)),
        };
        Ok(Self { pattern, replacement })
    }

    pub fn find<'a>(&'a self, text: &'a str, matches: &mut Vec<Match<'a>>) {
        let mut from = 0;
        while let Some((range, with)) = self.find_from(text, from) {
            // An empty match, as one of `\b`, hides nothing; the next one begins behind the character that follows it.
            from = range.end;
            if range.is_empty() {
                let Some(next) = text.get(from..).and_then(|rest| rest.chars().next()) else { return };
                from += next.len_utf8();
                continue;
            }
            matches.push(Match { range, with });
        }
    }

    fn find_from<'a>(&'a self, text: &str, from: usize) -> Option<(Range<usize>, std::borrow::Cow<'a, str>)> {
        match &self.replacement {
            Replacement::Fixed(with) => Some((self.pattern.find(text, from)?, with.into())),
            Replacement::Groups(parts) => {
                let found = self.pattern.find_groups(text, from)?;
                let mut with = String::new();
                for part in parts {
                    let range = match part {
                        Part::Text(text) => {
                            with.push_str(text);
                            continue;
                        }
                        Part::Group(0) => Some(&found.range),
                        Part::Group(number) => found.groups.get(number - 1).and_then(Option::as_ref),
                    };
                    with.push_str(range.and_then(|range| text.get(range.clone())).unwrap_or_default());
                }
                Some((found.range, with.into()))
            }
        }
    }
}

/// A replacement with groups, taken apart. `$$` is a dollar sign, and so is one that nothing follows.
fn parts(written: &str, pattern: &Pattern) -> Result<Vec<Part>, String> {
    let mut pieces = written.split('$');
    let mut parts = vec![Part::Text(pieces.next().unwrap_or_default().into())];
    while let Some(piece) = pieces.next() {
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let (name, rest) = match piece.strip_prefix('{') {
            Some(inside) => inside.split_once('}').ok_or("a ${ is not closed; write ${1}, or $$ for the character")?,
            None => piece.split_at(piece.find(|c| !is_name(c)).unwrap_or(piece.len())),
        };
        if name.is_empty() && piece.is_empty() {
            // Two signs, or one at the end.
            let rest = pieces.next().unwrap_or_default();
            parts.push(Part::Text(["$", rest].concat()));
        } else if name.is_empty() {
            parts.push(Part::Text(["$", piece].concat()));
        } else {
            let group = pattern.group(name);
            parts.push(Part::Group(group.ok_or_else(|| {
                format!("the regex has no group {name}; write ${{1}} for its first one, or $$ for the character")
            })?));
            parts.push(Part::Text(rest.into()));
        }
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replacements_are_taken_apart() {
        let pattern = Pattern::new("(a)(?<user>b)", false).unwrap();
        let text = |text: &str| Part::Text(text.into());
        for (written, expect) in [
            ("$1", vec![text(""), Part::Group(1), text("")]),
            ("a${user}b$0", vec![text("a"), Part::Group(2), text("b"), Part::Group(0), text("")]),
            ("$$1", vec![text(""), text("$1")]),
            ("5$", vec![text("5"), text("$")]),
            ("$ $-", vec![text(""), text("$ "), text("$-")]),
            ("$1$$$2", vec![text(""), Part::Group(1), text(""), text("$"), Part::Group(2), text("")]),
        ] {
            assert_eq!(parts(written, &pattern).unwrap(), expect, "{written}");
        }
        for (written, expect) in [
            ("$3", "the regex has no group 3; write ${1} for its first one, or $$ for the character"),
            ("$1x", "the regex has no group 1x; write ${1} for its first one, or $$ for the character"),
            ("${", "a ${ is not closed; write ${1}, or $$ for the character"),
        ] {
            assert_eq!(parts(written, &pattern).unwrap_err(), expect, "{written}");
        }
    }
}
