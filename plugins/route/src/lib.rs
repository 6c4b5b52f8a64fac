//! Says by rules to which topic or index a record goes; README.md says how it is configured.
use serde::Deserialize;
use sluice_plugin::{Config, Edits, Enricher, Record, Target};
use sluice_rules::{Rule, RuleOptions};

struct Route {
    topics: Routes,
    indexes: Routes,
}

/// Where to, of which the first that holds counts.
struct Routes {
    target: Option<Target>,
    routes: Vec<(Option<Rule>, String)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    routes: Vec<RouteOptions>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RouteOptions {
    #[serde(default)]
    when: Option<RuleOptions>,
    #[serde(default)]
    topic: Option<String>,
    #[serde(default)]
    index: Option<String>,
}

impl Enricher for Route {
    fn configure(config: &mut Config) -> Result<Self, String> {
        let Options { routes } = config.parse()?;
        if routes.is_empty() {
            return Err("routes: name at least one, as in {when: {namespace: shop}, topic: shop}".into());
        }
        let (mut topics, mut indexes) = (Vec::new(), Vec::new());
        let last = routes.len() - 1;
        for (index, route) in routes.into_iter().enumerate() {
            let at = |problem: &str| Err(format!("routes[{index}]{problem}"));
            if route.when.is_none() && index < last {
                return at(": holds for all records, so those behind it never would; name `when`, or put it last");
            }
            let rule = route.when.map(|rule| rule.bind(config)).transpose();
            let rule = rule.map_err(|error| format!("routes[{index}].when: {error}"))?;
            match (route.topic, route.index) {
                (Some(_), Some(_)) => return at(": name a topic or an index, not both: a pipeline has one sink"),
                (None, None) => return at(": name a topic or an index"),
                (Some(topic), None) if topic.is_empty() => return at(".topic: is empty; name a topic"),
                (None, Some(index)) if index.is_empty() => return at(".index: is empty; name an index"),
                (Some(topic), None) => topics.push((rule, topic)),
                (None, Some(index)) => indexes.push((rule, index)),
            }
        }
        Ok(Self { topics: Routes::new(topics, "topic", config), indexes: Routes::new(indexes, "index", config) })
    }

    fn enrich(&self, record: &Record, edits: &mut Edits) {
        self.topics.route(record, edits);
        self.indexes.route(record, edits);
    }
}

impl Routes {
    fn new(routes: Vec<(Option<Rule>, String)>, name: &str, config: &mut Config) -> Self {
        let target = (!routes.is_empty()).then(|| config.write_path(&["@metadata", name]));
        Self { target, routes }
    }

    fn route(&self, record: &Record, edits: &mut Edits) {
        let holds = |rule: &Option<Rule>| rule.as_ref().is_none_or(|rule| rule.holds(record));
        if let Some(target) = self.target
            && let Some((_, to)) = self.routes.iter().find(|(rule, _)| holds(rule))
        {
            edits.set_text(target, to);
        }
    }
}

sluice_plugin::enricher!(Route);

#[cfg(test)]
mod tests;
