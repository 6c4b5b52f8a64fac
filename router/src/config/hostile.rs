//! Documents that nobody writes in good faith.

use super::tests::{documents, environment};
use super::{Severity, check};

/// The deepest documents of every shape that pass, and the shapes that must not reach the recursive loader.
#[test]
fn nesting_is_bounded() {
    let staircase =
        |step: &str, levels: usize| (0..levels).map(|level| " ".repeat(level) + step + "\n").collect::<String>();
    let documents = [
        "[".repeat(100_000),
        "{a: ".repeat(100_000),
        "- ".repeat(100_000) + "x",
        "? ".repeat(100_000) + "x",
        "- ".repeat(128) + &"[".repeat(250) + &"]".repeat(250),
        staircase("a:", 256),
        staircase("a:\n-", 256),
        staircase("-", 256),
        staircase("-", 5_000),
        staircase("?", 256),
        "a: ".repeat(100_000),
        "!t ".repeat(100_000) + "x",
        "&a ".repeat(100_000) + "x",
    ];
    for text in documents {
        let checked = check(&text, "f", &environment);
        assert!(checked.plan.is_none() && !checked.problems.is_empty());
    }
}

/// Documents with bytes changed, cut, doubled and exchanged for YAML's own characters: whatever comes out has a plan
/// or an error, places inside the document, and never a panic.
#[test]
fn any_bytes_are_checked_without_a_panic() {
    const CHARACTERS: &[u8] = b" \n\t\r:-?[]{},&*!|>'\"%@`#~${}\\a0=<\0\xff\xc3\xef\xbb\xbf\xf0";
    let mut seed = 0x9E37_79B9_7F4A_7C15_u64;
    let mut below = |bound: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed % bound as u64).unwrap()
    };
    let originals: Vec<Vec<u8>> =
        [documents("good"), documents("bad")].concat().into_iter().map(|(_, text)| text.into_bytes()).collect();
    for round in 0..6_000 {
        let mut bytes = originals[round % originals.len()].clone();
        for _ in 0..=below(8) {
            let at = below(bytes.len());
            match below(5) {
                0 => bytes[at] = CHARACTERS[below(CHARACTERS.len())],
                1 => bytes.insert(at, CHARACTERS[below(CHARACTERS.len())]),
                2 => drop(bytes.drain(at..bytes.len().min(at + 1 + below(20)))),
                3 => bytes.truncate(at + 1),
                _ => {
                    let piece = bytes[at..bytes.len().min(at + 1 + below(60))].to_vec();
                    let to = below(bytes.len());
                    bytes.splice(to..to, piece);
                }
            }
            bytes.push(b'\n');
        }
        let text = String::from_utf8_lossy(&bytes);
        let checked = check(&text, "f", &environment);
        let failed = checked.problems.iter().any(|problem| problem.severity == Severity::Error);
        assert_eq!(checked.plan.is_none(), failed, "{text}");
        let lines = text.split('\n').count() + text.matches('\r').count();
        for problem in &checked.problems {
            assert!((1..=lines).contains(&problem.line) && problem.column >= 1, "{problem}\n{text}");
        }
    }
}
