//! Drops records below a level; README.md says how it is configured.
mod level;
mod text;

use level::Level;
use serde::Deserialize;
use sluice_plugin::{Config, Field, Filter, Path, Record, Value};

/// Where programs put the level in their JSON lines, most usual first; the last is for records that were parsed.
const USUAL: [&str; 5] = ["log.level", "log.severity", "log.lvl", "log.log.level", "level"];

struct LevelFilter {
    levels: Vec<Field>,
    text: Option<Field>,
    at_least: Level,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    at_least: String,
    #[serde(default)]
    field: Option<Path>,
    #[serde(default)]
    parse_text: bool,
}

impl Filter for LevelFilter {
    fn configure(config: &mut Config) -> Result<Self, String> {
        let options: Options = config.parse()?;
        let Some(at_least) = Level::parse(&options.at_least) else {
            return Err(format!(
                "at_least: no level is called \"{}\"; levels are trace, debug, info, warn, error and fatal",
                options.at_least
            ));
        };
        let levels = match options.field {
            None => USUAL.iter().map(|path| config.read(path)).collect(),
            Some(path) => vec![path.read(config)],
        };
        Ok(Self { levels, text: options.parse_text.then(|| config.read("log")), at_least })
    }

    fn keep(&self, record: &Record) -> bool {
        let named = self.levels.iter().find_map(|field| level_of(record.value(*field)));
        let level = named.or_else(|| text::level(record.text(self.text?)?));
        level.is_none_or(|level| level >= self.at_least)
    }
}

fn level_of(value: Value) -> Option<Level> {
    match value {
        Value::Text(word) | Value::Number(word) => Level::parse(word),
        _ => None,
    }
}

sluice_plugin::filter!(LevelFilter);

#[cfg(test)]
mod tests {
    use super::*;
    use sluice_plugin::testing::configure;

    fn check(options: &str, record: &str, kept: bool) {
        let plugin = configure::<LevelFilter>(options).unwrap();
        assert_eq!(plugin.kept(&[record]).len() == 1, kept, "{options} {record}");
    }

    #[test]
    fn records_below_the_level_go() {
        let info = r#"{"at_least":"info"}"#;
        for (record, kept) in [
            (r#"{"log":"{\"level\":\"debug\",\"msg\":\"x\"}"}"#, false),
            (r#"{"log":"{\"level\":\"info\"}"}"#, true),
            (r#"{"log":"{\"level\":20}"}"#, false),
            (r#"{"log":"{\"level\":30}"}"#, true),
            (r#"{"log":"{\"severity\":\"DEBUG\"}"}"#, false),
            (r#"{"log":"{\"lvl\":\"dbg\"}"}"#, false),
            (r#"{"log":"{\"log.level\":\"TRACE\"}"}"#, false),
            (r#"{"log":"{\"log\":{\"level\":\"TRACE\"}}"}"#, false),
            (r#"{"log":"x","level":"debug"}"#, false),
            (r#"{"log":{"level":"debug"}}"#, false),
            // Without a level, or with one that nobody knows, a record is kept.
            (r#"{"log":"plain debug"}"#, true),
            (r#"{"log":"{\"level\":\"loud\"}"}"#, true),
            (r#"{"log":"{\"level\":null}"}"#, true),
            (r#"{}"#, true),
        ] {
            check(info, record, kept);
        }
    }

    #[test]
    fn options() {
        let debug = r#"{"log":"{\"level\":\"debug\"}"}"#;
        check(r#"{"at_least":"DEBUG"}"#, debug, true);
        check(r#"{"at_least":"debug"}"#, r#"{"log":"{\"level\":\"trace\"}"}"#, false);
        check(r#"{"at_least":"info","field":"log.prio"}"#, debug, true);
        check(r#"{"at_least":"info","field":"log.prio"}"#, r#"{"log":"{\"prio\":\"debug\"}"}"#, false);
        check(r#"{"at_least":"info","field":["my.app","level"]}"#, r#"{"my.app":{"level":"debug"}}"#, false);
        check(r#"{"at_least":"info"}"#, r#"{"log":"level=debug x"}"#, true);
        check(r#"{"at_least":"info","parse_text":true}"#, r#"{"log":"level=debug x"}"#, false);
        check(r#"{"at_least":"info","parse_text":true}"#, r#"{"log":"[WARN] x"}"#, true);
    }

    #[test]
    fn errors_say_what_to_write() {
        for (options, expect) in [
            ("{}", "missing field `at_least`"),
            (
                r#"{"at_least":"loud"}"#,
                "at_least: no level is called \"loud\"; levels are trace, debug, info, warn, error and fatal",
            ),
            (r#"{"atleast":"info"}"#, "unknown field `atleast`, expected one of `at_least`, `field`, `parse_text`"),
            (
                r#"{"at_least":"info","field":1}"#,
                "field: expected a path such as \"log.level\" or a list of keys, not 1",
            ),
        ] {
            let error = configure::<LevelFilter>(options).err();
            assert_eq!(error.as_deref(), Some(expect), "{options}");
        }
    }
}
