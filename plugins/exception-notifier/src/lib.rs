//! Raises an alert for a record that tells of an exception; README.md says how it is configured.
mod fingerprint;
mod memory;
mod mode;
mod needle;
mod noise;

use memory::Memory;
use mode::Mode;
use needle::Needle;
use serde::Deserialize;
use sluice_plugin::{Alert, Batch, Config, Field, Notifier, Ordering, Path, Record, Value};

/// As many characters of a record as an alert quotes at most: with the lines above they fit into an alert's text.
const LONGEST_QUOTE: usize = 1_500;

/// What stands for a field that the record does not have.
const UNKNOWN: &str = "unknown";

struct ExceptionNotifier {
    text: Field,
    container: Field,
    namespace: Field,
    pod: Field,
    host: Field,
    needles: Vec<Needle>,
    quote: usize,
    color: String,
    /// `None`: every sighting is worth an alert.
    memory: Option<Memory>,
    /// What alerts say of the mode; empty for the plain one.
    note: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    #[serde(default)]
    field: Option<Path>,
    #[serde(default)]
    patterns: Option<Vec<String>>,
    #[serde(default)]
    quote: usize,
    #[serde(default)]
    color: Option<String>,
    #[serde(default)]
    mode: Mode,
    #[serde(default)]
    within: Option<String>,
    #[serde(default)]
    more_than: Option<usize>,
}

impl Notifier for ExceptionNotifier {
    fn configure(config: &mut Config) -> Result<Self, String> {
        let options: Options = config.parse()?;
        if options.quote > LONGEST_QUOTE {
            return Err(format!("quote: at most {LONGEST_QUOTE} characters of a record are quoted"));
        }
        let (memory, note) = options.mode.memory(options.within.as_deref(), options.more_than)?;
        if memory.is_some() {
            // One that remembers has to see all records of a problem, which may be of several pods.
            config.ordering(Ordering::One);
            config.read_times();
        }
        Ok(Self {
            memory,
            note,
            text: options.field.unwrap_or_else(|| Path::new("log")).read(config),
            container: config.read("kubernetes.container_name"),
            namespace: config.read("kubernetes.namespace_name"),
            pod: config.read("kubernetes.pod_name"),
            host: config.read("kubernetes.host"),
            needles: needles(options.patterns)?,
            quote: options.quote,
            color: color(options.color)?,
        })
    }

    fn candidates(&self, batch: &Batch) -> Option<Vec<usize>> {
        Some(match self.needles.as_slice() {
            [needle] => batch.sift(self.text, |window| needle.may_begin(window)),
            needles => batch.sift(self.text, |window| needles.iter().any(|needle| needle.may_begin(window))),
        })
    }

    fn notify(&mut self, record: &Record) -> Option<Alert> {
        let text = record.text(self.text)?;
        let places = self.needles.iter().filter_map(|needle| Some((needle.find(text)?, needle.len())));
        let (at, size) = places.min()?;
        let [container, namespace, pod, host] =
            [self.container, self.namespace, self.pod, self.host].map(|field| shown(record.value(field)));
        let fingerprint = match &mut self.memory {
            None => fingerprint::fingerprint(&[namespace, pod, container], text, at..at + size),
            Some(memory) => {
                let problem = fingerprint::fingerprint(&[namespace, container], text, at..at + size);
                memory.sees(&problem, record.time().unwrap_or(record.now())).then_some(problem)?
            }
        };
        let mut message =
            format!("Found problem in log\nContainer: {container}\nNamespace: {namespace} \nPod: {pod} \nHost: {host}");
        if !self.note.is_empty() {
            message.push('\n');
            message.push_str(&self.note);
        }
        if self.quote > 0 {
            message.push('\n');
            message.push_str(quote(text, at, at + size, self.quote));
        }
        Some(Alert::new(fingerprint).text(message).color(self.color.as_str()))
    }

    fn tick(&mut self, now: u64) -> Vec<Alert> {
        if let Some(memory) = &mut self.memory {
            memory.tick(now);
        }
        Vec::new()
    }
}

fn needles(patterns: Option<Vec<String>>) -> Result<Vec<Needle>, String> {
    let patterns = patterns.unwrap_or_else(|| vec!["exception".into()]);
    if patterns.is_empty() {
        return Err("patterns: name at least one word to look for".into());
    }
    match patterns.iter().position(String::is_empty) {
        Some(empty) => Err(format!("patterns[{empty}]: an empty text is in every record; write the word to look for")),
        None => Ok(patterns.iter().map(|pattern| Needle::new(pattern)).collect()),
    }
}

fn color(option: Option<String>) -> Result<String, String> {
    let color = option.unwrap_or_else(|| "#00FF00".into());
    let digits = color.strip_prefix('#').unwrap_or_default();
    let is_color = digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_color { Ok(color) } else { Err(format!("color: expected one such as #00FF00, not \"{color}\"")) }
}

fn shown(value: Value<'_>) -> &str {
    match value {
        Value::Text("") | Value::Absent | Value::Null => UNKNOWN,
        Value::Text(text) | Value::Number(text) | Value::Object(text) | Value::Array(text) => text,
        Value::Boolean(boolean) => {
            if boolean {
                "true"
            } else {
                "false"
            }
        }
    }
}

/// So many characters of a text that the place from `start` to `end` is among them: from the beginning of the text, else
/// from that of the line, else from the place itself.
fn quote(text: &str, start: usize, end: usize, size: usize) -> &str {
    let line = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let begin = [0, line].into_iter().find(|begin| text[*begin..end].chars().count() <= size).unwrap_or(start);
    let rest = &text[begin..];
    rest.char_indices().nth(size).map_or(rest, |(cut, _)| &rest[..cut]).trim_end()
}

sluice_plugin::notifier!(ExceptionNotifier);

#[cfg(test)]
mod tests;
