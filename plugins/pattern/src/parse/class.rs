//! Classes of characters, and characters that are escaped.
use super::{Parser, about};
use crate::step::Step;

impl Parser<'_> {
    /// A class behind its bracket.
    pub(super) fn class(&mut self) -> Result<Step, String> {
        let open = || "a [ is not closed; write \\[ for the character".to_string();
        let negated = self.eat('^');
        let from = self.ranges.len();
        let mut is_first = true;
        loop {
            let c = self.next().ok_or_else(open)?;
            match c {
                ']' if !is_first => {
                    let ignore_case = self.flags.ignore_case;
                    return Ok(Step::Class { from, to: self.ranges.len(), negated, ignore_case });
                }
                '[' => return Err("a [ within brackets is written \\[".into()),
                '&' | '~' if self.peek() == Some(c) => {
                    return Err(about(c, "is there twice within brackets, which means a set elsewhere; write it once"));
                }
                '\\' => {
                    let c = self.next().ok_or_else(open)?;
                    match c {
                        'd' | 's' | 'w' => self.ranges.extend_from_slice(ranges(c)),
                        'D' | 'S' | 'W' => outside(ranges(c.to_ascii_lowercase()), &mut self.ranges),
                        _ => {
                            let first = self.escaped(c)?;
                            self.range(first)?;
                        }
                    }
                }
                c => self.range(c)?,
            }
            is_first = false;
        }
    }

    /// Adds the range that begins with this character; it alone where no `-` follows.
    fn range(&mut self, first: char) -> Result<(), String> {
        let mut ahead = self.rest.clone();
        let mut last = first;
        if ahead.next() == Some('-') && !matches!(ahead.next(), None | Some(']')) {
            self.next();
            last = self.next().unwrap_or(first);
            if last == '\\' {
                let c = self.next().unwrap_or(' ');
                last = self.escaped(c)?;
            }
        }
        if last < first {
            return Err(about(last, "ends a range that begins with a later character; write them the other way round"));
        }
        self.ranges.push((first, last));
        Ok(())
    }

    /// The character that a backslash and `c` stand for.
    #[inline(never)]
    pub(super) fn escaped(&mut self, c: char) -> Result<char, String> {
        match c {
            'n' => Ok('\n'),
            't' => Ok('\t'),
            'r' => Ok('\r'),
            'x' => self.by_number().ok_or_else(|| "\\x is followed by a number, as in \\x1b or \\x{e9}".into()),
            // Ends of words elsewhere: to take them for the characters would find nothing without a word of it.
            '<' | '>' => Err(about(
                c,
                "is not known behind a backslash; write \\b for the edge of a word, or the character alone",
            )),
            c if c.is_ascii_alphanumeric() => {
                let known = "is not known behind a backslash; d s w D S W b B A z n t r x are, and marks";
                Err(about(c, known))
            }
            c => Ok(c),
        }
    }

    /// A character by two hexadecimal digits, or by any number of them in curly brackets.
    fn by_number(&mut self) -> Option<char> {
        let in_brackets = self.eat('{');
        let (mut number, mut digits) = (0u32, 0);
        while in_brackets && self.peek() != Some('}') || !in_brackets && digits < 2 {
            number = number.checked_mul(16)? | self.next()?.to_digit(16)?;
            digits += 1;
        }
        if in_brackets {
            self.next();
        }
        char::from_u32(number).filter(|_| digits > 0)
    }
}

pub fn ranges(class: char) -> &'static [(char, char)] {
    match class {
        'd' => &[('0', '9')],
        's' => &[('\t', '\r'), (' ', ' ')],
        _ => &[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')],
    }
}

/// What lies between ranges of ASCII, which are in order.
fn outside(ranges: &[(char, char)], classes: &mut Vec<(char, char)>) {
    let mut from = 0;
    for (first, last) in ranges {
        classes.push((char::from(from), char::from((*first as u8).wrapping_sub(1))));
        from = *last as u8 + 1;
    }
    classes.push((char::from(from), char::MAX));
}
