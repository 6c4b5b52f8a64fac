//! Where a record goes other than the rest: the names that plugins and records give, and which of them a sink follows.

use std::borrow::Cow;

use crate::members::Members;

/// A name that a plugin may give a record beside its JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// `@metadata`, `topic`: where Kafka is to have it.
    Topic,
    /// `@metadata`, `index`: where Elasticsearch is to have it.
    Index,
}

/// The first key of what is known about a record without being part of its JSON.
pub const METADATA: &str = "@metadata";

impl Route {
    /// The route that these keys name, if they name one.
    pub fn of(keys: &[String]) -> Option<Self> {
        match keys {
            [first, name] if first == METADATA => match name.as_str() {
                "topic" => Some(Self::Topic),
                "index" => Some(Self::Index),
                _ => None,
            },
            _ => None,
        }
    }
}

/// Which names a sink follows. A name comes from a record or a plugin, so what is not allowed is followed nowhere: without
/// patterns that is every name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowList(Vec<String>);

impl AllowList {
    /// Patterns in which `*` stands for any characters, or none.
    pub fn new(patterns: Vec<String>) -> Self {
        Self(patterns)
    }

    pub fn allows(&self, name: &str) -> bool {
        self.0.iter().any(|pattern| fits(pattern, name))
    }
}

fn fits(pattern: &str, name: &str) -> bool {
    let Some((begin, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut name) = name.strip_prefix(begin) else { return false };
    let mut parts = rest.split('*');
    // The last part is the end; each part before it is best found as early as it comes.
    let end = parts.next_back().unwrap_or_default();
    for part in parts {
        let Some(at) = name.find(part) else { return false };
        name = &name[at + part.len()..];
    }
    name.ends_with(end)
}

/// The name that a record gives in a field of its own: a text, or what else it is as JSON. `None` where there is no such
/// field, or it is null or false, as for Fluentd's `topic_key`.
pub fn named_by<'a>(json: &'a [u8], field: &str) -> Option<Cow<'a, str>> {
    let value = Members::of(json)?.find(|member| member.key.as_deref() == Some(field.as_bytes()))?.value;
    let value = &json[value];
    match value {
        b"null" | b"false" => None,
        // A text that is none, as one with half of a surrogate pair, is a name that nobody allows.
        [b'"', ..] => Some(sonic_rs::from_slice::<String>(value).map_or_else(|_| "\u{fffd}".into(), Cow::Owned)),
        _ => Some(String::from_utf8_lossy(value)),
    }
}

/// Takes the field out of an object, however often it is there.
pub fn remove_field(json: &mut Vec<u8>, field: &str) {
    let Some(members) = Members::of(json) else { return };
    let named = members.filter(|member| member.key.as_deref() == Some(field.as_bytes()));
    let ranges: Vec<_> = named.map(|member| member.start..member.value.end).collect();
    // From behind, so that the others stay where they were found.
    for range in ranges.into_iter().rev() {
        let before = json[..range.start].trim_ascii_end();
        if before.ends_with(b",") {
            let start = before.len() - 1;
            json.drain(start..range.end);
        } else {
            let behind = json[range.end..].trim_ascii_start().strip_prefix(b",");
            let end = behind.map_or(range.end, |behind| json.len() - behind.len());
            json.drain(range.start..end);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_held_to_both_ends() {
        for (pattern, name, expect) in [
            ("logs", "logs", true),
            ("logs", "logs-a", false),
            ("logs", "a-logs", false),
            ("logs-*", "logs-a", true),
            ("logs-*", "logs-", true),
            ("logs-*", "logs", false),
            ("logs-*", "other-logs-a", false),
            ("logs-*-v1", "logs-a-v1", true),
            ("logs-*-v1", "logs-v1", false),
            ("logs-*-v1", "logs-a-v1-x", false),
            ("logs-*-v1", "logs--v1-v1", true),
            ("l*a*a", "la", false),
            ("l*a*a", "laa", true),
            ("l**a", "lba", true),
            ("", "", true),
            ("", "a", false),
        ] {
            assert_eq!(fits(pattern, name), expect, "{pattern} {name}");
        }
        assert!(!AllowList::default().allows("logs"), "nothing is allowed unless it is said");
        assert!(AllowList::new(vec!["a".into(), "b*".into()]).allows("b1"));
    }

    #[test]
    fn a_field_goes_and_the_others_stay_as_they_are() {
        for (json, expect) in [
            (r#"{"topic":"a"}"#, "{}"),
            (r#"{ "topic" : "a" }"#, "{  }"),
            (r#"{"topic":"a","b":1}"#, r#"{"b":1}"#),
            (r#"{"topic":"a" , "b":1}"#, r#"{ "b":1}"#),
            (r#"{"b":1,"topic":"a"}"#, r#"{"b":1}"#),
            (r#"{"b":1 , "topic":{"x":[1,2]} ,"c":2}"#, r#"{"b":1  ,"c":2}"#),
            (r#"{"topic":"a","topic":"b"}"#, "{}"),
            (r#"{"topic":"a","b":{"topic":1},"t\u006fpic":null}"#, r#"{"b":{"topic":1}}"#),
            (r#"{"b":"topic"}"#, r#"{"b":"topic"}"#),
            (r#"["topic"]"#, r#"["topic"]"#),
            ("", ""),
        ] {
            let mut bytes = json.as_bytes().to_vec();
            remove_field(&mut bytes, "topic");
            assert_eq!(String::from_utf8(bytes).unwrap(), expect, "{json}");
        }
    }

    #[test]
    fn a_field_names_by_its_text_or_its_json() {
        for (json, expect) in [
            (r#"{"a":1,"topic":"logs"}"#, Some("logs")),
            (r#"{"topic":"a\"b\u00e9"}"#, Some("a\"bé")),
            (r#"{"topic":""}"#, Some("")),
            (r#"{"topic":5}"#, Some("5")),
            (r#"{"topic":true}"#, Some("true")),
            (r#"{"topic":{"a":1}}"#, Some(r#"{"a":1}"#)),
            (r#"{"topic":"\ud800"}"#, Some("\u{fffd}")),
            (r#"{"topic":null}"#, None),
            (r#"{"topic":false}"#, None),
            (r#"{"a":{"topic":"x"}}"#, None),
            (r#"{"topic":"first","topic":"second"}"#, Some("first")),
            ("{}", None),
            ("no json", None),
        ] {
            assert_eq!(named_by(json.as_bytes(), "topic").as_deref(), expect, "{json}");
        }
    }

    #[test]
    fn only_known_names_are_routes() {
        let of = |keys: &[&str]| Route::of(&keys.iter().map(|key| key.to_string()).collect::<Vec<_>>());
        assert_eq!(of(&["@metadata", "topic"]), Some(Route::Topic));
        assert_eq!(of(&["@metadata", "index"]), Some(Route::Index));
        for keys in
            [&["@metadata"][..], &["@metadata", "key"], &["@metadata", "topic", "x"], &["topic"], &["@metadata.topic"]]
        {
            assert_eq!(of(keys), None, "{keys:?}");
        }
    }
}
