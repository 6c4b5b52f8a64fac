//! Patterns are held against a general engine.
use super::*;

/// Patterns that use each piece of the syntax, alone and together.
const PATTERNS: [&str; 80] = [
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
    "a|ab",
    "ab|a",
    "(a|ab)(b?)",
    "a*?b",
    "a+?",
    "a??b",
    "(a??)(a*)",
    "a{1,2}?",
    "(a*)*",
    "(|a)*",
    "(|a)+",
    "(a*?)*b",
    "((a)|b)*",
    "(a|b)*?(b|c)",
    "(?<one>a)(?P<two>b)?",
    "(?i:a)b",
    "a(?i)b|C",
    "(?i)[^a]",
    "(?m)^a",
    "(?m)a$",
    "(?s)a.b",
    "(?s)(?-s:.)",
    r"\Aa",
    r"a\z",
    r"[^\W1]",
    r"[\D]a",
    r"\x61[\x41-\x{43}]",
    "(a{1,2}){1,2}b?",
    r"a\w+",
    "ab*",
    "a(|b)",
    r"1-\w*",
];

/// Texts of all kinds, the same each time.
fn texts() -> Vec<String> {
    let letters: Vec<char> = "abcABd1- .\né]".chars().collect();
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    (0..400).map(|_| (0..random(8)).map(|_| letters[random(letters.len())]).collect()).collect()
}

#[test]
fn agrees_with_a_general_engine() {
    for written in PATTERNS {
        let expect = regex_lite::Regex::new(written).unwrap();
        let pattern = Pattern::new(written, false).unwrap();
        for text in texts() {
            assert_eq!(pattern.is_in(&text), expect.is_match(&text), "{written:?} in {text:?}");
            for from in (0..=text.len()).filter(|from| text.is_char_boundary(*from)) {
                let found = pattern.find(&text, from);
                assert_eq!(found, expect.find_at(&text, from).map(|found| found.range()), "{written:?} in {text:?}");
                let groups = expect.captures_at(&text, from).map(|groups| Found {
                    range: groups.get(0).unwrap().range(),
                    groups: groups.iter().skip(1).map(|group| group.map(|group| group.range())).collect(),
                });
                assert_eq!(pattern.find_groups(&text, from), groups, "{written:?} in {text:?}");
            }
        }
    }
}

#[test]
fn groups_have_names_and_numbers() {
    let pattern = Pattern::new("(a)(?:b)(?<second>c)(?P<third_>d)", false).unwrap();
    for (name, expect) in
        [("0", Some(0)), ("1", Some(1)), ("second", Some(2)), ("third_", Some(3)), ("4", None), ("x", None)]
    {
        assert_eq!(pattern.group(name), expect, "{name}");
    }
}

#[test]
fn time_is_linear() {
    let text = "a".repeat(16 << 10);
    let started = std::time::Instant::now();
    for written in ["(a*)*b", "(a|a)*b", "(a+){1,50}b", "a.*a.*a.*b", "^(a?){30}a{30}$"] {
        let pattern = Pattern::new(written, false).unwrap();
        assert!(!pattern.is_in(&text), "{written}");
        assert_eq!(pattern.find(&text, 0), None, "{written}");
    }
    assert!(started.elapsed().as_secs() < 30, "{:?}", started.elapsed());
}

#[test]
fn what_is_repeated_may_come_to_4000_characters() {
    for written in ["a{3900}", ".{0,1500}x", "(?:ab){1990}", "[a&]~"] {
        assert!(Pattern::new(written, false).is_ok(), "{written}");
    }
}

#[test]
fn errors_say_what_to_write() {
    let (deep, many) = ("(".repeat(40), ["a{1300}"; 4].join("|"));
    for (written, expect) in [
        ("a(b", "a ( is not closed; write \\( for the character"),
        ("a)b", "a ) closes nothing; write \\) for the character"),
        ("[a", "a [ is not closed; write \\[ for the character"),
        ("[a[b]]", "a [ within brackets is written \\["),
        ("[b-a]", "a: ends a range that begins with a later character; write them the other way round"),
        ("*a", "*: there is nothing to repeat before it; write a backslash in front of it"),
        ("a{x}", "a { is followed by a number, as in {2} or {2,5}; write \\{ for the character"),
        ("a{3,2}", "a { is followed by a number, as in {2} or {2,5}; write \\{ for the character"),
        ("(a{100}){100}", "is too large; what is repeated must not come to more than 4000 characters"),
        ("(?=a)", "of groups that begin with (? there are (?:…), (?<name>…), and the flags (?i), (?m), (?s)"),
        (
            "(?<a>x)(?<a>y)",
            "a group's name has letters, digits and _, begins with no digit, and is there once, as in (?<user>…)",
        ),
        (r"\<a", "<: is not known behind a backslash; write \\b for the edge of a word, or the character alone"),
        (r"a\>", ">: is not known behind a backslash; write \\b for the edge of a word, or the character alone"),
        ("[a&&b]", "&: is there twice within brackets, which means a set elsewhere; write it once"),
        (&many, "is too large; what is repeated must not come to more than 4000 characters"),
        (r"\1", "1: is not known behind a backslash; d s w D S W b B A z n t r x are, and marks"),
        (r"\xg", "\\x is followed by a number, as in \\x1b or \\x{e9}"),
        (r"\x{110000}", "\\x is followed by a number, as in \\x1b or \\x{e9}"),
        ("a\\", "ends with a backslash; write \\\\ for the character"),
        (&deep, "there are at most 32 groups, and they lie in groups at most 32 deep"),
    ] {
        assert_eq!(Pattern::new(written, false).err().as_deref(), Some(expect), "{written}");
    }
}
