//! `index` of an Elasticsearch sink: a name by date, or a fixed one. A name that Elasticsearch would refuse is found
//! here, since at run time it would send every document to the dead letters.

use super::allow;
use super::decode::Block;
use super::document::Value;
use super::kinds::{self, Reading};
use super::plan::IndexName;

/// What a date format may hold: directives whose letters and digits can all stand in a name.
const DIRECTIVES: &str = "YCyGgmdjHIMSsUWVuwqBbhAaPpF";

const BY_DATE: [&str; 3] = ["logstash_prefix", "date_format", "separator"];

/// Where documents go, and where else a plugin may send them.
pub(super) struct Indexes {
    pub name: IndexName,
    pub allowed: Vec<String>,
}

/// Reads `index`; without the key, logstash names with their defaults.
pub(super) fn index(sink: &Block) -> Option<Indexes> {
    let Some(block) = sink.child("index") else {
        return Some(Indexes { name: by_date(None, None, None), allowed: Vec::new() });
    };
    let allowed = block.list("allow", allow::indices);
    let name = block.get("name", fixed_name);
    let prefix = block.get("logstash_prefix", prefix);
    let date_format = block.get("date_format", date_format);
    let separator = block.get("separator", separator);
    if block.entry("name").is_some() {
        for key in BY_DATE.iter().filter(|key| block.entry(key).is_some()) {
            block.fail(key, "\"name\" is a fixed name and has no part by date; take one of the two out");
        }
    }
    block.finish();
    let name = match name {
        Some(name) => IndexName::Fixed(name),
        None => by_date(prefix, separator, date_format),
    };
    Some(Indexes { name, allowed: allowed.unwrap_or_default() })
}

fn by_date(prefix: Option<String>, separator: Option<String>, date_format: Option<String>) -> IndexName {
    IndexName::Logstash {
        prefix: prefix.unwrap_or_else(|| "logstash".to_owned()),
        separator: separator.unwrap_or_else(|| "-".to_owned()),
        date_format: date_format.unwrap_or_else(|| "%Y.%m.%d".to_owned()),
    }
}

/// A name is used as it is written.
fn fixed_name(value: &Value) -> Reading<String> {
    let name = prefix(value)?;
    if name.contains(char::is_uppercase) {
        return Err(format!("an index cannot be called {name:?}; write {:?}", name.to_lowercase()));
    }
    Ok(name)
}

/// A name by date is written in lower case when it is made, so that capitals do no harm in its parts.
fn prefix(value: &Value) -> Reading<String> {
    let name = kinds::text(value)?;
    if name.starts_with(['-', '_', '+']) || name == "." || name == ".." || name.len() > 200 {
        return Err(format!(
            "an index cannot be called {name:?}; begin with a letter or a digit, and write at most 200"
        ));
    }
    part_of_name(name)
}

/// May be empty: the date then follows the prefix at once.
fn separator(value: &Value) -> Reading<String> {
    match value {
        Value::Text { text, .. } if text.is_empty() => Ok(String::new()),
        other => part_of_name(kinds::text(other)?),
    }
}

fn date_format(value: &Value) -> Reading<String> {
    let format = kinds::text(value)?;
    let mut pieces = format.split('%');
    let mut literal = pieces.next().unwrap_or_default().to_owned();
    let mut directives = 0;
    for piece in pieces {
        // "%-m" is "%m" without its zeros in front.
        let piece = piece.strip_prefix('-').unwrap_or(piece);
        let mut letters = piece.chars();
        let directive = letters.next().filter(|letter| DIRECTIVES.contains(*letter));
        if directive.is_none() {
            let known: Vec<String> = DIRECTIVES.chars().map(|directive| format!("%{directive}")).collect();
            return Err(format!("{format:?} is not a date format; the directives are {}", known.join(" ")));
        }
        directives += 1;
        literal.push_str(letters.as_str());
    }
    if directives == 0 {
        return Err(format!("{format:?} has no part by date; write it like \"%Y.%m.%d\""));
    }
    part_of_name(literal).map(|_| format)
}

fn part_of_name(text: String) -> Reading<String> {
    let refused = |c: char| c.is_whitespace() || c.is_control() || "\\/*?\"<>|,#:".contains(c);
    match text.chars().find(|c| refused(*c)) {
        None => Ok(text),
        Some(found) => Err(format!(
            "{found:?} cannot stand in the name of an index; write letters, digits, \".\", \"_\" and \"-\""
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_formats() {
        let check = |read: fn(&Value) -> Reading<String>, text: &str, valid: bool| {
            let value = Value::Text { text: text.to_owned(), from_environment: false };
            assert_eq!(read(&value).is_ok(), valid, "{text}");
        };
        check(fixed_name, "logs-2023", true);
        check(fixed_name, ".hidden", true);
        check(fixed_name, "Logs", false);
        check(fixed_name, "_logs", false);
        check(fixed_name, "..", false);
        check(fixed_name, "a b", false);
        check(fixed_name, "a:b", false);
        check(prefix, "Kube", true);
        check(prefix, "-kube", false);
        check(separator, "", true);
        check(separator, "_", true);
        check(separator, "/", false);
        check(date_format, "%Y.%m.%d", true);
        check(date_format, "%Y.%-m", true);
        check(date_format, "w%V", true);
        check(date_format, "%F", true);
        check(date_format, "%b", true);
        check(date_format, "%T", false);
        check(date_format, "%e", false);
        check(date_format, "%%Y", false);
        check(date_format, "%Y%", false);
        check(date_format, "%Y %m", false);
        check(date_format, "%Y/%m", false);
        check(date_format, "daily", false);
        check(date_format, "", false);
    }
}
