//! `trial` of a plugin: what a version that takes the place of another one has to keep to in its first time.

use std::time::Duration;

use super::decode::Block;
use super::document::Value;
use super::kinds::{self, Reading};
use super::plan::Trial;

const UNITS: [(&str, f64); 3] = [("ns", 1e-9), ("us", 1e-6), ("ms", 1e-3)];

pub(super) fn trial(block: Block) -> Trial {
    let default = Trial::default();
    let time = block.get("for", kinds::duration_or_off(Duration::from_secs(1), Duration::from_secs(3600)));
    let max_drop = block.get("max_drop", share);
    let max_time = block.get("max_time", time_of_record);
    block.finish();
    Trial { time: time.unwrap_or(default.time), max_drop, max_time }
}

/// A share of records, as a number from 0 to 1.
fn share(value: &Value) -> Reading<f64> {
    let text = written(value, "a share like 50%")?;
    let percent = text.strip_suffix('%').and_then(positive).filter(|percent| *percent <= 100.0);
    percent.map(|percent| percent / 100.0).ok_or_else(|| format!("{text} is no share; write it like 50% or 0.5%"))
}

/// The time of one record.
fn time_of_record(value: &Value) -> Reading<Duration> {
    let text = written(value, "a time like 50us")?;
    let known = UNITS.iter().find_map(|(unit, seconds)| Some(positive(text.strip_suffix(unit)?)? * seconds));
    let time = known.filter(|seconds| *seconds > 0.0 && *seconds <= 1.0).map(Duration::from_secs_f64);
    time.ok_or_else(|| format!("{text} is no time of a record; write it like 50us, 800ns or 1ms"))
}

/// A number without a unit is judged as it was written, to be told what it lacks.
fn written(value: &Value, expected: &str) -> Reading<String> {
    match value {
        Value::Text { text, .. } => Ok(text.clone()),
        Value::Integer(number) => Ok(number.to_string()),
        Value::Float(number) => Ok(number.to_string()),
        other => Err(format!("expected {expected}, not {}", kinds::describe(other))),
    }
}

/// Digits, and a fraction if there is one.
fn positive(text: &str) -> Option<f64> {
    let plain = text.starts_with(|c: char| c.is_ascii_digit()) && text.bytes().all(|c| c.is_ascii_digit() || c == b'.');
    text.parse().ok().filter(|_| plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::Text { text: text.to_owned(), from_environment: false }
    }

    #[test]
    fn shares_and_times_have_units() {
        for (written, expected) in [("50%", Some(0.5)), ("0.5%", Some(0.005)), ("100%", Some(1.0)), ("0%", Some(0.0))] {
            assert_eq!(share(&text(written)).ok(), expected, "{written}");
        }
        for written in ["50", "101%", "-1%", "%", "1e1%", "inf%", "half"] {
            assert!(share(&text(written)).unwrap_err().contains("write it like 50%"), "{written}");
        }
        for (written, nanoseconds) in [("800ns", 800), ("50us", 50_000), ("1.5ms", 1_500_000)] {
            let time = time_of_record(&text(written)).unwrap().as_nanos();
            assert_eq!(time, nanoseconds, "{written}");
        }
        for written in ["50", "0us", "2000ms", "1s", "us"] {
            assert!(time_of_record(&text(written)).unwrap_err().contains("write it like 50us"), "{written}");
        }
    }
}
