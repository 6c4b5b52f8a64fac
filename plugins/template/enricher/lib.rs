//! Says which team a record belongs to, by its namespace; README.md says how it is configured.
use std::collections::BTreeMap;

use serde::Deserialize;
use sluice_plugin::{Config, Edits, Enricher, Field, Record, Target};

struct AddTeam {
    namespace: Field,
    team: Target,
    teams: BTreeMap<String, String>,
}

/// The `config` block of the plugin in the config file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    teams: BTreeMap<String, String>,
}

impl Enricher for AddTeam {
    fn configure(config: &mut Config) -> Result<Self, String> {
        let options: Options = config.parse()?;
        // What is read and what is written: the plugin sees and changes no other field.
        Ok(Self { namespace: config.read("kubernetes.namespace_name"), team: config.write("team"), teams: options.teams })
    }

    fn enrich(&self, record: &Record, edits: &mut Edits) {
        // Asked once for records that are alike: all of a container's have one namespace.
        if let Some(team) = record.text(self.namespace).and_then(|namespace| self.teams.get(namespace)) {
            edits.set_text(self.team, team);
        }
    }
}

sluice_plugin::enricher!(AddTeam);

#[cfg(test)]
mod tests {
    use super::*;
    use sluice_plugin::testing::configure_enricher;

    #[test]
    fn records_of_known_namespaces_get_a_team() {
        let plugin = configure_enricher::<AddTeam>(r#"{"teams":{"shop":"sales"}}"#).unwrap();
        let records = plugin.enriched(&[
            r#"{"log":"a","kubernetes":{"namespace_name":"shop"}}"#,
            r#"{"log":"b","kubernetes":{"namespace_name":"bank"}}"#,
            r#"{"log":"c"}"#,
        ]);
        assert_eq!(records[0]["team"], "sales");
        assert!(records[1].get("team").is_none() && records[2].get("team").is_none());
    }

    #[test]
    fn options_that_make_no_sense_are_refused() {
        let error = configure_enricher::<AddTeam>(r#"{"team":"sales"}"#).err();
        assert_eq!(error.as_deref(), Some("unknown field `team`, expected `teams`"));
    }
}
