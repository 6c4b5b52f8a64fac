//! Numbers as people read them.

use std::time::Duration;

use crate::snapshot::Lag;

/// `1234567` as `1,234,567`.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Minutes and seconds: `2:05`.
pub(crate) fn clock(duration: Duration) -> String {
    let seconds = duration.as_secs();
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

pub(crate) fn lag(lag: Option<Lag>) -> String {
    match lag {
        None => "-".to_owned(),
        Some(Lag::Bytes(bytes)) => format!("{} KiB", thousands(bytes.div_ceil(1024))),
        Some(Lag::Records(records)) => format!("{} records", thousands(records)),
    }
}

/// Nanoseconds a record; `-` before the first.
pub(crate) fn cost(nanoseconds: Option<f64>) -> String {
    nanoseconds.map_or("-".to_owned(), |nanoseconds| thousands(nanoseconds.round() as u64))
}

/// The number, or nothing: zeros of rare things only distract.
pub(crate) fn unless_zero(number: u64) -> String {
    if number == 0 { String::new() } else { thousands(number) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_readable() {
        for (number, expect) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(thousands(number), expect);
        }
        for (seconds, expect) in [(0, "0:00"), (65, "1:05"), (3600, "60:00")] {
            assert_eq!(clock(Duration::from_secs(seconds)), expect);
        }
        for (value, expect) in
            [(None, "-"), (Some(Lag::Bytes(1)), "1 KiB"), (Some(Lag::Records(1200)), "1,200 records")]
        {
            assert_eq!(lag(value), expect);
        }
        assert_eq!((cost(None), cost(Some(1234.6))), ("-".to_owned(), "1,235".to_owned()));
        assert_eq!((unless_zero(0), unless_zero(7)), (String::new(), "7".to_owned()));
    }
}
