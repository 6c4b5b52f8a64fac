//! What a pattern is made of.

/// One step. Distances are from the step itself, so that steps can be put together and repeated.
#[derive(Clone)]
pub enum Step {
    /// Takes this character; a small letter where case does not count.
    Char(char),
    /// Takes any character but a line's end.
    Any,
    /// Takes a character that is in one of the ranges, or in none of them.
    Class { ranges: Vec<(char, char)>, negated: bool },
    /// Goes on here only at such a place.
    At(Place),
    /// Goes on behind this and there.
    Split(isize),
    /// Goes on there.
    Jump(isize),
    /// The pattern was found.
    End,
}

#[derive(Clone, Copy)]
pub enum Place {
    Start,
    End,
    WordEdge,
    NoWordEdge,
}

impl Step {
    /// Whether the step takes a character, which is a small letter where case does not count.
    pub fn takes(&self, c: char, ignore_case: bool) -> bool {
        match self {
            Self::Char(expect) => c == *expect,
            Self::Any => c != '\n',
            Self::Class { ranges, negated } => {
                let has = |c: char| ranges.iter().any(|(first, last)| (*first..=*last).contains(&c));
                (has(c) || ignore_case && has(c.to_ascii_uppercase())) != *negated
            }
            Self::At(_) | Self::Split(_) | Self::Jump(_) | Self::End => false,
        }
    }
}

impl Place {
    pub fn holds(self, before: Option<char>, after: Option<char>) -> bool {
        let is_word = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
        match self {
            Self::Start => before.is_none(),
            Self::End => after.is_none(),
            Self::WordEdge => is_word(before) != is_word(after),
            Self::NoWordEdge => is_word(before) == is_word(after),
        }
    }
}

/// Steps without an order of their own; emptied at once.
#[derive(Default)]
pub struct Set {
    members: Vec<usize>,
    /// For each step the round in which it was put in last.
    rounds: Vec<u32>,
    round: u32,
}

impl Set {
    pub fn resize(&mut self, steps: usize) {
        self.rounds = vec![0; steps];
        self.round = 1;
        self.members = Vec::with_capacity(steps);
    }

    pub fn clear(&mut self) {
        self.members.clear();
        self.round = self.round.wrapping_add(1);
        if self.round == 0 {
            self.rounds.fill(0);
            self.round = 1;
        }
    }

    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    pub fn members(&self) -> &[usize] {
        &self.members
    }

    /// Whether the step was not there.
    pub fn insert(&mut self, step: usize) -> bool {
        let is_new = self.rounds[step] != self.round;
        if is_new {
            self.rounds[step] = self.round;
            self.members.push(step);
        }
        is_new
    }
}
