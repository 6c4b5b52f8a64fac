//! Drops or keeps records by rules over their fields; README.md says how it is configured.
use serde::Deserialize;
use sluice_plugin::{Config, Filter, Record};
use sluice_rules::{Rule, RuleOptions};

/// Keeps the records for which one of its rules holds, but for those for which one of `drop` does.
struct Match {
    keep: Option<Vec<Rule>>,
    drop: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    #[serde(default)]
    keep: Option<Vec<RuleOptions>>,
    #[serde(default)]
    drop: Option<Vec<RuleOptions>>,
}

impl Filter for Match {
    fn configure(config: &mut Config) -> Result<Self, String> {
        let Options { keep, drop } = config.parse()?;
        if keep.is_none() && drop.is_none() {
            return Err("name rules: `drop` for what goes, or `keep` for all that stays".into());
        }
        let keep = keep.map(|rules| bind("keep", rules, config)).transpose()?;
        let drop = drop.map(|rules| bind("drop", rules, config)).transpose()?;
        Ok(Self { keep, drop: drop.unwrap_or_default() })
    }

    fn keep(&self, record: &Record) -> bool {
        let any = |rules: &[Rule]| rules.iter().any(|rule| rule.holds(record));
        self.keep.as_deref().is_none_or(any) && !any(&self.drop)
    }
}

fn bind(list: &str, rules: Vec<RuleOptions>, config: &mut Config) -> Result<Vec<Rule>, String> {
    if rules.is_empty() {
        return Err(format!("{list}: name at least one rule"));
    }
    let mut bound = Vec::with_capacity(rules.len());
    for (index, rule) in rules.into_iter().enumerate() {
        bound.push(rule.bind(config).map_err(|error| sluice_rules::under(list, index, error))?);
    }
    Ok(bound)
}

sluice_plugin::filter!(Match);

#[cfg(test)]
mod tests;
