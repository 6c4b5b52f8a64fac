//! Durations and sizes as people write them. Both need a unit: a bare number says neither seconds nor milliseconds,
//! neither megabytes nor bytes.

use std::time::Duration;

const DURATION_UNITS: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

const SIZE_UNITS: [(&str, u64); 7] = [
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("KB", 1_000),
    ("B", 1),
];

/// Reads `500ms`, `5s`, `1m` or `1h`.
///
/// # Errors
/// Says what is wrong and what to write.
pub fn duration(text: &str) -> Result<Duration, String> {
    quantity(text, &DURATION_UNITS, "5s, 500ms, 1m or 1h").map(Duration::from_millis)
}

/// Reads `6MiB`, `512KiB`, `1GB` or `100B` and answers bytes. `KiB` counts 1024 bytes and `KB` 1000.
///
/// # Errors
/// Says what is wrong and what to write.
pub fn size(text: &str) -> Result<u64, String> {
    quantity(text, &SIZE_UNITS, "6MiB, 512KiB, 1GB or 100B")
}

/// The inverse of [`duration`], in the largest unit that divides it.
pub fn show_duration(duration: Duration) -> String {
    let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    show(millis, &DURATION_UNITS, "0s")
}

/// The inverse of [`size`], in the largest unit that divides it.
pub fn show_size(bytes: u64) -> String {
    show(bytes, &SIZE_UNITS, "0B")
}

fn show(amount: u64, units: &[(&str, u64)], zero: &str) -> String {
    units
        .iter()
        .find(|(_, factor)| amount > 0 && amount.is_multiple_of(*factor))
        .map_or_else(|| zero.to_owned(), |(unit, factor)| format!("{}{unit}", amount / factor))
}

fn quantity(text: &str, units: &[(&str, u64)], examples: &str) -> Result<u64, String> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    if number.is_empty() || unit.starts_with('.') {
        return Err(format!("{text:?} is not a whole number with a unit; write it like {examples}"));
    }
    let Some((_, factor)) = units.iter().find(|(name, _)| *name == unit) else {
        return Err(unknown_unit(text, number, unit, units, examples));
    };
    number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(*factor))
        .ok_or_else(|| format!("{text:?} is too large to count"))
}

fn unknown_unit(text: &str, number: &str, unit: &str, units: &[(&str, u64)], examples: &str) -> String {
    if unit.is_empty() {
        return format!("{text} has no unit; write it like {examples}");
    }
    let meant = unit.trim().to_ascii_lowercase();
    match units.iter().find(|(name, _)| name.to_ascii_lowercase() == meant) {
        Some((name, _)) => format!("{text:?} is not written as units are here; write {number}{name}"),
        None => {
            let names: Vec<&str> = units.iter().rev().map(|(name, _)| *name).collect();
            format!("{text:?} has an unknown unit; the units are {}", names.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        let check = |text, expect: Result<u64, &str>| {
            assert_eq!(
                duration(text).map_err(|e| e.split(';').next().unwrap_or_default().to_owned()),
                expect.map(Duration::from_millis).map_err(str::to_owned),
                "{text}"
            );
        };
        check("500ms", Ok(500));
        check("5s", Ok(5_000));
        check("1m", Ok(60_000));
        check("2h", Ok(7_200_000));
        check("0s", Ok(0));
        check("5", Err("5 has no unit"));
        check("5 s", Err("\"5 s\" is not written as units are here"));
        check("5S", Err("\"5S\" is not written as units are here"));
        check("5d", Err("\"5d\" has an unknown unit"));
        check("1.5h", Err("\"1.5h\" is not a whole number with a unit"));
        check("-1s", Err("\"-1s\" is not a whole number with a unit"));
        check("s", Err("\"s\" is not a whole number with a unit"));
        check("", Err("\"\" is not a whole number with a unit"));
        check("18446744073709551615h", Err("\"18446744073709551615h\" is too large to count"));
        check("99999999999999999999s", Err("\"99999999999999999999s\" is too large to count"));
    }

    #[test]
    fn sizes() {
        let check = |text, expect: Result<u64, &str>| {
            assert_eq!(
                size(text).map_err(|e| e.split("; ").nth(1).unwrap_or(&e).to_owned()),
                expect.map_err(str::to_owned),
                "{text}"
            );
        };
        check("6MiB", Ok(6 * 1024 * 1024));
        check("512KiB", Ok(512 * 1024));
        check("1GB", Ok(1_000_000_000));
        check("7KB", Ok(7_000));
        check("100B", Ok(100));
        check("2GiB", Ok(2 << 30));
        check("6mib", Err("write 6MiB"));
        check("6kb", Err("write 6KB"));
        check("6 MiB", Err("write 6MiB"));
        check("6M", Err("the units are B, KB, MB, GB, KiB, MiB, GiB"));
        check("6", Err("write it like 6MiB, 512KiB, 1GB or 100B"));
    }

    #[test]
    fn shown_as_written() {
        for text in ["1ms", "1500ms", "5s", "90s", "1m", "24h"] {
            assert_eq!(show_duration(duration(text).unwrap()), text);
        }
        for text in ["1B", "1KB", "1KiB", "6MiB", "10MB", "1GB", "1GiB"] {
            assert_eq!(show_size(size(text).unwrap()), text);
        }
        assert_eq!(show_duration(Duration::ZERO), "0s");
        assert_eq!(show_size(0), "0B");
    }
}
