//! Drops records of requests that nobody wants to read about; README.md says how it is configured.
use serde::Deserialize;
use sluice_plugin::{Config, Field, Filter, Record};

struct DropPaths {
    path: Field,
    paths: Vec<String>,
}

/// The `config` block of the plugin in the config file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    paths: Vec<String>,
}

impl Filter for DropPaths {
    fn configure(config: &mut Config) -> Result<Self, String> {
        let options: Options = config.parse()?;
        if options.paths.is_empty() {
            return Err("paths: is empty, so that nothing would be dropped; write paths: [/healthz]".into());
        }
        // A field of the record, or one of a line that is JSON. The plugin sees no other field.
        Ok(Self { path: config.read("log.path"), paths: options.paths })
    }

    fn keep(&self, record: &Record) -> bool {
        // A record without the field is kept.
        record.text(self.path).is_none_or(|path| !self.paths.iter().any(|dropped| dropped == path))
    }
}

sluice_plugin::filter!(DropPaths);

#[cfg(test)]
mod tests {
    use super::*;
    use sluice_plugin::testing::configure;

    #[test]
    fn requests_of_the_paths_go() {
        let plugin = configure::<DropPaths>(r#"{"paths":["/healthz","/ready"]}"#).unwrap();
        let kept = plugin.kept(&[
            r#"{"log":"{\"path\":\"/healthz\",\"status\":200}"}"#,
            r#"{"log":"{\"path\":\"/orders\",\"status\":200}"}"#,
            r#"{"log":"plain text with /healthz"}"#,
            r#"{"log":{"path":"/ready"}}"#,
        ]);
        assert_eq!(kept, [1, 2]);
    }

    #[test]
    fn options_that_make_no_sense_are_refused() {
        for (options, expect) in [
            ("{}", "missing field `paths`"),
            (r#"{"paths":[]}"#, "paths: is empty, so that nothing would be dropped; write paths: [/healthz]"),
        ] {
            assert_eq!(configure::<DropPaths>(options).err().as_deref(), Some(expect), "{options}");
        }
    }
}
