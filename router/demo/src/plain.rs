//! The same for what is no terminal: a block of lines, now and then.

use std::fmt::Write as _;

use crate::Snapshot;
use crate::figures::{clock, cost, lag, thousands};
use crate::snapshot::{Kind, Pair, Pipeline, Places, Plugin};

/// Where everything is, told once at the start.
pub fn places(places: &Places, hints: &[String]) -> String {
    let mut text = String::new();
    for (name, place) in named(places) {
        line(&mut text, format_args!("{name:<11} {place}"));
    }
    for hint in hints {
        line(&mut text, format_args!("try         {hint}"));
    }
    text
}

/// How things stand. Of alerts and events those that are younger than `since`; the record before and after if `pair`.
pub fn block(snapshot: &Snapshot, since: std::time::Duration, pair: bool) -> String {
    let mut text = String::new();
    line(&mut text, format_args!("{}", headline(snapshot)));
    for pipeline in &snapshot.pipelines {
        line(&mut text, format_args!("  {}", pipeline_line(pipeline)));
    }
    for plugin in &snapshot.plugins {
        line(&mut text, format_args!("  {}", plugin_line(plugin)));
    }
    for event in snapshot.events.iter().rev().filter(|event| event.at > since) {
        let mark = if event.kind == Kind::Fault { "!" } else { ">" };
        line(&mut text, format_args!("  {mark} {} {}", clock(event.at), event.text));
    }
    for alert in snapshot.alerts.latest.iter().rev().filter(|alert| alert.at > since) {
        line(&mut text, format_args!("  alert {} {}", clock(alert.at), brief(&alert.text)));
    }
    if let Some(pair) = snapshot.pair.as_ref().filter(|_| pair) {
        pair_lines(&mut text, pair);
    }
    text
}

pub(crate) fn headline(snapshot: &Snapshot) -> String {
    let left = snapshot.left.map(|left| format!(", {} left", clock(left))).unwrap_or_default();
    format!(
        "{}{left}: {} lines printed ({}/s, {} rotations), {} documents in the index, {} alerts posted + {} repeats",
        clock(snapshot.elapsed),
        thousands(snapshot.printed),
        thousands(snapshot.printed_per_s),
        thousands(snapshot.rotations),
        thousands(snapshot.documents),
        thousands(snapshot.alerts.posted),
        thousands(snapshot.alerts.repeats),
    )
}

/// Names and places, as the view shows them too.
pub(crate) fn named(places: &Places) -> [(&'static str, String); 5] {
    [
        ("config", places.config.display().to_string()),
        ("plugins", places.plugins.display().to_string()),
        ("containers", places.containers.display().to_string()),
        ("log", places.log.display().to_string()),
        ("index", format!("{}/_search", places.index)),
    ]
}

fn pipeline_line(pipeline: &Pipeline) -> String {
    let mut text = format!(
        "{:<6} {:<22} {:>5}/s read {:>5}/s delivered  lag {:<12} in flight {:<6} delivered {}  dropped {}",
        pipeline.name,
        pipeline.route,
        thousands(pipeline.read_per_s),
        thousands(pipeline.delivered_per_s),
        lag(pipeline.lag),
        thousands(pipeline.in_flight),
        thousands(pipeline.delivered),
        thousands(pipeline.dropped),
    );
    for (name, count) in [("dead-lettered", pipeline.dead_lettered), ("expired", pipeline.expired)] {
        if count > 0 {
            // Writing to a String cannot fail; this holds for all of this file.
            let _ = write!(text, "  {name} {}", thousands(count));
        }
    }
    text
}

fn plugin_line(plugin: &Plugin) -> String {
    let mut text = format!(
        "{:<6} plugin {:<18} {:<9} {:>7} ns/record  {} records",
        plugin.pipeline,
        plugin.name,
        plugin.digest,
        cost(plugin.ns_per_record),
        thousands(plugin.records),
    );
    for (name, count) in
        [("dropped", plugin.dropped), ("edits", plugin.edits), ("alerts", plugin.alerts), ("faults", plugin.faults)]
    {
        if count > 0 {
            let _ = write!(text, "  {name} {}", thousands(count));
        }
    }
    text
}

fn pair_lines(text: &mut String, pair: &Pair) {
    line(text, format_args!("  {} before: {}", pair.record, pair.before));
    line(text, format_args!("  {} after:  {}", pair.record, pair.after));
}

/// An alert in one line: first what is quoted, then of whom. The heading goes where there is something else to say.
pub(crate) fn brief(text: &str) -> String {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let (of_whom, mut what): (Vec<&str>, Vec<&str>) = lines.partition(|line| field(line).is_some());
    if what.len() > 1 {
        what.remove(0);
    }
    what.extend(of_whom.into_iter().filter_map(field));
    what.join(" · ")
}

/// The value of a line such as `Pod: web-1`.
fn field(line: &str) -> Option<&str> {
    let (name, value) = line.split_once(": ")?;
    name.chars().all(|character| character.is_ascii_alphabetic()).then_some(value)
}

/// A text of several lines in one, for lists.
pub(crate) fn one_line(text: &str) -> String {
    let parts: Vec<&str> = text.lines().map(str::trim).filter(|part| !part.is_empty()).collect();
    parts.join(" · ")
}

fn line(text: &mut String, content: std::fmt::Arguments) {
    let _ = writeln!(text, "{content}");
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::view::sample;

    #[test]
    fn a_block_tells_what_is_new() {
        let snapshot = sample();
        let all = block(&snapshot, Duration::ZERO, true);
        for part in [
            "1:05, 0:30 left: 19,500 lines printed (300/s, 4 rotations), 12,000 documents in the index, 9 alerts posted + 40 repeats",
            "ship   files → kafka",
            "lag 12 KiB",
            "expired 3",
            "plugin redact             sha2:ab12",
            "220 ns/record",
            "> 1:00 sluice.yaml was taken",
            "! 1:04 the second plugin failed",
            "alert 1:01 a.BException: boom · app · web-1\n",
            "cart-1 line 812 before: {\"card\":\"4111 1111\"}",
        ] {
            assert!(all.contains(part), "{part} is missing in\n{all}");
        }
        let later = block(&snapshot, Duration::from_secs(62), false);
        for part in ["1:00 sluice.yaml", "boom", "before"] {
            assert!(!later.contains(part), "{part} in\n{later}");
        }
        assert!(later.contains("1:04 the second plugin failed"), "{later}");
    }

    #[test]
    fn alerts_are_brief() {
        for (text, expect) in [
            ("", ""),
            ("Found problem", "Found problem"),
            ("Found problem\nPod: web-1 \nHost: node", "Found problem · web-1 · node"),
            ("Found problem\nPod: web-1\na.B: boom\nRepeated 2 times", "a.B: boom · Repeated 2 times · web-1"),
        ] {
            assert_eq!(brief(text), expect);
        }
    }

    #[test]
    fn places_are_told() {
        let snapshot = sample();
        let text = places(&snapshot.places, &snapshot.hints);
        assert!(text.contains("config      /tmp/demo/sluice.yaml\n"), "{text}");
        assert!(text.contains("try         edit sluice.yaml"), "{text}");
    }
}
