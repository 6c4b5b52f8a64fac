//! Numbers of payment cards.
use std::ops::Range;

use crate::rules::is_within_word;

/// How the digits are grouped where they are; a blank or a hyphen stands between groups, the same throughout.
const GROUPS: [&[usize]; 5] = [&[4, 4, 4, 4, 3], &[4, 4, 4, 4], &[4, 6, 5], &[4, 6, 4], &[4, 4, 4, 1]];

/// Finds 13 to 19 digits, in one piece or in usual groups, that begin as cards do and whose check digit is right.
pub fn find(text: &str, found: &mut impl FnMut(Range<usize>)) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(start) = bytes[at..].iter().position(u8::is_ascii_digit).map(|ahead| at + ahead) {
        let run = digits(&bytes[start..]);
        let card = if begins(&text[..start]) { card(&bytes[start..], run) } else { None };
        if let Some(size) = card {
            found(start..start + size);
        }
        at = start + card.unwrap_or(run);
    }
}

fn digits(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

/// Whether a number may begin behind this: it is no part of a word, nor the fraction of another number.
fn begins(before: &str) -> bool {
    let is_fraction = before.strip_suffix('.').is_some_and(|before| before.ends_with(|c: char| c.is_ascii_digit()));
    !is_fraction && !is_within_word(before)
}

/// The size of the card number that begins here with so many digits. What stands behind a number may look like one
/// more group of it, so all ways to group count.
fn card(bytes: &[u8], run: usize) -> Option<usize> {
    if run >= 13 {
        return is_card(bytes, run).then_some(run);
    }
    GROUPS.iter().filter_map(|groups| grouped(bytes, groups)).find(|size| is_card(bytes, *size))
}

/// Whether so many bytes are the number of a card, and end there.
fn is_card(bytes: &[u8], size: usize) -> bool {
    let ends = match bytes[size..] {
        [b'.', after, ..] => !after.is_ascii_digit(),
        [after, ..] => !after.is_ascii_alphanumeric() && after != b'_',
        [] => true,
    };
    let mut number = [0; 19];
    let mut length = 0;
    for digit in bytes[..size].iter().filter(|byte| byte.is_ascii_digit()) {
        let Some(place) = number.get_mut(length) else { return false };
        *place = digit - b'0';
        length += 1;
    }
    let number = &number[..length];
    ends && is_issued(number) && is_checked(number)
}

fn grouped(bytes: &[u8], groups: &[usize]) -> Option<usize> {
    let separator = bytes.get(groups[0]).copied().filter(|byte| matches!(byte, b' ' | b'-'))?;
    let mut size = 0;
    for (index, group) in groups.iter().enumerate() {
        if index > 0 {
            (*bytes.get(size)? == separator).then_some(())?;
            size += 1;
        }
        (digits(&bytes[size..]) == *group).then_some(())?;
        size += group;
    }
    Some(size)
}

/// Whether an issuer's numbers begin so and have this length.
fn is_issued(number: &[u8]) -> bool {
    let head = number.iter().take(4).fold(0u32, |head, digit| head * 10 + u32::from(*digit));
    let length = number.len();
    match head {
        // Visa.
        4000..=4999 => matches!(length, 13 | 16 | 19),
        // Mastercard.
        5100..=5599 | 2221..=2720 => length == 16,
        // American Express.
        3400..=3499 | 3700..=3799 => length == 15,
        // Diners Club.
        3000..=3059 | 3095 | 3600..=3699 | 3800..=3999 => matches!(length, 14 | 16),
        // JCB.
        3528..=3589 => length >= 16,
        // Discover, UnionPay.
        6011 | 6440..=6599 | 6200..=6299 => length >= 16,
        // Maestro.
        5000..=5099 | 5600..=5899 | 6300..=6399 | 6700..=6799 => length >= 13,
        _ => false,
    }
}

/// Luhn's check: every second digit from the right counts twice, by the sum of its own digits.
fn is_checked(number: &[u8]) -> bool {
    let weigh = |(place, digit): (usize, &u8)| match (place % 2, digit * 2) {
        (0, _) => *digit,
        (_, double) if double > 9 => double - 9,
        (_, double) => double,
    };
    number.iter().rev().enumerate().map(weigh).map(u32::from).sum::<u32>() % 10 == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::all;

    #[test]
    fn numbers_of_cards() {
        for (text, expect) in [
            ("card 4111111111111111 declined", vec!["4111111111111111"]),
            ("4111 1111 1111 1111", vec!["4111 1111 1111 1111"]),
            ("(4111-1111-1111-1111)", vec!["4111-1111-1111-1111"]),
            ("5555555555554444,5105105105105100", vec!["5555555555554444", "5105105105105100"]),
            ("2223003122003222", vec!["2223003122003222"]),
            ("amex 378282246310005 3714 496353 98431", vec!["378282246310005", "3714 496353 98431"]),
            ("diners 30569309025904 3852-000002-3237", vec!["30569309025904", "3852-000002-3237"]),
            ("discover 6011111111111117.", vec!["6011111111111117"]),
            ("jcb 3530111333300000", vec!["3530111333300000"]),
            ("unionpay 6200000000000005", vec!["6200000000000005"]),
            ("maestro 6759649826438453", vec!["6759649826438453"]),
            ("visa 4222222222222", vec!["4222222222222"]),
            ("visa 4000 0000 0000 0000 006", vec!["4000 0000 0000 0000 006"]),
            (r#"{"card":4111111111111111,"x":1}"#, vec!["4111111111111111"]),
            (r#"{"card":"4111111111111111"}"#, vec!["4111111111111111"]),
            (r#"{"m":"a\n4111111111111111\n"}"#, vec!["4111111111111111"]),
            ("card=4111111111111111&cvc=123", vec!["4111111111111111"]),
            ("5 4111 1111 1111 1111 12/27", vec!["4111 1111 1111 1111"]),
            // What stands behind may look like one more group.
            ("card 4111 1111 1111 1111 123 charged", vec!["4111 1111 1111 1111"]),
            ("4111-1111-1111-1111-123", vec!["4111-1111-1111-1111"]),
            ("4222 2222 2222 2 123", vec!["4222 2222 2222 2"]),
            ("4111 1111 1111 1112 123", vec![]),
            // A wrong check digit, a prefix that nobody issues, a length that does not fit it.
            ("4111111111111112", vec![]),
            ("4111 1111 1111 1112", vec![]),
            ("1111111111111117", vec![]),
            ("9111111111111111", vec![]),
            ("0000000000000000", vec![]),
            ("41111111111111113", vec![]),
            ("411111111111116", vec![]),
            // Parts of something else.
            ("a4111111111111111", vec![]),
            ("4111111111111111f", vec![]),
            ("id_4111111111111111", vec![]),
            ("0.4111111111111111", vec![]),
            ("4111111111111111.5", vec![]),
            ("4111 1111-1111 1111", vec![]),
            ("41111111 11111111", vec![]),
            ("4111  1111  1111  1111", vec![]),
            ("14111111111111111", vec![]),
            ("2026-01-02 03:04:05", vec![]),
            ("1700000000000 1700000000000000000", vec![]),
            ("+49 1234 567890 1234", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(all(|text, mut found| find(text, &mut found), text), expect, "{text}");
        }
    }
}
