//! Raises an alert for lines with certain words; README.md says how it is configured.
use serde::Deserialize;
use sluice_plugin::{Alert, Config, Field, Notifier, Record, Severity};

struct TellOfWords {
    log: Field,
    container: Field,
    words: Vec<String>,
}

/// The `config` block of the plugin in the config file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    words: Vec<String>,
}

impl Notifier for TellOfWords {
    fn configure(config: &mut Config) -> Result<Self, String> {
        let options: Options = config.parse()?;
        if options.words.is_empty() {
            return Err("words: is empty, so that no alert would ever be raised; write words: [out of memory]".into());
        }
        // The plugin sees no other field.
        let (log, container) = (config.read("log"), config.read("kubernetes.container_name"));
        Ok(Self { log, container, words: options.words })
    }

    fn notify(&mut self, record: &Record) -> Option<Alert> {
        let text = record.text(self.log)?;
        let word = self.words.iter().find(|word| text.contains(word.as_str()))?;
        let container = record.text(self.container).unwrap_or("unknown");
        // Alerts with one fingerprint are repeats of one another: the host posts the first and counts the others.
        let alert = Alert::new(format!("{container}: {word}")).severity(Severity::Error);
        Some(alert.title(format!("{word} in {container}")).text(text).detail("container", container))
    }
}

sluice_plugin::notifier!(TellOfWords);

#[cfg(test)]
mod tests {
    use super::*;
    use sluice_plugin::testing::configure_notifier;

    #[test]
    fn lines_with_the_words_raise_alerts() {
        let mut plugin = configure_notifier::<TellOfWords>(r#"{"words":["out of memory"]}"#).unwrap();
        let alerts = plugin.alerts(&[
            r#"{"log":"all is well","kubernetes":{"container_name":"web"}}"#,
            r#"{"log":"fatal: out of memory","kubernetes":{"container_name":"web"}}"#,
            r#"{"log":{"message":"out of memory"}}"#,
        ]);
        assert_eq!(alerts.len(), 1);
        assert_eq!(alerts[0].item, Some(1));
        assert_eq!(alerts[0].title, "out of memory in web");
    }

    #[test]
    fn options_that_make_no_sense_are_refused() {
        let error = configure_notifier::<TellOfWords>(r#"{"words":[]}"#).err().unwrap();
        assert!(error.starts_with("words: is empty"), "{error}");
    }
}
