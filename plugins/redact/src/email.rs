//! E-mail addresses.
use std::ops::Range;

use crate::rules::ends_with_escape;

/// Finds what has a name, an at sign, and a domain of at least two labels whose last one is of letters.
pub fn find(text: &str, found: &mut impl FnMut(Range<usize>)) {
    for (at, _) in text.match_indices('@') {
        let (name, domain) = (name(&text[..at]), domain(&text[at + 1..]));
        if name > 0 && domain > 0 {
            found(at - name..at + 1 + domain);
        }
    }
}

/// How long the name is with which a text ends.
fn name(before: &str) -> usize {
    let is_part = |c: char| c.is_ascii_alphanumeric() || !c.is_ascii() || "._%+-'".contains(c);
    let mut start = before.trim_end_matches(is_part).len();
    if start < before.len() && before.get(..start + 1).is_some_and(ends_with_escape) {
        start += 1;
    }
    before[start..].trim_start_matches(|c| ".-'+%".contains(c)).len()
}

/// How long the domain is with which a text begins; 0 if it is none.
fn domain(after: &str) -> usize {
    let is_part = |c: char| c.is_ascii_alphanumeric() || !c.is_ascii() || c == '-' || c == '.';
    let run = &after[..after.find(|c| !is_part(c)).unwrap_or(after.len())];
    let run = run.trim_end_matches(['.', '-']);
    let Some((labels, last)) = run.rsplit_once('.') else { return 0 };
    let last_is_fine = last.len() >= 2 && last.chars().all(|c| c.is_ascii_alphabetic() || !c.is_ascii());
    if last_is_fine && labels.split('.').all(|label| !label.is_empty()) { run.len() } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::all;

    #[test]
    fn addresses() {
        for (text, expect) in [
            ("mail to bob@example.com now", vec!["bob@example.com"]),
            ("<Bob.Smith+tag@mail.example.co.uk>.", vec!["Bob.Smith+tag@mail.example.co.uk"]),
            ("a@example.com,b_c@example.org", vec!["a@example.com", "b_c@example.org"]),
            (r#"{"user":"o'neil@example.ie"}"#, vec!["o'neil@example.ie"]),
            (r#"{"user":"bob@example.com"}"#, vec!["bob@example.com"]),
            ("from=bob%tag@example.com;", vec!["bob%tag@example.com"]),
            ("jürgen@müller.example", vec!["jürgen@müller.example"]),
            ("write to ...bob@example.com.", vec!["bob@example.com"]),
            ("'bob@example.com'", vec!["bob@example.com"]),
            ("bob@xn--mller-kva.example", vec!["bob@xn--mller-kva.example"]),
            ("mailto:bob@example.com?subject=x", vec!["bob@example.com"]),
            ("bob@123.example.com", vec!["bob@123.example.com"]),
            (r#"{"m":"a\nbob@example.com\n"}"#, vec!["bob@example.com"]),
            // No addresses.
            ("bob@localhost", vec![]),
            ("@example.com", vec![]),
            ("registry/image@sha256:0123abcd", vec![]),
            ("npm left-pad@1.3.0", vec![]),
            ("root@10.0.0.1", vec![]),
            ("a @ b.com", vec![]),
            ("bob@.com", vec![]),
            ("bob@example..com", vec![]),
            ("bob@example.c", vec![]),
            ("Foo@1b2c3d4", vec![]),
            ("com.shop.Order@3f.", vec![]),
            ("@", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(all(|text, mut found| find(text, &mut found), text), expect, "{text}");
        }
    }
}
