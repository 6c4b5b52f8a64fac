//! What a value may be: one function for each kind of value. Each answers the value, or what is wrong and what to
//! write.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use super::document::Value;
use super::units;

pub(super) type Reading<T> = Result<T, String>;

/// A text with at least one character. A number is not taken for one: YAML may have changed how it was written.
pub(super) fn text(value: &Value) -> Reading<String> {
    match value {
        Value::Text { text, .. } if text.is_empty() => {
            Err("the text is empty; write one, or take the key out".to_owned())
        }
        Value::Text { text, .. } => Ok(text.clone()),
        Value::Integer(number) => {
            Err(format!("expected a text, not the number {number}; write \"{number}\" in quotes"))
        }
        other => Err(format!("expected a text, not {}", describe(other))),
    }
}

/// A file or folder.
pub(super) fn path(value: &Value) -> Reading<PathBuf> {
    text(value).map(PathBuf::from)
}

/// `true` or `false`.
pub(super) fn boolean(value: &Value) -> Reading<bool> {
    match value {
        Value::Boolean(value) => Ok(*value),
        Value::Text { text, from_environment } => match (text.as_str(), from_environment) {
            ("true", true) => Ok(true),
            ("false", true) => Ok(false),
            ("true" | "false", false) => {
                Err(format!("expected true or false, not a text; write {text} without quotes"))
            }
            _ => Err(format!("expected true or false, not {text:?}")),
        },
        other => Err(format!("expected true or false, not {}", describe(other))),
    }
}

/// A whole number.
pub(super) fn count(range: RangeInclusive<usize>) -> impl Fn(&Value) -> Reading<usize> {
    move |value| {
        let number = match value {
            Value::Integer(number) => usize::try_from(*number).ok(),
            Value::Text { text, from_environment } => match (text.parse(), from_environment) {
                (Ok(number), true) => Some(number),
                (Ok(_), false) => return Err(format!("expected a number, not a text; write {text} without quotes")),
                (Err(_), _) => return Err(format!("expected a whole number, not {text:?}")),
            },
            other => return Err(format!("expected a whole number, not {}", describe(other))),
        };
        number
            .filter(|number| range.contains(number))
            .ok_or_else(|| format!("{} is out of range; write {} to {}", bare(value), range.start(), range.end()))
    }
}

/// A duration with its unit.
pub(super) fn duration(shortest: Duration, longest: Duration) -> impl Fn(&Value) -> Reading<Duration> {
    move |value| {
        let duration = match value {
            Value::Text { text, .. } => units::duration(text)?,
            Value::Integer(number) => units::duration(&number.to_string())?,
            other => return Err(format!("expected a duration like 5s, not {}", describe(other))),
        };
        if (shortest..=longest).contains(&duration) {
            return Ok(duration);
        }
        Err(format!(
            "{} is out of range; write {} to {}",
            bare(value),
            units::show_duration(shortest),
            units::show_duration(longest)
        ))
    }
}

/// A duration with its unit, or the word `off`.
pub(super) fn duration_or_off(shortest: Duration, longest: Duration) -> impl Fn(&Value) -> Reading<Option<Duration>> {
    let duration = duration(shortest, longest);
    move |value| match value {
        Value::Text { text, .. } if text == "off" => Ok(None),
        Value::Text { .. } | Value::Integer(_) => {
            duration(value).map(Some).map_err(|message| format!("{message}, or off"))
        }
        other => Err(format!("expected a duration like 1h, or off, not {}", describe(other))),
    }
}

/// A size in bytes, with its unit.
pub(super) fn size(smallest: u64, largest: u64) -> impl Fn(&Value) -> Reading<u64> {
    move |value| {
        let size = match value {
            Value::Text { text, .. } => units::size(text)?,
            Value::Integer(number) => return Err(size_without_unit(*number)),
            other => return Err(format!("expected a size like 6MiB, not {}", describe(other))),
        };
        if (smallest..=largest).contains(&size) {
            return Ok(size);
        }
        Err(format!(
            "{} is out of range; write {} to {}",
            bare(value),
            units::show_size(smallest),
            units::show_size(largest)
        ))
    }
}

fn size_without_unit(number: i64) -> String {
    match u64::try_from(number) {
        Ok(bytes) => format!("{number} has no unit; if bytes are meant, write {}", units::show_size(bytes)),
        Err(_) => format!("{number} is no size; write it like 6MiB"),
    }
}

/// One of some words.
pub(super) fn choice<T: Copy>(choices: &'static [(&'static str, T)]) -> impl Fn(&Value) -> Reading<T> {
    move |value| {
        let written = bare(value);
        choices.iter().find(|(word, _)| *word == written).map(|(_, choice)| *choice).ok_or_else(|| {
            let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
            let (last, others) = words.split_last().unwrap_or((&"", &[]));
            format!("{} is not among the choices; write {} or {last}", describe(value), others.join(", "))
        })
    }
}

/// Names of pipelines and plugins: they become metric labels and parts of file names.
pub(crate) fn check_name(name: &str) -> Reading<()> {
    let valid = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !name.is_empty() && name.len() <= 63 && name.chars().all(valid) {
        return Ok(());
    }
    Err(format!("{name:?} is not a name; write up to 63 of a-z, 0-9 and -"))
}

/// A value as an error names it.
pub(super) fn describe(value: &Value) -> String {
    match value {
        Value::Boolean(value) => value.to_string(),
        Value::Integer(value) => format!("the number {value}"),
        Value::Float(value) => format!("the number {value}"),
        Value::Text { text, .. } => format!("{text:?}"),
        other => name(other).to_owned(),
    }
}

/// A kind of value, without the value.
pub(super) fn name(value: &Value) -> &'static str {
    match value {
        Value::Null | Value::Broken => "nothing",
        Value::Boolean(_) => "true or false",
        Value::Integer(_) | Value::Float(_) => "a number",
        Value::Text { .. } => "a text",
        Value::List(_) => "a list",
        Value::Map(_) => "a block of keys",
    }
}

/// A scalar as it was written.
fn bare(value: &Value) -> String {
    match value {
        Value::Text { text, .. } => text.clone(),
        Value::Integer(number) => number.to_string(),
        other => describe(other),
    }
}
