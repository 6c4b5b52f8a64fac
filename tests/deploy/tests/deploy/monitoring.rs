//! The dashboard and the alerts, held against docs/metrics.md, which a test of the router holds against what a process
//! says.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use sluice_deploy::yaml;

use crate::read;

/// Labels that Prometheus gives to a target.
const OF_THE_TARGET: [&str; 1] = ["instance"];

/// The labels of each metric.
fn metrics() -> BTreeMap<String, BTreeSet<String>> {
    let mut metrics = BTreeMap::new();
    for line in read("docs/metrics.md").lines() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        if let ["", name, "counter" | "gauge", labels, ..] = cells[..] {
            let labels = labels.split(", ").map(|label| label.trim_matches('`').to_owned());
            metrics.insert(name.trim_matches('`').to_owned(), labels.filter(|label| !label.is_empty()).collect());
        }
    }
    assert!(metrics.len() > 50, "{}", metrics.len());
    metrics
}

fn is_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

/// Names of ours in an expression, each with the labels that are asked for in the braces behind it.
fn used(expression: &str) -> Vec<(String, Vec<String>)> {
    let mut found = Vec::new();
    let mut rest = expression;
    while let Some(at) = rest.find(is_word) {
        let word: &str = rest[at..].split(|character| !is_word(character)).next().unwrap();
        rest = &rest[at + word.len()..];
        if !word.starts_with("sluice_") && !word.starts_with("process_") {
            continue;
        }
        let inside = rest.strip_prefix('{').and_then(|rest| rest.split_once('}')).map_or("", |(inside, _)| inside);
        let matchers = inside.split(", ").filter(|matcher| !matcher.is_empty());
        let labels = matchers.map(|matcher| matcher.split(['=', '!']).next().unwrap().to_owned());
        found.push((word.to_owned(), labels.collect()));
        rest = &rest[if inside.is_empty() { 0 } else { inside.len() + 2 }..];
    }
    found
}

/// Labels that an expression keeps, or that a text puts in.
fn named(text: &str, before: &str, after: char) -> Vec<String> {
    let pieces = text.split(before).skip(1);
    let labels = pieces.filter_map(|piece| piece.split_once(after)).map(|(inside, _)| inside);
    labels.flat_map(|inside| inside.split(", ")).map(|label| label.trim().to_owned()).collect()
}

/// Each metric exists and has the labels that are asked of it; those that are grouped by or put into texts are had by
/// one of the expression's metrics at least.
fn judge(place: &str, expression: &str, legend: &[String], metrics: &BTreeMap<String, BTreeSet<String>>) {
    let used = used(expression);
    assert!(!used.is_empty(), "{place}: {expression}");
    let mut had: BTreeSet<&str> = OF_THE_TARGET.into();
    for (name, labels) in &used {
        let Some(exist) = metrics.get(name) else { panic!("{place}: {name} is no metric") };
        had.extend(exist.iter().map(String::as_str));
        for label in labels {
            assert!(exist.contains(label) || OF_THE_TARGET.contains(&label.as_str()), "{place}: {name} has no {label}");
        }
    }
    let by = ["by (", "on ("].into_iter().flat_map(|before| named(expression, before, ')'));
    for label in by.chain(legend.iter().cloned()) {
        assert!(had.contains(label.as_str()), "{place}: nothing in {expression} has {label}");
    }
}

#[test]
fn alerts_ask_for_what_exists_and_say_what_to_do() {
    let (metrics, runbooks) = (metrics(), read("docs/operations.md"));
    let document = yaml::document(&read("deploy/monitoring/alerts.yaml")).unwrap();
    let rules = document["groups"][0]["rules"].as_array().unwrap();
    assert!(rules.len() >= 13);
    let mut names = BTreeSet::new();
    for rule in rules {
        let name = rule["alert"].as_str().unwrap();
        assert!(names.insert(name), "{name} is there twice");
        assert!(["warning", "critical"].contains(&rule["labels"]["severity"].as_str().unwrap()), "{name}");
        let summary = rule["annotations"]["summary"].as_str().unwrap();
        judge(name, rule["expr"].as_str().unwrap(), &named(summary, "$labels.", ' '), &metrics);
        let runbook = format!("docs/operations.md#{}", name.to_lowercase());
        assert_eq!(rule["annotations"]["runbook"], runbook.as_str());
        let section = runbooks.split(&format!("\n### {name}\n\n")).nth(1).unwrap_or_default();
        let text = section.split("\n#").next().unwrap();
        assert!(text.len() > 80, "docs/operations.md does not say what to do about {name}");
    }
    for section in runbooks.split("\n### Sluice").skip(1) {
        let name = format!("Sluice{}", section.lines().next().unwrap());
        assert!(names.contains(name.as_str()), "docs/operations.md: there is no alert {name}");
    }
}

#[test]
fn the_dashboard_asks_for_what_exists() {
    let metrics = metrics();
    let board: Value = serde_json::from_str(&read("deploy/monitoring/dashboard.json")).unwrap();
    let mut shown = BTreeSet::new();
    let mut ids = BTreeSet::new();
    let mut queries = 0;
    for panel in board["panels"].as_array().unwrap() {
        let title = panel["title"].as_str().unwrap();
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{title}: its id is there twice");
        for target in panel["targets"].as_array().into_iter().flatten() {
            let (expression, legend) = (target["expr"].as_str().unwrap(), target["legendFormat"].as_str().unwrap());
            let legend: Vec<String> =
                legend.split("{{").skip(1).map(|piece| piece.split("}}").next().unwrap().to_owned()).collect();
            judge(title, expression, &legend, &metrics);
            shown.extend(used(expression).into_iter().map(|(name, _)| name));
            assert_eq!(target["datasource"]["uid"], "${datasource}", "{title}");
            queries += 1;
        }
    }
    assert!(queries > 50, "{queries}");
    // A metric that is not worth a panel is not worth having.
    let forgotten: Vec<&String> = metrics.keys().filter(|name| !shown.contains(*name)).collect();
    assert!(forgotten.is_empty(), "on no panel: {forgotten:?}");
}

/// As Grafana 11 reads it: variables exist, panels lie beside each other, each kind is one that Grafana has.
#[test]
fn the_dashboard_is_one() {
    let board: Value = serde_json::from_str(&read("deploy/monitoring/dashboard.json")).unwrap();
    assert_eq!((&board["uid"], &board["schemaVersion"]), (&"sluice".into(), &39.into()));
    let variables = board["templating"]["list"].as_array().unwrap();
    let names: Vec<&str> = variables.iter().map(|variable| variable["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["datasource", "pipeline", "instance"]);
    let text = board.to_string();
    for piece in text.split('$').skip(1) {
        let name = piece.trim_start_matches('{').split(|character| !is_word(character)).next().unwrap();
        assert!(names.contains(&name) || name == "__all", "${name} is no variable");
    }
    let mut taken = BTreeSet::new();
    for panel in board["panels"].as_array().unwrap() {
        let title = panel["title"].as_str().unwrap();
        assert!(["row", "stat", "timeseries", "table"].contains(&panel["type"].as_str().unwrap()), "{title}");
        let of = |key: &str| panel["gridPos"][key].as_u64().unwrap();
        assert!(of("x") + of("w") <= 24, "{title}");
        for y in of("y")..of("y") + of("h") {
            for x in of("x")..of("x") + of("w") {
                assert!(taken.insert((x, y)), "{title} lies on another panel");
            }
        }
    }
}
