//! What a pattern is made of.

/// One step. Distances are from the step itself, so that steps can be put together and repeated.
#[derive(Clone, Copy)]
pub enum Step {
    /// Takes this character.
    Char(char),
    /// Takes this letter, which is a small one, in either case.
    Letter(char),
    /// Takes any character; a line's end only if so.
    Any { line_end: bool },
    /// Takes a character that is in one of the ranges, or in none of them: those between two indices into the ranges of
    /// all classes.
    Class { from: usize, to: usize, negated: bool, ignore_case: bool },
    /// Goes on here only at such a place.
    At(Place),
    /// Remembers the place as the beginning or the end of a group: an index into those of all groups.
    Mark(usize),
    /// Goes on behind this and there; what is tried first counts.
    Split { by: isize, there_first: bool },
    /// Goes on there.
    Jump(isize),
    /// The pattern was found.
    End,
}

#[derive(Clone, Copy)]
pub enum Place {
    Start,
    End,
    LineStart,
    LineEnd,
    WordEdge,
    NoWordEdge,
}

/// A place between two characters.
#[derive(Clone, Copy)]
pub struct Between {
    pub before: Option<char>,
    pub after: Option<char>,
}

impl Step {
    /// Whether the step takes a character, where these are the ranges of all classes.
    pub fn takes(self, c: char, ranges: &[(char, char)]) -> bool {
        match self {
            Self::Char(expect) => c == expect,
            Self::Letter(expect) => c.to_ascii_lowercase() == expect,
            Self::Any { line_end } => line_end || c != '\n',
            Self::Class { from, to, negated, ignore_case } => {
                let ranges = ranges.get(from..to).unwrap_or_default();
                let has = |c: char| ranges.iter().any(|(first, last)| (*first..=*last).contains(&c));
                let either = || has(c.to_ascii_lowercase()) || has(c.to_ascii_uppercase());
                (has(c) || ignore_case && either()) != negated
            }
            Self::At(_) | Self::Mark(_) | Self::Split { .. } | Self::Jump(_) | Self::End => false,
        }
    }
}

impl Between {
    pub fn is(self, place: Place) -> bool {
        let is_word = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
        let is_line_end = |c: Option<char>| c.is_none_or(|c| c == '\n');
        match place {
            Place::Start => self.before.is_none(),
            Place::End => self.after.is_none(),
            Place::LineStart => is_line_end(self.before),
            Place::LineEnd => is_line_end(self.after),
            Place::WordEdge => is_word(self.before) != is_word(self.after),
            Place::NoWordEdge => is_word(self.before) == is_word(self.after),
        }
    }
}
