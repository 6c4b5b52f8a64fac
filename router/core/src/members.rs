//! The members of one JSON object, found without a look into their values.
//!
//! A value that is an object or an array is skipped by its brackets: what is broken inside of it is not noticed.

use std::{borrow::Cow, ops::Range};

use crate::json::{DEEPEST, number_end, plain_end};

/// Where a member lies, as offsets into the JSON.
#[derive(Debug)]
pub struct Member<'a> {
    /// Without its escapes; `None` for what is no text all the same, and so equals no key.
    pub key: Option<Cow<'a, [u8]>>,
    /// The key's first quote.
    pub start: usize,
    pub value: Range<usize>,
}

/// Walks over the members, up to the object's end or to where it is broken.
#[derive(Debug)]
pub struct Members<'a> {
    json: &'a [u8],
    at: usize,
    is_first: bool,
    is_whole: bool,
}

impl<'a> Members<'a> {
    /// `None` if this is not the beginning of an object. White space may come before it.
    pub fn of(json: &'a [u8]) -> Option<Self> {
        let mut members = Self { json, at: 0, is_first: true, is_whole: false };
        members.space();
        members.accept(b'{')?;
        Some(members)
    }

    /// Where the walk stands; before its first step, that is behind the opening brace.
    pub fn at(&self) -> usize {
        self.at
    }

    /// True once the walk has found the object's end, false if the object is broken.
    pub fn is_whole(&self) -> bool {
        self.is_whole
    }

    #[inline(always)]
    fn member(&mut self) -> Option<Member<'a>> {
        let start = self.at;
        let key = self.key()?;
        self.space();
        self.accept(b':')?;
        self.space();
        let value = self.at;
        self.value()?;
        Some(Member { key, start, value: value..self.at })
    }

    #[inline(always)]
    fn key(&mut self) -> Option<Option<Cow<'a, [u8]>>> {
        let start = self.at;
        let is_escaped = self.string()?;
        let quoted = &self.json[start..self.at];
        Some(if is_escaped {
            sonic_rs::from_slice::<String>(quoted).ok().map(|key| Cow::Owned(key.into_bytes()))
        } else {
            Some(Cow::Borrowed(&quoted[1..quoted.len() - 1]))
        })
    }

    #[inline(always)]
    fn value(&mut self) -> Option<()> {
        match self.peek()? {
            b'"' => self.string().map(|_| ()),
            b'{' | b'[' => self.nested(),
            b't' => self.literal(b"true"),
            b'f' => self.literal(b"false"),
            b'n' => self.literal(b"null"),
            _ => {
                self.at = number_end(self.json, self.at)?;
                Some(())
            }
        }
    }

    /// A string with its quotes; true if it has escapes. Inlined, since most strings are short.
    #[inline(always)]
    fn string(&mut self) -> Option<bool> {
        self.accept(b'"')?;
        let mut is_escaped = false;
        loop {
            self.at = plain_end::<false>(self.json, self.at);
            match self.peek()? {
                b'"' => {
                    self.at += 1;
                    return Some(is_escaped);
                }
                _ => {
                    is_escaped = true;
                    self.at += 2;
                }
            }
        }
    }

    /// An object or an array. Not recursive, and bounded in depth, as every JSON is that comes here.
    fn nested(&mut self) -> Option<()> {
        let (mut closings, mut depth) = ([0u8; DEEPEST], 0);
        loop {
            match self.peek()? {
                b'"' => {
                    self.string()?;
                    continue;
                }
                opening @ (b'{' | b'[') => {
                    *closings.get_mut(depth)? = opening + 2;
                    depth += 1;
                }
                closing @ (b'}' | b']') => {
                    depth -= 1;
                    if closings[depth] != closing {
                        return None;
                    }
                    if depth == 0 {
                        self.at += 1;
                        return Some(());
                    }
                }
                _ => {}
            }
            self.at += 1;
        }
    }

    #[inline]
    fn literal(&mut self, word: &[u8]) -> Option<()> {
        self.json[self.at..].starts_with(word).then(|| self.at += word.len())
    }

    #[inline(always)]
    fn space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    #[inline(always)]
    fn accept(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    #[inline(always)]
    fn peek(&self) -> Option<u8> {
        self.json.get(self.at).copied()
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = Member<'a>;

    /// Ends for good: not to be asked again. Inlined, since to hand over a member costs more than to find a short one.
    #[inline(always)]
    fn next(&mut self) -> Option<Member<'a>> {
        self.space();
        if self.accept(b'}').is_some() {
            self.is_whole = true;
            return None;
        }
        if !self.is_first {
            self.accept(b',')?;
            self.space();
        }
        self.is_first = false;
        self.member()
    }
}
