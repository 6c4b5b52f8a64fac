//! How often a piece is there.
use super::{MOST_STEPS, Parser, too_large};
use crate::step::Step;

pub struct Times {
    least: usize,
    most: Option<usize>,
    /// Whether as few as possible count most.
    few_first: bool,
}

impl Parser<'_> {
    pub(super) fn repetition(&mut self) -> Result<Option<Times>, String> {
        let Some(c) = self.peek().filter(|c| matches!(c, '*' | '+' | '?' | '{')) else { return Ok(None) };
        self.next();
        let (least, most) = match c {
            '*' => (0, None),
            '+' => (1, None),
            '?' => (0, Some(1)),
            _ => {
                self.counted().ok_or("a { is followed by a number, as in {2} or {2,5}; write \\{ for the character")?
            }
        };
        Ok(Some(Times { least, most, few_first: self.eat('?') }))
    }

    fn counted(&mut self) -> Option<(usize, Option<usize>)> {
        let least = self.number()?;
        let most = if self.eat(',') {
            if self.peek() == Some('}') { None } else { Some(self.number()?) }
        } else {
            Some(least)
        };
        (self.eat('}') && most.is_none_or(|most| most >= least)).then_some((least, most))
    }

    fn number(&mut self) -> Option<usize> {
        let mut number = None;
        while let Some(digit) = self.peek().and_then(|c| c.to_digit(10)) {
            self.next();
            number = Some((number.unwrap_or(0) * 10 + digit as usize).min(MOST_STEPS));
        }
        number
    }
}

impl Times {
    /// The steps of a piece that is there so often.
    pub fn repeated(self, piece: &[Step]) -> Result<Vec<Step>, String> {
        let Self { least, most, few_first } = self;
        let size = piece.len() as isize;
        let made = piece.len() * least.max(1) + (piece.len() + 1) * (most.unwrap_or(least) - least) + 2;
        if made > MOST_STEPS {
            return Err(too_large());
        }
        let mut steps = Vec::new();
        match most {
            Some(most) => {
                (0..least).for_each(|_| steps.extend_from_slice(piece));
                for left in (1..=(most - least) as isize).rev() {
                    steps.push(Step::Split { by: (size + 1) * left, there_first: few_first });
                    steps.extend_from_slice(piece);
                }
            }
            None => {
                if least == 0 {
                    steps.push(Step::Split { by: size + 2, there_first: few_first });
                }
                (0..least.max(1)).for_each(|_| steps.extend_from_slice(piece));
                steps.push(Step::Split { by: -size, there_first: !few_first });
            }
        }
        Ok(steps)
    }
}
