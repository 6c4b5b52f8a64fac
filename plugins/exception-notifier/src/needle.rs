//! Finds a word in upper or lower case.
use sluice_plugin::Window;

/// A word to look for; its ASCII letters stand for both cases.
pub struct Needle {
    lower: String,
    /// Two of its bytes that are rare in logs, where a search looks first.
    pair: [Probe; 2],
}

/// A byte of the word: `text[at] | case == byte`, where `case` makes a letter lower and leaves everything else.
#[derive(Clone, Copy)]
struct Probe {
    at: usize,
    case: u8,
    byte: u8,
}

/// How far into a word probes may lie, as windows end there.
const REACH: usize = 16;

impl Needle {
    /// `word` has at least one byte.
    pub fn new(word: &str) -> Self {
        let lower = word.to_ascii_lowercase();
        let probes = || lower.bytes().take(REACH).enumerate().map(Probe::new);
        let rarest = |but: Option<usize>| {
            probes().filter(|probe| Some(probe.at) != but).min_by_key(|probe| commonness(probe.byte))
        };
        let first = rarest(None).unwrap_or(Probe::new((0, 0)));
        let pair = [first, rarest(Some(first.at)).unwrap_or(first)];
        Self { lower, pair }
    }

    /// Whether the word may begin at one of the window's first 64 bytes.
    #[inline]
    pub fn may_begin(&self, window: &Window) -> bool {
        let [first, second] = self.pair;
        let (ahead, behind) = (&window[first.at..][..64], &window[second.at..][..64]);
        // Without a branch, so that it becomes vector instructions.
        let found = ahead.iter().zip(behind).fold(0, |found, (ahead, behind)| {
            found | u8::from(ahead | first.case == first.byte) & u8::from(behind | second.case == second.byte)
        });
        found != 0
    }

    /// Where the word is in a text for the first time.
    pub fn find(&self, text: &str) -> Option<usize> {
        let word = self.lower.as_bytes();
        text.as_bytes().windows(word.len()).position(|bytes| bytes.eq_ignore_ascii_case(word))
    }

    pub fn len(&self) -> usize {
        self.lower.len()
    }
}

impl Probe {
    fn new((at, byte): (usize, u8)) -> Self {
        Self { at, byte, case: if byte.is_ascii_lowercase() { 0x20 } else { 0 } }
    }
}

/// How common a byte is in logs, roughly.
fn commonness(byte: u8) -> usize {
    const COMMONEST: &[u8] = b" etaoinrslcdpum0123456.\":/-=,fghby789_vkwxjqz";
    COMMONEST.iter().position(|common| *common == byte).map_or(0, |place| COMMONEST.len() - place)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(word: &str, text: &str, expect: Option<usize>) {
        let needle = Needle::new(word);
        assert_eq!(needle.find(text), expect, "{word} in {text}");
        if expect.is_some() {
            let mut window = [0; 80];
            let size = text.len().min(window.len());
            window[..size].copy_from_slice(&text.as_bytes()[..size]);
            assert!(needle.may_begin(&window), "{word} in {text}");
        }
    }

    #[test]
    fn words_in_either_case() {
        for (word, text, expect) in [
            ("exception", "exception", Some(0)),
            ("exception", "java.lang.NullPointerException: x", Some(21)),
            ("EXCEPTION", "an Exception", Some(3)),
            ("exception", "EXCEPTION EXCEPTION", Some(0)),
            ("exception", "exceptio", None),
            ("exception", "exceptiom exceptio n", None),
            ("exception", "", None),
            ("exception", "\u{130}xception exceptıon", None),
            ("oom-killed", "OOM-Killed", Some(0)),
            ("oom-killed", "OOM\rKilled", None),
            ("a@b", "a`b A@B", Some(4)),
            ("x", "..X", Some(2)),
            ("größe", "die GRößE", Some(4)),
            ("größe", "die GRÖßE", None),
            ("a very long word to look for", "is it A Very Long Word To Look For", Some(6)),
        ] {
            check(word, text, expect);
        }
    }

    #[test]
    fn a_window_tells_every_place() {
        let needle = Needle::new("exception");
        for at in 0..80 {
            let mut window = [b'e'; 80];
            let room = (80 - at).min(9);
            window[at..at + room].copy_from_slice(&b"ExCePtIoN"[..room]);
            assert_eq!(needle.may_begin(&window), at < 64, "{at}");
        }
    }
}
