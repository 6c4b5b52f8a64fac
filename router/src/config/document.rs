//! YAML text → a tree in which every key and value knows its place. Mistakes of the language itself are found here.

use saphyr::{AnnotatedMappingOwned, MarkedYamlOwned, ScalarOwned, ScanError, YamlDataOwned};

use super::duplicates::{self, Repeated, place};
use super::problem::{Findings, Place, join};

/// The loader calls itself once a level, and a level costs at least a column or an indicator; these bounds keep the
/// deepest document that passes far from the end of a thread's stack.
const MOST_INDENTATION: usize = 256;
const MOST_INDICATORS: usize = 128;
const MOST_BYTES: usize = 1 << 20;

const START: Place = Place { line: 1, column: 1 };

/// One value and the place where it begins.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub at: Place,
    pub value: Value,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Null,
    Boolean(bool),
    Integer(i64),
    Float(f64),
    Text {
        text: String,
        /// Whether a part of it came from the environment, and so is no number or secret written in the document.
        from_environment: bool,
    },
    List(Vec<Node>),
    Map(Vec<Entry>),
    /// Reported already; whoever reads it stays silent.
    Broken,
}

/// One `key: value` of a map. No two entries of a map have the same key.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub at: Place,
    pub key: String,
    pub value: Node,
}

/// Reads the one document in `text`; `None` if there is nothing to look into.
pub(super) fn parse(text: &str, findings: &Findings) -> Option<Node> {
    if let Err((at, message)) = bounded(text) {
        findings.error(at, "", message);
        return None;
    }
    let loaded = match duplicates::load(text) {
        Ok(loaded) => loaded,
        Err(error) => {
            findings.error(place(error.marker()), "", not_yaml(text, &error));
            return None;
        }
    };
    let mut documents = loaded.documents.iter();
    let first = documents.next();
    for extra in documents {
        findings.error(
            place(&extra.span.start),
            "",
            "a second document begins here; keep everything in one and take the line \"---\" out",
        );
    }
    let reader = Reader { findings, repeated: &loaded.repeated };
    let Some(document) = first.filter(|document| !is_empty(document)) else {
        findings.error(START, "", "the document is empty; write \"pipelines: { NAME: { source: …, sink: … } }\"");
        return None;
    };
    Some(reader.node(document, ""))
}

fn is_empty(document: &MarkedYamlOwned) -> bool {
    matches!(document.data, YamlDataOwned::BadValue | YamlDataOwned::Value(ScalarOwned::Null))
}

fn bounded(text: &str) -> Result<(), (Place, String)> {
    if text.len() > MOST_BYTES {
        return Err((START, "the document is over 1MiB; is this the right file?".to_owned()));
    }
    for (index, line) in text.lines().enumerate() {
        let content = line.trim_start();
        let indentation = line.len() - content.len();
        let indicators = content.split_whitespace().filter(|word| matches!(*word, "-" | "?" | ":")).count();
        if (indentation > MOST_INDENTATION && !content.is_empty()) || indicators > MOST_INDICATORS {
            let at = Place { line: index + 1, column: 1 };
            return Err((at, "nested too deeply to be a configuration; take levels out".to_owned()));
        }
    }
    Ok(())
}

fn not_yaml(text: &str, error: &ScanError) -> String {
    let line = error.marker().line().saturating_sub(1);
    let indented_by_tab = text.lines().nth(line).is_some_and(|line| {
        let content = line.trim_start();
        line.len() > content.len() && line.strip_suffix(content).is_some_and(|blank| blank.contains('\t'))
    });
    let advice = if indented_by_tab {
        "indent with spaces, not tabs"
    } else if error.info().starts_with("unexpected character") {
        "put the text in quotes"
    } else if error.info().starts_with("alias") {
        "write the values out"
    } else {
        "look at indentation, quotes and brackets here and on the line before"
    };
    format!("not YAML: {}; {advice}", error.info())
}

struct Reader<'a> {
    findings: &'a Findings<'a>,
    repeated: &'a [Repeated],
}

impl Reader<'_> {
    fn node(&self, yaml: &MarkedYamlOwned, path: &str) -> Node {
        let at = place(&yaml.span.start);
        let value = match &yaml.data {
            YamlDataOwned::Value(scalar) => scalar_value(scalar),
            YamlDataOwned::Sequence(items) => Value::List(
                items.iter().enumerate().map(|(index, item)| self.node(item, &format!("{path}[{index}]"))).collect(),
            ),
            YamlDataOwned::Mapping(entries) => Value::Map(self.entries(entries, path)),
            // A password that begins with "!" is a tag to YAML: it is not quoted.
            YamlDataOwned::Tagged(..) => {
                let message = "a tag means nothing here; take it out, or put the text in quotes";
                self.findings.error(at, path, message);
                Value::Broken
            }
            YamlDataOwned::BadValue | YamlDataOwned::Alias(_) | YamlDataOwned::Representation(..) => {
                let message = "not a value of the type that its tag names; take the tag out";
                self.findings.error(at, path, message);
                Value::Broken
            }
        };
        Node { at, value }
    }

    fn entries(&self, entries: &AnnotatedMappingOwned<MarkedYamlOwned>, path: &str) -> Vec<Entry> {
        let mut kept: Vec<Entry> = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            let at = place(&key.span.start);
            let repeated = self.repeated.iter().find(|repeated| repeated.at == at);
            let name = match repeated {
                Some(repeated) => repeated.key.clone(),
                None => match key_text(&key.data) {
                    Some(name) => name,
                    None => {
                        self.findings.error(at, path, "a key is a plain text; write \"KEY: value\"");
                        continue;
                    }
                },
            };
            let path = join(path, &name);
            let first = kept.iter().find(|earlier| earlier.key == name);
            match (first, repeated) {
                (Some(first), _) => {
                    let message = format!("this key stands on line {} already; keep one of the two", first.at.line);
                    self.findings.error(at, &path, message);
                }
                (None, Some(_)) => {
                    let message = "this key stands twice in its block; keep one of the two";
                    self.findings.error(at, &path, message);
                }
                (None, None) => kept.push(Entry { at, value: self.node(value, &path), key: name }),
            }
        }
        kept
    }
}

fn scalar_value(scalar: &ScalarOwned) -> Value {
    match scalar {
        ScalarOwned::Null => Value::Null,
        ScalarOwned::Boolean(value) => Value::Boolean(*value),
        ScalarOwned::Integer(value) => Value::Integer(*value),
        ScalarOwned::FloatingPoint(value) => Value::Float(value.0),
        ScalarOwned::String(text) => Value::Text { text: text.clone(), from_environment: false },
    }
}

fn key_text(data: &YamlDataOwned<MarkedYamlOwned>) -> Option<String> {
    match data {
        YamlDataOwned::Value(scalar) => match scalar {
            ScalarOwned::String(text) => Some(text.clone()),
            ScalarOwned::Integer(value) => Some(value.to_string()),
            ScalarOwned::Boolean(value) => Some(value.to_string()),
            ScalarOwned::FloatingPoint(value) => Some(value.0.to_string()),
            ScalarOwned::Null => None,
        },
        _ => None,
    }
}
