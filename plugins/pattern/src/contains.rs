//! Where a text has a word, sixteen places at once.

#[cfg(target_arch = "wasm32")]
use std::arch::wasm32 as wasm;

/// Looks for a word, its ASCII letters in either case if so.
pub struct Needle<'w> {
    word: &'w [u8],
    ignore_case: bool,
    /// What the first and the last byte may be: the same twice, or both cases.
    ends: [[u8; 2]; 2],
}

const LANES: usize = 16;

impl<'w> Needle<'w> {
    pub fn new(word: &'w [u8], ignore_case: bool) -> Self {
        let cases = |byte: Option<&u8>| {
            let byte = byte.copied().unwrap_or_default();
            if ignore_case { [byte.to_ascii_lowercase(), byte.to_ascii_uppercase()] } else { [byte; 2] }
        };
        Self { word, ignore_case, ends: [cases(word.first()), cases(word.last())] }
    }

    /// Where the word begins in the text for the first time.
    pub fn find(&self, text: &[u8]) -> Option<usize> {
        let last = self.word.len().saturating_sub(1);
        let places = text.len().checked_sub(last)?;
        if self.word.is_empty() {
            return Some(0);
        }
        let mut at = 0;
        while at < places {
            // Of the last places there are sixteen as well, some of which were looked at before.
            let from = at.min(places.saturating_sub(LANES));
            let mut marks = self.marks(text, from, last) >> (at - from);
            while marks != 0 {
                let place = at + marks.trailing_zeros() as usize;
                if self.is_at(text, place) {
                    return Some(place);
                }
                marks &= marks - 1;
            }
            at = from + LANES;
        }
        None
    }

    fn is_at(&self, text: &[u8], place: usize) -> bool {
        match text.get(place..place + self.word.len()) {
            Some(found) if self.ignore_case => found.eq_ignore_ascii_case(self.word),
            found => found == Some(self.word),
        }
    }

    /// A bit for each of sixteen places at which both ends of the word stand.
    fn marks(&self, text: &[u8], from: usize, last: usize) -> u32 {
        let chunk = |at: usize| text.get(at..).and_then(|rest| rest.first_chunk::<LANES>());
        match (chunk(from), chunk(from + last)) {
            (Some(first), Some(end)) => equal(first, self.ends[0]) & equal(end, self.ends[1]),
            // A text that is shorter.
            _ => (0..LANES).filter(|lane| self.is_at(text, from + lane)).fold(0, |marks, lane| marks | 1 << lane),
        }
    }
}

/// A bit for each byte that is one of two.
#[cfg(target_arch = "wasm32")]
fn equal(bytes: &[u8; LANES], [one, other]: [u8; 2]) -> u32 {
    let number = u128::from_le_bytes(*bytes);
    let lanes = wasm::u64x2(number as u64, (number >> 64) as u64);
    let is = |byte: u8| wasm::u8x16_eq(lanes, wasm::u8x16_splat(byte));
    u32::from(wasm::u8x16_bitmask(wasm::v128_or(is(one), is(other))))
}

#[cfg(not(target_arch = "wasm32"))]
fn equal(bytes: &[u8; LANES], [one, other]: [u8; 2]) -> u32 {
    (0..LANES).fold(0, |marks, lane| marks | u32::from(bytes[lane] == one || bytes[lane] == other) << lane)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_is_found() {
        for size in 0..70 {
            for word in ["a", "ab", "abcde", "abcdefghijklmnopqrstuvwxyz"] {
                for place in 0..=size {
                    let mut text = "-".repeat(size);
                    text.insert_str(place, word);
                    // What looks like it at both ends stands before it.
                    let text = format!("{}-{text}", if word.len() > 2 { "a-cde" } else { "" });
                    let expect = text.find(word);
                    assert_eq!(Needle::new(word.as_bytes(), false).find(text.as_bytes()), expect, "{word} in {text}");
                    let upper = text.to_ascii_uppercase();
                    assert_eq!(Needle::new(word.as_bytes(), true).find(upper.as_bytes()), expect, "{word} in {upper}");
                    assert_eq!(Needle::new(word.as_bytes(), false).find(upper.as_bytes()), None, "{word} in {upper}");
                }
            }
        }
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        for (word, text, expect) in
            [("", "", Some(0)), ("", "x", Some(0)), ("x", "", None), ("xy", "x", None), ("é", "\u{c3}", None)]
        {
            assert_eq!(Needle::new(word.as_bytes(), false).find(text.as_bytes()), expect, "{word} in {text}");
        }
        // Neither `@` nor a backquote is a letter in another case.
        assert_eq!(Needle::new(b"@`", true).find(b"`@ @@ ``"), None);
    }
}
