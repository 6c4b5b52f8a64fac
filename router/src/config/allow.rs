//! `allow_topics` and `index.allow`: the topics or indices that records may be sent to by a name of their own. Such names come from those who
//! write logs, so nothing is followed unless it is listed, and a pattern that lets every name through is refused.

use super::document::Value;
use super::kinds::{self, Reading};

/// A pattern of topics: of what Kafka takes in a name, and `*`.
pub(super) fn topics(value: &Value) -> Reading<String> {
    pattern(value, |c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
}

/// A pattern of indices: of what Elasticsearch takes in a name, and `*`.
pub(super) fn indices(value: &Value) -> Reading<String> {
    pattern(value, |c| !c.is_whitespace() && !c.is_control() && !c.is_uppercase() && !"\\/?\"<>|,#:".contains(c))
}

fn pattern(value: &Value, valid: impl Fn(char) -> bool) -> Reading<String> {
    let pattern = kinds::text(value)?;
    if pattern.starts_with('*') {
        return Err(format!(
            "{pattern:?} would let records go anywhere; write what the allowed names begin with, as in \"audit-*\""
        ));
    }
    match pattern.chars().find(|c| *c != '*' && !valid(*c)) {
        None => Ok(pattern),
        Some(found) => Err(format!(
            "{found:?} cannot stand in such a name; write letters, digits, \".\", \"_\" and \"-\", and \"*\" for anything"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_say_what_names_begin_with() {
        type Read = fn(&Value) -> Reading<String>;
        for (text, read, expect) in [
            ("audit", topics as Read, true),
            ("Audit-*", topics, true),
            ("a*b*", topics, true),
            ("*", topics, false),
            ("*-audit", topics, false),
            ("a b", topics, false),
            ("é", topics, false),
            ("audit-*", indices, true),
            ("é-*", indices, true),
            ("Audit-*", indices, false),
            ("a:b", indices, false),
        ] {
            let value = Value::Text { text: text.to_owned(), from_environment: false };
            assert_eq!(read(&value).is_ok(), expect, "{text}");
        }
    }
}
