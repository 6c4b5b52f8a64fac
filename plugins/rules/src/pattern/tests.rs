//! Patterns are held against a general engine.
use super::*;

/// Patterns that use each piece of the syntax, alone and together.
const PATTERNS: [&str; 48] = [
    "",
    "a",
    "ab",
    "a|b",
    "|a",
    "a|",
    "(a|b)c",
    "(?:ab)+c",
    "a*",
    "a*b",
    "a+b",
    "a?b",
    "a{2}",
    "a{2,}b",
    "a{1,2}c",
    "(a*)*b",
    "(a|ab)(c|bcd)",
    "^a",
    "a$",
    "^$",
    "^a*$",
    "a.c",
    ".",
    "...",
    "[abc]",
    "[^abc]",
    "[a-c]+",
    "[]a]",
    "[a-]",
    r"[\d\-]+",
    r"\d",
    r"\D",
    r"\w+b",
    r"\W",
    r"\s",
    r"\S\s\S",
    r"\bab\b",
    r"a\B",
    r"\.",
    "(?i)AB",
    "(?i)[A-C]d",
    "é",
    "[à-é]b",
    "b[^é]",
    "a+?b",
    "(^a|b$)",
    r"c\n?$",
    "(?i)é|K",
];

#[test]
fn agrees_with_a_general_engine() {
    let letters: Vec<char> = "abcABd1- .\né]".chars().collect();
    // Texts of all kinds, the same each time.
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    let texts: Vec<String> =
        (0..400).map(|_| (0..random(8)).map(|_| letters[random(letters.len())]).collect()).collect();
    for written in PATTERNS {
        let expect = regex_lite::Regex::new(written).unwrap();
        let pattern = Pattern::new(written, false).unwrap();
        for text in &texts {
            assert_eq!(pattern.is_in(text), expect.is_match(text), "{written:?} in {text:?}");
        }
    }
}

#[test]
fn time_is_linear() {
    let text = "a".repeat(64 << 10);
    let started = std::time::Instant::now();
    for written in ["(a*)*b", "(a|a)*b", "(a+){1,50}b", "a.*a.*a.*b", "^(a?){30}a{30}$"] {
        assert!(!Pattern::new(written, false).unwrap().is_in(&text), "{written}");
    }
    assert!(started.elapsed().as_secs() < 30, "{:?}", started.elapsed());
}

#[test]
fn errors_say_what_to_write() {
    let deep = "(".repeat(40);
    for (written, expect) in [
        ("a(b", "a ( is not closed; write \\( for the character"),
        ("a)b", "a ) closes nothing; write \\) for the character"),
        ("[a", "a [ is not closed; write \\[ for the character"),
        ("[a[b]]", "a [ within brackets is written \\["),
        ("[b-a]", "the range b-a is the wrong way round"),
        ("*a", "there is nothing to repeat before *; write \\* for the character"),
        ("a{x}", "a { is followed by a number, as in {2} or {2,5}; write \\{ for the character"),
        ("a{3,2}", "a { is followed by a number, as in {2} or {2,5}; write \\{ for the character"),
        ("(a{100}){100}", "is too large; what is repeated must not come to more than 4000 characters"),
        ("(?=a)", "of groups that begin with (? there is only (?:…), and (?i) in front of all"),
        (r"\1", "\\1 is not known; there are \\d \\s \\w \\D \\S \\W \\b \\B \\n \\t \\r, and marks"),
        ("a\\", "ends with a backslash; write \\\\ for the character"),
        (&deep, "groups lie in groups at most 32 deep"),
    ] {
        assert_eq!(Pattern::new(written, false).err().as_deref(), Some(expect), "{written}");
    }
}
