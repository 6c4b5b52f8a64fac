//! Hides what must not leave in texts; README.md says how it is configured.
mod bearer;
mod card;
mod cover;
mod email;
mod ip;
mod own;
mod pair;
mod rules;
mod shape;
mod sift;
mod value;

use cover::Match;
use own::{Own, OwnOptions};
use redact_sieve::Sieve;
use rules::Rule;
use serde::Deserialize;
use sluice_plugin::{Batch, Config, Edits, Enricher, Field, Path, Record, Target, Value, is_json};

struct Redact {
    fields: Vec<Place>,
    rules: Vec<Rule>,
    sieve: Sieve,
    /// What stands for a match of each rule.
    replacements: Vec<String>,
    own: Vec<Own>,
}

/// A field to look through.
struct Place {
    field: Field,
    target: Target,
    /// Where the bytes of the text are kept beside it.
    raw: Option<Target>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    #[serde(default)]
    rules: Option<Vec<Rule>>,
    #[serde(default)]
    fields: Option<Vec<Path>>,
    #[serde(default)]
    replacement: Option<String>,
    #[serde(default)]
    patterns: Vec<OwnOptions>,
}

impl Enricher for Redact {
    fn configure(config: &mut Config) -> Result<Self, String> {
        let options: Options = config.parse()?;
        let rules = options.rules.unwrap_or_else(|| rules::USUAL.to_vec());
        if rules.is_empty() && options.patterns.is_empty() {
            return Err("rules: nothing to redact; name a rule, or give patterns".into());
        }
        let replacement = options.replacement.unwrap_or_else(|| "[REDACTED:{rule}]".into());
        check_replacement(&replacement)?;
        let own = options.patterns.iter().enumerate().map(|(index, pattern)| {
            Own::new(pattern, &replacement).map_err(|error| format!("patterns[{index}].{error}"))
        });
        let own = own.collect::<Result<_, _>>()?;
        let paths = options.fields.unwrap_or_else(|| vec![Path::new("log")]);
        if paths.is_empty() {
            return Err("fields: name at least one field to look through".into());
        }
        let fields = paths.iter().map(|path| Place::new(path, config)).collect();
        config.essential();
        let replacements = Rule::ALL.iter().map(|rule| replacement.replace("{rule}", rule.name())).collect();
        Ok(Self { fields, sieve: sift::sieve(&rules), rules, replacements, own })
    }

    fn candidates(&self, batch: &Batch) -> Option<Vec<usize>> {
        if !self.own.is_empty() {
            return None;
        }
        if let [place] = self.fields.as_slice() {
            return Some(self.sieve.sift(batch, place.field));
        }
        let mut is_found = vec![false; batch.len()];
        for place in &self.fields {
            self.sieve.sift(batch, place.field).into_iter().for_each(|index| is_found[index] = true);
        }
        Some((0..batch.len()).filter(|index| is_found[*index]).collect())
    }

    fn enrich(&self, record: &Record, edits: &mut Edits) {
        for Place { field, target, raw } in &self.fields {
            let (text, object) = match record.value(*field) {
                Value::Text(text) | Value::Number(text) => (text, None),
                Value::Object(json) => (json, Some(true)),
                Value::Array(json) => (json, Some(false)),
                Value::Absent | Value::Null | Value::Boolean(_) => continue,
            };
            let matches = self.matches(text);
            let Some(first) = matches.first() else { continue };
            let redacted = cover::cover(text, &matches);
            match object {
                None => edits.set_text(*target, &redacted),
                // A pattern of one's own may reach beyond the string in which it begins. Then all of it goes.
                Some(_) if !is_json(&redacted) => edits.set_text(*target, &first.with),
                Some(true) => edits.set(*target, Value::Object(&redacted)),
                Some(false) => edits.set(*target, Value::Array(&redacted)),
            }
            if let Some(raw) = raw {
                edits.remove(*raw);
            }
        }
    }
}

impl Redact {
    fn matches<'a>(&'a self, text: &'a str) -> Vec<Match<'a>> {
        let mut matches = Vec::new();
        for own in &self.own {
            own.find(text, &mut matches);
        }
        for rule in &self.rules {
            let with = &self.replacements[*rule as usize];
            rule.find(text, &mut |range| matches.push(Match { range, with: with.into() }));
        }
        cover::settle(&mut matches);
        matches
    }
}

impl Place {
    fn new(path: &Path, config: &mut Config) -> Self {
        // The bytes of a text that is no UTF-8 are kept in `log_raw`.
        let raw = (path.0 == ["log"]).then(|| config.write("log_raw"));
        Self { field: path.read(config), target: path.write(config), raw }
    }
}

/// A replacement must not end the string in which it lies, in a text that is JSON.
fn check_replacement(text: &str) -> Result<(), String> {
    if text.contains(|c: char| c.is_ascii_control() || matches!(c, '"' | '\\')) {
        return Err(
            "replacement: write it without quotes, backslashes and control characters, so that JSON stays JSON".into(),
        );
    }
    Ok(())
}

sluice_plugin::enricher!(Redact);

#[cfg(test)]
mod tests;
