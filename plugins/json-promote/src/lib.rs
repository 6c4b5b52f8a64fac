//! Lifts fields of a JSON text into the record; README.md says how it is configured.
mod dots;
mod lift;

use std::borrow::Cow;

use lift::Lift;
use serde::Deserialize;
use sluice_plugin::{Config, Edits, Enricher, Field, Path, Record, Target, Value};

/// How many fields are lifted at most: each is read at both ends, and a plugin may read 64.
const MOST: usize = 32;

struct JsonPromote {
    fields: Vec<Promotion>,
    /// The source, if it goes when something of it was lifted.
    removed: Option<Target>,
    de_dot: Option<String>,
    on_conflict: OnConflict,
}

struct Promotion {
    from: Field,
    to: Target,
    /// What the record has there itself, if that counts.
    own: Option<Field>,
    /// One bit for each place to lift to.
    place: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    fields: Vec<Lift>,
    #[serde(default)]
    source: Option<Path>,
    #[serde(default)]
    prefix: Option<Path>,
    #[serde(default)]
    de_dot: Option<String>,
    #[serde(default)]
    on_conflict: OnConflict,
    #[serde(default)]
    remove_source: bool,
}

#[derive(Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum OnConflict {
    #[default]
    Keep,
    Replace,
}

impl Enricher for JsonPromote {
    fn configure(config: &mut Config) -> Result<Self, String> {
        let options: Options = config.parse()?;
        if options.fields.is_empty() || options.fields.len() > MOST {
            return Err(format!("fields: name 1 to {MOST} fields to lift, not {}", options.fields.len()));
        }
        dots::check(options.de_dot.as_deref())?;
        let source = options.source.unwrap_or_else(|| Path::new("log"));
        let (mut fields, mut places) = (Vec::new(), Vec::new());
        for (index, lift) in options.fields.iter().enumerate() {
            let to = lift.target(options.prefix.as_ref(), options.de_dot.as_deref());
            if to.0.len() > source.0.len() && to.0.starts_with(&source.0) {
                let (to, source) = (to.0.join("."), source.0.join("."));
                return Err(format!(
                    "fields[{index}]: {to} cannot be set, since {source} is the text that it comes from; \
                     say where to with `to` or `prefix`"
                ));
            }
            let place = places.iter().position(|place| *place == to).unwrap_or_else(|| {
                places.push(to.clone());
                places.len() - 1
            });
            let from = Path(source.0.iter().chain(&lift.from.0).cloned().collect()).read(config);
            // A source that goes is in nobody's way.
            let gives_way = options.on_conflict == OnConflict::Replace || options.remove_source && to == source;
            let own = (!gives_way).then(|| to.read(config));
            fields.push(Promotion { from, to: to.write(config), own, place: 1 << place });
        }
        let removed = options.remove_source.then(|| source.write(config));
        Ok(Self { fields, removed, de_dot: options.de_dot, on_conflict: options.on_conflict })
    }

    fn enrich(&self, record: &Record, edits: &mut Edits) {
        let mut lifted = 0;
        for field in &self.fields {
            let Promotion { from, to, own, place } = field;
            let taken = self.on_conflict == OnConflict::Keep && lifted & place != 0
                || own.is_some_and(|own| record.value(own) != Value::Absent);
            let value = record.value(*from);
            if taken || value == Value::Absent {
                continue;
            }
            if let Some(source) = self.removed.filter(|_| lifted == 0) {
                // First, so that the source may be a place to lift to.
                edits.remove(source);
            }
            match (&self.de_dot, value) {
                (Some(de_dot), Value::Object(json)) => edits.set(*to, Value::Object(&dots::replace(json, de_dot))),
                (Some(de_dot), Value::Array(json)) => edits.set(*to, Value::Array(&dots::replace(json, de_dot))),
                _ => edits.set(*to, value),
            }
            lifted |= place;
        }
    }
}

/// The key without dots, if they are to be replaced.
fn undotted<'k>(key: &'k str, de_dot: Option<&str>) -> Cow<'k, str> {
    match de_dot {
        Some(de_dot) if key.contains('.') => key.replace('.', de_dot).into(),
        _ => key.into(),
    }
}

sluice_plugin::enricher!(JsonPromote);

#[cfg(test)]
mod tests;
