//! Reads a pattern as it is written.
use std::iter::Peekable;
use std::str::Chars;

use super::step::{Place, Step};

/// How many steps a pattern may have: what it takes to look for it grows with that.
const MOST_STEPS: usize = 4_000;

/// How deep groups may lie in groups.
const DEEPEST: usize = 32;

/// The steps of a pattern, of which the last one ends it.
pub fn steps(written: &str, ignore_case: bool) -> Result<Vec<Step>, String> {
    let mut parser = Parser { rest: written.chars().peekable(), ignore_case, depth: 0 };
    let mut steps = parser.branches()?;
    match parser.rest.next() {
        Some(_) => Err("a ) closes nothing; write \\) for the character".into()),
        None => {
            steps.push(Step::End);
            Ok(steps)
        }
    }
}

struct Parser<'p> {
    rest: Peekable<Chars<'p>>,
    ignore_case: bool,
    depth: usize,
}

impl Parser<'_> {
    fn eat(&mut self, c: char) -> bool {
        self.rest.next_if_eq(&c).is_some()
    }

    /// Up to the group's end, which stays.
    fn branches(&mut self) -> Result<Vec<Step>, String> {
        let mut steps = self.branch()?;
        while self.eat('|') {
            let other = self.branch()?;
            steps.insert(0, Step::Split(steps.len() as isize + 2));
            steps.push(Step::Jump(other.len() as isize + 1));
            steps.extend(other);
        }
        Ok(steps)
    }

    fn branch(&mut self) -> Result<Vec<Step>, String> {
        let mut steps = Vec::new();
        while let Some(c) = self.rest.next_if(|c| !matches!(c, '|' | ')')) {
            let mut piece = self.piece(c)?;
            while let Some((least, most)) = self.repetition()? {
                piece = repeated(&piece, least, most)?;
            }
            steps.extend(piece);
            if steps.len() > MOST_STEPS {
                return Err(too_large());
            }
        }
        Ok(steps)
    }

    fn piece(&mut self, first: char) -> Result<Vec<Step>, String> {
        Ok(vec![match first {
            '(' => return self.group(),
            '[' => self.class()?,
            '.' => Step::Any,
            '^' => Step::At(Place::Start),
            '$' => Step::At(Place::End),
            '\\' => self.escape()?,
            '*' | '+' | '?' | '{' => {
                return Err(format!("there is nothing to repeat before {first}; write \\{first} for the character"));
            }
            c => self.char(c),
        }])
    }

    fn char(&self, c: char) -> Step {
        Step::Char(if self.ignore_case { c.to_ascii_lowercase() } else { c })
    }

    fn group(&mut self) -> Result<Vec<Step>, String> {
        if self.eat('?') && !self.eat(':') {
            return Err("of groups that begin with (? there is only (?:…), and (?i) in front of all".into());
        }
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(format!("groups lie in groups at most {DEEPEST} deep"));
        }
        let steps = self.branches()?;
        self.depth -= 1;
        if self.eat(')') { Ok(steps) } else { Err("a ( is not closed; write \\( for the character".into()) }
    }

    fn escape(&mut self) -> Result<Step, String> {
        let Some(c) = self.rest.next() else {
            return Err("ends with a backslash; write \\\\ for the character".into());
        };
        Ok(match c {
            'b' => Step::At(Place::WordEdge),
            'B' => Step::At(Place::NoWordEdge),
            'd' | 'D' | 's' | 'S' | 'w' | 'W' => {
                Step::Class { ranges: ranges(c.to_ascii_lowercase()).to_vec(), negated: c.is_ascii_uppercase() }
            }
            c => self.char(escaped(c)?),
        })
    }

    /// A class behind its bracket.
    fn class(&mut self) -> Result<Step, String> {
        let open = || "a [ is not closed; write \\[ for the character".to_string();
        let negated = self.eat('^');
        let mut classes: Vec<(char, char)> = Vec::new();
        let mut is_first = true;
        loop {
            let c = self.rest.next().ok_or_else(open)?;
            match c {
                ']' if !is_first => return Ok(Step::Class { ranges: classes, negated }),
                '[' => return Err("a [ within brackets is written \\[".into()),
                '\\' => {
                    let c = self.rest.next().ok_or_else(open)?;
                    if let 'd' | 's' | 'w' = c {
                        classes.extend(ranges(c));
                    } else {
                        let first = escaped(c)?;
                        classes.push((first, self.range_end(first)?));
                    }
                }
                c => classes.push((c, self.range_end(c)?)),
            }
            is_first = false;
        }
    }

    /// The last character of a range that begins with this one; that itself where no `-` follows.
    fn range_end(&mut self, first: char) -> Result<char, String> {
        let mut ahead = self.rest.clone();
        if ahead.next() != Some('-') || matches!(ahead.next(), None | Some(']')) {
            return Ok(first);
        }
        self.rest.next();
        let last = match self.rest.next() {
            Some('\\') => escaped(self.rest.next().unwrap_or(' '))?,
            last => last.unwrap_or(first),
        };
        if first <= last { Ok(last) } else { Err(format!("the range {first}-{last} is the wrong way round")) }
    }

    /// How often the piece before is there; a `?` behind it changes nothing here.
    fn repetition(&mut self) -> Result<Option<(usize, Option<usize>)>, String> {
        let Some(c) = self.rest.next_if(|c| matches!(c, '*' | '+' | '?' | '{')) else { return Ok(None) };
        let times = match c {
            '*' => (0, None),
            '+' => (1, None),
            '?' => (0, Some(1)),
            _ => {
                self.counted().ok_or("a { is followed by a number, as in {2} or {2,5}; write \\{ for the character")?
            }
        };
        self.eat('?');
        Ok(Some(times))
    }

    fn counted(&mut self) -> Option<(usize, Option<usize>)> {
        let least = self.number()?;
        let most = if self.eat(',') {
            if self.rest.peek() == Some(&'}') { None } else { Some(self.number()?) }
        } else {
            Some(least)
        };
        (self.eat('}') && most.is_none_or(|most| most >= least)).then_some((least, most))
    }

    fn number(&mut self) -> Option<usize> {
        let mut number = None;
        while let Some(digit) = self.rest.next_if(char::is_ascii_digit) {
            number = Some((number.unwrap_or(0) * 10 + digit as usize - '0' as usize).min(MOST_STEPS));
        }
        number
    }
}

fn escaped(c: char) -> Result<char, String> {
    match c {
        'n' => Ok('\n'),
        't' => Ok('\t'),
        'r' => Ok('\r'),
        c if c.is_ascii_alphanumeric() => {
            Err(format!("\\{c} is not known; there are \\d \\s \\w \\D \\S \\W \\b \\B \\n \\t \\r, and marks"))
        }
        c => Ok(c),
    }
}

fn ranges(class: char) -> &'static [(char, char)] {
    match class {
        'd' => &[('0', '9')],
        's' => &[('\t', '\r'), (' ', ' ')],
        _ => &[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')],
    }
}

fn repeated(piece: &[Step], least: usize, most: Option<usize>) -> Result<Vec<Step>, String> {
    let size = piece.len() as isize;
    if (piece.len() + 2) * (most.unwrap_or(least) + 1) > MOST_STEPS {
        return Err(too_large());
    }
    let mut steps = Vec::new();
    (0..least).for_each(|_| steps.extend_from_slice(piece));
    match most {
        None => {
            steps.push(Step::Split(size + 2));
            steps.extend_from_slice(piece);
            steps.push(Step::Jump(-size - 1));
        }
        Some(most) => {
            for _ in least..most {
                steps.push(Step::Split(size + 1));
                steps.extend_from_slice(piece);
            }
        }
    }
    Ok(steps)
}

fn too_large() -> String {
    format!("is too large; what is repeated must not come to more than {MOST_STEPS} characters")
}
