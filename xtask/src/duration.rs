//! How long something is to go on, as people write it.

use std::time::Duration;

/// A whole number and a unit: `30s`, `10m`, `1h`. At least 10 s.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = text.split_at(text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len()));
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return Err("write a whole number and s, m or h, e.g. 30s".into()),
    };
    let seconds = number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
    match seconds {
        Some(seconds @ 10..) => Ok(Duration::from_secs(seconds)),
        Some(_) => Err("at least 10s".into()),
        None => Err("write a whole number and s, m or h, e.g. 30s".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit() {
        for (text, expect) in [
            ("30s", Some(30)),
            ("2m", Some(120)),
            ("1h", Some(3600)),
            ("30", None),
            ("s", None),
            ("5s", None),
            ("", None),
            ("99999999999999999999m", None),
            ("9999999999999999999h", None),
        ] {
            assert_eq!(duration(text).ok(), expect.map(Duration::from_secs), "{text}");
        }
    }
}
