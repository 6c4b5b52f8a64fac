//! How a rule is written.
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use sluice_pattern::Pattern;
use sluice_plugin::{Config, Path};

use crate::check::Check;

use crate::rule::Rule;
use crate::words::Words;

const KEYS: &[&str] = &[
    "field",
    "equals",
    "in",
    "contains",
    "starts_with",
    "ends_with",
    "pattern",
    "exists",
    "ignore_case",
    "namespace",
    "pod",
    "container",
    "host",
    "labels",
    "all",
    "any",
    "none",
];

/// How deep rules may lie in rules.
const DEEPEST: usize = 8;

/// A rule as it is written: all that it names has to hold.
#[derive(Default)]
pub struct RuleOptions {
    field: Option<Path>,
    checks: Vec<Check>,
    patterns: Vec<String>,
    ignore_case: bool,
    /// Names of the origin, and labels: where they are, and what they may be.
    names: Vec<(Path, Words)>,
    groups: Vec<(Group, Vec<RuleOptions>)>,
}

#[derive(Clone, Copy)]
pub enum Group {
    All,
    Any,
    None,
}

impl RuleOptions {
    /// Asks for the fields that the rule is about. The error says what is wrong with it, and begins with the key where
    /// that is not the rule's own.
    pub fn bind(self, config: &mut Config) -> Result<Rule, String> {
        self.bind_at(config, 0)
    }

    fn bind_at(self, config: &mut Config, depth: usize) -> Result<Rule, String> {
        if depth > DEEPEST {
            return Err("rules lie in rules at most 8 deep".into());
        }
        let mut rule = Rule::default();
        for (path, words) in self.names {
            rule.names.push((path.read(config), Check::Like(words.0)));
        }
        let mut checks = self.checks;
        if !self.patterns.is_empty() {
            let mut patterns = Vec::with_capacity(self.patterns.len());
            for pattern in &self.patterns {
                patterns.push(Pattern::new(pattern, self.ignore_case).map_err(|error| format!("pattern: {error}"))?);
            }
            checks.push(Check::Pattern(patterns));
        }
        match self.field {
            Some(_) if checks.is_empty() => {
                return Err(
                    "field: say what it must be with equals, in, contains, starts_with, ends_with, pattern or \
                            exists"
                        .into(),
                );
            }
            None if !checks.is_empty() => return Err("name the field that is to be compared, as in field: log".into()),
            Some(path) => rule.field = Some((path.read(config), checks, self.ignore_case)),
            None => {}
        }
        for (group, rules) in self.groups {
            let mut bound = Vec::with_capacity(rules.len());
            for (index, inner) in rules.into_iter().enumerate() {
                let at = |error| under(group.name(), index, error);
                bound.push(inner.bind_at(config, depth + 1).map_err(at)?);
            }
            rule.groups.push((group, bound));
        }
        if rule.is_empty() {
            return Err("is empty; name a field, a namespace, pod, container, host or labels".into());
        }
        Ok(rule)
    }
}

/// An error of one rule of a list, as the list's owner tells it.
pub fn under(list: &str, index: usize, error: String) -> String {
    let key = error.bytes().position(|byte| byte == b':').filter(|at| error.as_bytes().get(at + 1) == Some(&b' '));
    let key = key.and_then(|end| error.as_bytes()[..end].split(|byte| matches!(byte, b'.' | b'[')).next());
    let is_key = KEYS.iter().any(|known| Some(known.as_bytes()) == key);
    format!("{list}[{index}]{}{error}", if is_key { "." } else { ": " })
}

impl Group {
    fn named(name: &str) -> Self {
        match name {
            "all" => Self::All,
            "any" => Self::Any,
            _ => Self::None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Any => "any",
            Self::None => "none",
        }
    }
}

impl<'de> Deserialize<'de> for RuleOptions {
    // Written out: what serde derives would make the component 10 kB larger.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(RuleVisitor)
    }
}

struct RuleVisitor;

impl<'de> Visitor<'de> for RuleVisitor {
    type Value = RuleOptions;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a rule such as {field: log, contains: healthz}")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<RuleOptions, A::Error> {
        let mut rule = RuleOptions::default();
        while let Some(key) = members.next_key::<String>()? {
            match key.as_str() {
                "field" => rule.field = Some(members.next_value()?),
                "exists" => rule.checks.push(Check::Exists(members.next_value()?)),
                "ignore_case" => rule.ignore_case = members.next_value()?,
                "labels" => rule.names.extend(members.next_value::<Labels>()?.0),
                "all" | "any" | "none" => rule.groups.push((Group::named(&key), members.next_value::<Rules>()?.0)),
                key if KEYS.contains(&key) => rule.take(key, members.next_value()?),
                key => return Err(de::Error::unknown_field(key, KEYS)),
            }
        }
        Ok(rule)
    }
}

impl RuleOptions {
    /// Takes the value of a key that is one text or several.
    fn take(&mut self, key: &str, words: Words) {
        let origin = |name| Path(vec!["kubernetes".to_string(), String::from(name)]);
        match key {
            "contains" => self.checks.push(Check::Contains(words.0)),
            "starts_with" => self.checks.push(Check::StartsWith(words.0)),
            "ends_with" => self.checks.push(Check::EndsWith(words.0)),
            "pattern" => self.patterns = words.0,
            "namespace" => self.names.push((origin("namespace_name"), words)),
            "pod" => self.names.push((origin("pod_name"), words)),
            "container" => self.names.push((origin("container_name"), words)),
            "host" => self.names.push((origin("host"), words)),
            _ => self.checks.push(Check::Equals(words.0)),
        }
    }
}

/// A list of rules, which are boxed by it: a rule may have lists of rules.
struct Rules(Vec<RuleOptions>);

impl<'de> Deserialize<'de> for Rules {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let rules = Vec::deserialize(deserializer)?;
        if rules.is_empty() { Err(de::Error::custom("name at least one rule")) } else { Ok(Self(rules)) }
    }
}

/// What labels must be, by their names.
struct Labels(Vec<(Path, Words)>);

impl<'de> Deserialize<'de> for Labels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(LabelsVisitor)
    }
}

struct LabelsVisitor;

impl<'de> Visitor<'de> for LabelsVisitor {
    type Value = Labels;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("labels and what they are, such as {app: cart}")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Labels, A::Error> {
        let mut labels = Vec::new();
        while let Some(label) = members.next_key::<String>()? {
            let path = Path(vec!["kubernetes".into(), "labels".into(), label]);
            labels.push((path, members.next_value()?));
        }
        Ok(Labels(labels))
    }
}
