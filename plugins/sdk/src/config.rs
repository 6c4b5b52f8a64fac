//! A plugin's configuration, and what it asks of the host in return.
use serde::de::DeserializeOwned;

use crate::bindings::exports::sluice::plugin::lifecycle::Manifest;
pub use crate::bindings::exports::sluice::plugin::lifecycle::Ordering;
use crate::enricher::Target;
use crate::json;
use crate::record::Field;

/// What the person who runs the plugin wrote under `config`, and the place to say which fields the plugin reads and writes.
#[derive(Debug)]
pub struct Config {
    json: String,
    reads: Vec<Vec<String>>,
    writes: Vec<Vec<String>>,
    times: bool,
    essential: bool,
    ordering: Ordering,
}

impl Config {
    pub(crate) fn new(json: String) -> Self {
        Self { json, reads: Vec::new(), writes: Vec::new(), times: false, essential: false, ordering: Ordering::Any }
    }

    /// The options, by serde. An error names the key (`rules[2].pattern: …`). Derive with
    /// `#[serde(deny_unknown_fields)]`, so that a misspelt key is one too.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, String> {
        json::read(&self.json)
    }

    /// Reads a field given by a path with dots, such as `log.level`.
    /// Where a key itself has dots, both this and [`Config::read_path`] find it.
    pub fn read(&mut self, path: &str) -> Field {
        self.read_keys(path.split('.').map(String::from).collect())
    }

    /// Reads a field whose keys are given one by one: `["kubernetes", "labels", "app.kubernetes.io/name"]`.
    pub fn read_path(&mut self, path: &[&str]) -> Field {
        self.read_keys(path.iter().copied().map(String::from).collect())
    }

    /// Allows an enricher to set a field given by a path with dots, such as `service.name`. Where the record has the
    /// field, by its nested keys or by a literal key with dots, it is replaced; else nested objects are made.
    pub fn write(&mut self, path: &str) -> Target {
        self.write_keys(path.split('.').map(String::from).collect())
    }

    /// Allows an enricher to set a field whose keys are given one by one.
    pub fn write_path(&mut self, path: &[&str]) -> Target {
        self.write_keys(path.iter().copied().map(String::from).collect())
    }

    /// Makes [`Record::time`](crate::Record::time) available.
    pub fn read_times(&mut self) {
        self.times = true;
    }

    /// Says how instances share the records; without it, any instance may get any batch.
    pub fn ordering(&mut self, ordering: Ordering) {
        self.ordering = ordering;
    }

    /// Says that no record may go on without the plugin's answer, as behind one that hides secrets. The host then
    /// refuses the policy `on_fault: pass`.
    pub fn essential(&mut self) {
        self.essential = true;
    }

    pub(crate) fn read_keys(&mut self, keys: Vec<String>) -> Field {
        Field(position(&mut self.reads, keys))
    }

    pub(crate) fn write_keys(&mut self, keys: Vec<String>) -> Target {
        Target(position(&mut self.writes, keys) as u32)
    }

    #[cfg(not(target_family = "wasm"))]
    pub(crate) fn writes(&self) -> &[Vec<String>] {
        &self.writes
    }

    #[cfg(not(target_family = "wasm"))]
    pub(crate) fn reads(&self) -> &[Vec<String>] {
        &self.reads
    }

    #[cfg(not(target_family = "wasm"))]
    pub(crate) fn wants_times(&self) -> bool {
        self.times
    }

    pub(crate) fn into_manifest(self) -> Manifest {
        let Self { reads, writes, times, essential, ordering, .. } = self;
        Manifest { reads, writes, times, essential, ordering }
    }
}

/// Where a path is among the paths, to which it is added if it is new.
fn position(paths: &mut Vec<Vec<String>>, path: Vec<String>) -> usize {
    let known = paths.iter().position(|known| *known == path);
    known.unwrap_or_else(|| {
        paths.push(path);
        paths.len() - 1
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Options {
        #[allow(dead_code)]
        rules: Vec<Rule>,
    }

    #[derive(Debug, Deserialize)]
    struct Rule {
        #[allow(dead_code)]
        size: u32,
    }

    #[test]
    fn errors_name_the_key() {
        for (json, expect) in [
            ("{}", "missing field `rules`"),
            (r#"{"rulez":[]}"#, "unknown field `rulez`, expected `rules`"),
            (r#"{"rules":[{"size":1},{"size":"big"}]}"#, r#"rules[1].size: expected u32, not "big""#),
            (r#"{"rules":[{}]}"#, "rules[0]: missing field `size`"),
        ] {
            let error = Config::new(json.into()).parse::<Options>().unwrap_err();
            assert_eq!(error, expect, "{json}");
        }
    }

    #[test]
    fn a_field_that_is_named_twice_is_one() {
        let mut config = Config::new("{}".into());
        let level = config.read("log.level");
        let name = config.read_path(&["kubernetes", "labels", "app.kubernetes.io/name"]);
        assert_eq!(config.read_path(&["log", "level"]), level);
        assert_ne!(name, level);
        assert_eq!(config.reads().len(), 2);
        let target = config.write("log.level");
        assert_eq!((config.write_path(&["log", "level"]), config.writes().len()), (target, 1));
    }
}
