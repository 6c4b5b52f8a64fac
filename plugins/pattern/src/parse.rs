//! Reads a pattern as it is written.
use std::str::Chars;

use crate::step::{Place, Step};

mod class;
mod repeat;

use class::ranges;

/// How many steps a pattern may have: what it takes to look for it grows with that.
const MOST_STEPS: usize = 4_000;

/// How deep groups may lie in groups.
const DEEPEST: usize = 32;

/// How many groups there may be: what is remembered for each step grows with that.
const MOST_GROUPS: usize = 32;

pub struct Parsed {
    /// The last one ends the pattern.
    pub steps: Vec<Step>,
    /// Of all classes.
    pub ranges: Vec<(char, char)>,
    /// The names of the groups.
    pub groups: Vec<Option<String>>,
}

pub fn parse(written: &str, ignore_case: bool) -> Result<Parsed, String> {
    let flags = Flags { ignore_case, ..Flags::default() };
    let mut parser = Parser { rest: written.chars(), flags, depth: 0, ranges: Vec::new(), groups: Vec::new() };
    let mut steps = parser.branches()?;
    match parser.next() {
        Some(_) => Err("a ) closes nothing; write \\) for the character".into()),
        None => {
            steps.push(Step::End);
            Ok(Parsed { steps, ranges: parser.ranges, groups: parser.groups })
        }
    }
}

#[derive(Clone, Copy, Default)]
struct Flags {
    ignore_case: bool,
    multi_line: bool,
    dot_all: bool,
}

struct Parser<'p> {
    rest: Chars<'p>,
    flags: Flags,
    depth: usize,
    ranges: Vec<(char, char)>,
    groups: Vec<Option<String>>,
}

impl Parser<'_> {
    // Not inlined, as the next two: there are many calls, and a pattern is read once.
    #[inline(never)]
    fn next(&mut self) -> Option<char> {
        self.rest.next()
    }

    #[inline(never)]
    fn peek(&self) -> Option<char> {
        self.rest.clone().next()
    }

    #[inline(never)]
    fn eat(&mut self, c: char) -> bool {
        let is_next = self.peek() == Some(c);
        if is_next {
            self.next();
        }
        is_next
    }

    /// Up to the group's end, which stays.
    fn branches(&mut self) -> Result<Vec<Step>, String> {
        let mut steps = self.branch()?;
        while self.eat('|') {
            let other = self.branch()?;
            steps.insert(0, Step::Split { by: steps.len() as isize + 2, there_first: false });
            steps.push(Step::Jump(other.len() as isize + 1));
            steps.extend(other);
            if steps.len() > MOST_STEPS {
                return Err(too_large());
            }
        }
        Ok(steps)
    }

    fn branch(&mut self) -> Result<Vec<Step>, String> {
        let mut steps = Vec::new();
        while !matches!(self.peek(), None | Some('|' | ')')) {
            let Some(c) = self.next() else { break };
            let mut piece = self.piece(c)?;
            while let Some(times) = self.repetition()? {
                piece = times.repeated(&piece)?;
            }
            steps.extend(piece);
            if steps.len() > MOST_STEPS {
                return Err(too_large());
            }
        }
        Ok(steps)
    }

    fn piece(&mut self, first: char) -> Result<Vec<Step>, String> {
        let Flags { multi_line, dot_all, .. } = self.flags;
        Ok(vec![match first {
            '(' => return self.group(),
            '[' => self.class()?,
            '.' => Step::Any { line_end: dot_all },
            '^' => Step::At(if multi_line { Place::LineStart } else { Place::Start }),
            '$' => Step::At(if multi_line { Place::LineEnd } else { Place::End }),
            '\\' => self.escape()?,
            '*' | '+' | '?' | '{' => {
                return Err(about(first, "there is nothing to repeat before it; write a backslash in front of it"));
            }
            c => self.char(c),
        }])
    }

    fn char(&self, c: char) -> Step {
        match self.flags.ignore_case && c.is_ascii_alphabetic() {
            true => Step::Letter(c.to_ascii_lowercase()),
            false => Step::Char(c),
        }
    }

    /// A group behind its bracket. What flags say in it holds up to its end.
    fn group(&mut self) -> Result<Vec<Step>, String> {
        let (flags, mut number) = (self.flags, None);
        if !self.eat('?') {
            number = Some(self.groups.len());
            self.groups.push(None);
        } else if !self.eat(':') {
            self.eat('P');
            if self.eat('<') {
                number = Some(self.groups.len());
                let name = self.name()?;
                self.groups.push(Some(name));
            } else if self.flags()? {
                return Ok(Vec::new());
            }
        }
        self.depth += 1;
        if self.depth > DEEPEST || self.groups.len() > MOST_GROUPS {
            return Err("there are at most 32 groups, and they lie in groups at most 32 deep".into());
        }
        let mut steps = self.branches()?;
        self.depth -= 1;
        self.flags = flags;
        if !self.eat(')') {
            return Err("a ( is not closed; write \\( for the character".into());
        }
        if let Some(number) = number {
            steps.insert(0, Step::Mark(2 * number));
            steps.push(Step::Mark(2 * number + 1));
        }
        Ok(steps)
    }

    /// The name of a group up to its `>`.
    fn name(&mut self) -> Result<String, String> {
        let mut name = String::new();
        while let Some(c) = self.peek().filter(|c| c.is_ascii_alphanumeric() || *c == '_') {
            self.next();
            name.push(c);
        }
        let is_taken = self.groups.iter().flatten().any(|other| *other == name);
        let is_sound = self.eat('>') && !is_taken && name.starts_with(|c: char| !c.is_ascii_digit());
        is_sound.then_some(name).ok_or_else(|| {
            "a group's name has letters, digits and _, begins with no digit, and is there once, as in (?<user>…)".into()
        })
    }

    /// Reads flags up to `)`, then true, or up to `:`, behind which their group begins.
    fn flags(&mut self) -> Result<bool, String> {
        let mut on = true;
        loop {
            match self.next() {
                Some('i') => self.flags.ignore_case = on,
                Some('m') => self.flags.multi_line = on,
                Some('s') => self.flags.dot_all = on,
                Some('-') => on = false,
                Some(')') => return Ok(true),
                Some(':') => return Ok(false),
                _ => {
                    return Err(
                        "of groups that begin with (? there are (?:…), (?<name>…), and the flags (?i), (?m), (?s)"
                            .into(),
                    );
                }
            }
        }
    }

    fn escape(&mut self) -> Result<Step, String> {
        let Some(c) = self.next() else {
            return Err("ends with a backslash; write \\\\ for the character".into());
        };
        Ok(match c {
            'A' => Step::At(Place::Start),
            'z' => Step::At(Place::End),
            'b' => Step::At(Place::WordEdge),
            'B' => Step::At(Place::NoWordEdge),
            'd' | 'D' | 's' | 'S' | 'w' | 'W' => {
                let from = self.ranges.len();
                self.ranges.extend_from_slice(ranges(c.to_ascii_lowercase()));
                Step::Class { from, to: self.ranges.len(), negated: c.is_ascii_uppercase(), ignore_case: false }
            }
            c => {
                let c = self.escaped(c)?;
                self.char(c)
            }
        })
    }
}

/// What is wrong with one character of the pattern.
fn about(c: char, wrong: &str) -> String {
    let mut text = String::from(c);
    text.push_str(": ");
    text.push_str(wrong);
    text
}

fn too_large() -> String {
    "is too large; what is repeated must not come to more than 4000 characters".into()
}
