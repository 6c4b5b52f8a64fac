//! Addresses of machines.
use std::net::Ipv6Addr;
use std::ops::Range;

use crate::rules::is_within_word;

/// Finds addresses of IPv4 and IPv6; ports and prefix lengths stay.
pub fn find(text: &str, found: &mut impl FnMut(Range<usize>)) {
    let is_part = |c: char| c.is_ascii_hexdigit() || matches!(c, '.' | ':');
    let mut at = 0;
    while let Some(start) = text[at..].find(is_part).map(|ahead| at + ahead) {
        let rest = &text[start..];
        let run = &rest[..rest.find(|c| !is_part(c)).unwrap_or(rest.len())];
        at = start + run.len();
        let (before, after) = (&text[..start], &text[at..]);
        let cut = is_within_word(before) || is_word_start(after);
        match v6(run) {
            Some(address) if !cut => found(start + address.start..start + address.end),
            _ => in_run(before, run, cut, after, &mut |address| found(start + address.start..start + address.end)),
        }
    }
}

fn is_word_start(after: &str) -> bool {
    after.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
}

/// The address of IPv6 that a run of its characters is, but for a mark at its end.
fn v6(run: &str) -> Option<Range<usize>> {
    let trimmed = if run.ends_with("::") { run } else { run.trim_end_matches(['.', ':']) };
    let is_one = trimmed.len() > 2 && trimmed.contains(|c: char| c.is_ascii_digit());
    (is_one && trimmed.matches(':').count() >= 2).then_some(())?;
    trimmed.parse::<Ipv6Addr>().ok().map(|_| 0..trimmed.len())
}

/// The addresses of IPv4 in a run of characters, of which colons divide addresses from ports.
fn in_run(before: &str, run: &str, cut: bool, after: &str, found: &mut impl FnMut(Range<usize>)) {
    let mut start = 0;
    for part in run.split(':') {
        let end = start + part.len();
        let first = start == 0;
        let last = end == run.len();
        let address = part.trim_matches('.');
        let at = start + part.len() - part.trim_start_matches('.').len();
        let touches_word = cut && (first && is_within_word(before) || last && is_word_start(after));
        let is_version = first && (is_version(before) || last && is_product(before));
        if is_v4(address) && !touches_word && !is_version {
            found(at..at + address.len());
        }
        start = end + 1;
    }
}

fn is_v4(text: &str) -> bool {
    let is_octet = |octet: &str| {
        octet.len() <= 3 && octet.parse::<u8>().is_ok() && (octet == "0" || !octet.starts_with(['0', '+']))
    };
    text.split('.').count() == 4 && text.split('.').all(is_octet)
}

/// `version 1.2.3.4`.
fn is_version(before: &str) -> bool {
    let before = before.trim_end_matches([' ', ':', '=', '"']);
    let word = before.len().checked_sub("version".len()).and_then(|start| before.get(start..));
    word.is_some_and(|word| word.eq_ignore_ascii_case("version"))
}

/// `Firefox/1.2.3.4`: a name and a slash, and no port behind, with which it would be Java's `host/10.0.0.1:80`.
fn is_product(before: &str) -> bool {
    before.strip_suffix('/').is_some_and(is_within_word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::all;

    #[test]
    fn addresses() {
        for (text, expect) in [
            ("from 10.0.0.17 to 192.168.255.1.", vec!["10.0.0.17", "192.168.255.1"]),
            ("http://10.0.0.17:8080/x", vec!["10.0.0.17"]),
            ("10.1.0.0/16", vec!["10.1.0.0"]),
            ("client=10.0.0.17,", vec!["10.0.0.17"]),
            ("db/10.0.0.17:5432 and /10.0.0.18", vec!["10.0.0.17", "10.0.0.18"]),
            (r#"{"ip":"10.0.0.17"}"#, vec!["10.0.0.17"]),
            (r#"{"m":"a\n10.0.0.17\n"}"#, vec!["10.0.0.17"]),
            ("from fe80::1 to [2001:db8::8a2e:370:7334]:443", vec!["fe80::1", "2001:db8::8a2e:370:7334"]),
            ("2001:0db8:0000:0000:0000:ff00:0042:8329", vec!["2001:0db8:0000:0000:0000:ff00:0042:8329"]),
            ("::1, ::ffff:10.0.0.1, fe80::", vec!["::1", "::ffff:10.0.0.1", "fe80::"]),
            ("peer fe80::1%eth0: gone", vec!["fe80::1"]),
            ("at ::1: refused", vec!["::1"]),
            // Versions and other numbers.
            ("version 1.2.3.4", vec![]),
            ("v1.2.3.4", vec![]),
            ("Firefox/115.0.0.1 x", vec![]),
            ("Chrome/120.0.6099.109", vec![]),
            ("1.2.3", vec![]),
            ("1.2.3.4.5", vec![]),
            ("10.0.0.256", vec![]),
            ("01.02.03.04", vec![]),
            ("lib-1.2.3.4a", vec![]),
            ("3.14", vec![]),
            // Times, hardware addresses, names of programs.
            ("at 10:11:12.345", vec![]),
            ("aa:bb:cc:dd:ee:ff", vec![]),
            ("std::a::b and fade::cafe and ::", vec![]),
            ("abc:1", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(all(|text, mut found| find(text, &mut found), text), expect, "{text}");
        }
    }
}
