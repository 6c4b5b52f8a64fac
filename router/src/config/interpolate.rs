//! `${NAME}` and `${NAME:-default}` in texts of the parsed document, never in raw text: a value cannot change the
//! document's shape, and an unset variable has a path and a line.

use super::document::{Node, Value};
use super::problem::{Findings, join};

/// Looks a variable up; `None` if it is not set.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Resolves every text below `node` in place. A text that cannot be resolved is reported and left broken.
pub(super) fn resolve(node: &mut Node, path: &str, environment: Environment, findings: &Findings) {
    match &mut node.value {
        Value::List(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                resolve(item, &format!("{path}[{index}]"), environment, findings);
            }
        }
        Value::Map(entries) => {
            for entry in entries {
                resolve(&mut entry.value, &join(path, &entry.key), environment, findings);
            }
        }
        Value::Text { text, from_environment } => match expand(text, environment) {
            Ok((expanded, any)) => {
                *text = expanded;
                *from_environment = any;
            }
            Err(message) => {
                findings.error(node.at, path, message);
                node.value = Value::Broken;
            }
        },
        Value::Null | Value::Boolean(_) | Value::Integer(_) | Value::Float(_) | Value::Broken => {}
    }
}

/// Whether `name` is one that `${…}` can hold.
pub(super) fn is_variable(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// The text with its variables filled in, and whether it had any.
fn expand(text: &str, environment: Environment) -> Result<(String, bool), String> {
    let mut expanded = String::with_capacity(text.len());
    let mut any = false;
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        if let Some(before) = before.strip_suffix('$') {
            expanded.push_str(before);
            expanded.push_str("${");
            rest = after;
            continue;
        }
        let Some((inside, after)) = after.split_once('}') else {
            return Err("\"${\" has no \"}\"; write \"${NAME}\", or \"$${\" for the characters themselves".to_owned());
        };
        expanded.push_str(before);
        expanded.push_str(&variable(inside, environment)?);
        any = true;
        rest = after;
    }
    expanded.push_str(rest);
    Ok((expanded, any))
}

fn variable(inside: &str, environment: Environment) -> Result<String, String> {
    let (name, default) = match inside.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (inside, None),
    };
    if !is_variable(name) {
        // The text may be a password that happens to hold these characters, and is not quoted.
        return Err(
            "what stands in \"${…}\" is no variable's name; write \"${NAME}\", or \"$${\" for the characters themselves"
                .to_owned(),
        );
    }
    match (environment(name), default) {
        (Some(value), Some(default)) if value.is_empty() => Ok(default.to_owned()),
        (Some(value), _) => Ok(value),
        (None, Some(default)) => Ok(default.to_owned()),
        (None, None) => {
            Err(format!("the environment variable {name} is not set; set it, or write \"${{{name}:-DEFAULT}}\""))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        let environment = |name: &str| match name {
            "NODE" => Some("node-1".to_owned()),
            "EMPTY" => Some(String::new()),
            "NESTED" => Some("${NODE}".to_owned()),
            _ => None,
        };
        let check = |text: &str, expect: Result<&str, &str>| {
            let found = expand(text, &environment);
            let found = found.as_ref().map(|(text, _)| text.as_str());
            let found = found.map_err(|message| message.split(';').next().unwrap_or_default());
            assert_eq!(found, expect, "{text}");
        };
        const NO_NAME: &str = "what stands in \"${…}\" is no variable's name";
        check("plain", Ok("plain"));
        check("", Ok(""));
        check("$NODE costs 5$", Ok("$NODE costs 5$"));
        check("${NODE}", Ok("node-1"));
        check("a-${NODE}-b-${NODE}", Ok("a-node-1-b-node-1"));
        check("${EMPTY}", Ok(""));
        check("${EMPTY:-x}", Ok("x"));
        check("${UNSET:-}", Ok(""));
        check("${UNSET:-a:-b}", Ok("a:-b"));
        check("${NODE:-x}", Ok("node-1"));
        check("${NESTED}", Ok("${NODE}"));
        check("$${NODE}", Ok("${NODE}"));
        check("$${${NODE}", Ok("${node-1"));
        check("ünï ${NODE} ✓", Ok("ünï node-1 ✓"));
        check("${UNSET}", Err("the environment variable UNSET is not set"));
        check("${NODE", Err("\"${\" has no \"}\""));
        check("${}", Err(NO_NAME));
        check("${1A}", Err(NO_NAME));
        check("${a-b}", Err(NO_NAME));
        check("${secrets.x}", Err(NO_NAME));
    }
}
