use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    time::Duration,
};

use saphyr::{LoadableYamlNode, Yaml};
use sluice_core::{Balance, Failure, supervisor::State};
use sluice_wasm::{counters::Counts, crash::BundleCounts, trial::Reason};

use super::{PipelineSnapshot, PluginSnapshot, Snapshot, StandInSnapshot, page, page::Page};
use crate::{
    assemble::{SinkCounters, SourceCounters},
    process::ReloadStatus,
};

/// One metric as a scraper understands it.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Metric {
    pub kind: String,
    pub help: String,
    pub values: Vec<(BTreeMap<String, String>, f64)>,
}

/// Pipelines with every kind of source and sink, and all that a balance may hold.
pub(crate) fn snapshot() -> Snapshot {
    let counts = |pairs: &[(&str, u64)]| pairs.iter().map(|(name, count)| (String::from(*name), *count)).collect();
    let balance = Balance {
        read: 130,
        delivered: 100,
        returned: 10,
        dropped: counts(&[("drop-debug", 7), ("redact", 2)]),
        dead_lettered: counts(&[("document_parsing_exception", 1)]),
        expired: counts(&[("offset_out_of_range", 3)]),
        expired_bytes: counts(&[("rotated_away", 4096)]),
    };
    let plugin = PluginSnapshot {
        name: "drop-debug".into(),
        digest: format!("sha256:{}", "0a".repeat(32)),
        kind: "filter".into(),
        exports: vec!["sluice:plugin/filter@0.1.0".into()],
        counts: Counts {
            calls: 11,
            records: 120,
            dropped: 9,
            edits: 4,
            alerts: 5,
            faults: 6,
            time: Duration::from_micros(1_500),
            passed: 8,
            blocked: 3,
        },
        bundles: BundleCounts { written: 2, failed: 1, skipped: 7 },
    };
    let files = sluice_tail::Counters::default();
    files.lost.add(Path::new("/var/log/pods/shop_web-7_uid/app/0.log"), 4096);
    let ship = PipelineSnapshot {
        name: "ship".into(),
        state: State::Running,
        since: Some(Duration::from_secs(60)),
        restarts: 2,
        last_failure: None,
        stalled: Duration::ZERO,
        balance,
        source: SourceCounters::Files(files.into()),
        sink: SinkCounters::Kafka(Default::default()),
        plugins: vec![plugin],
        halted: None,
        rollbacks: Vec::new(),
        stand_ins: Vec::new(),
        rollback_counts: BTreeMap::from([(("drop-debug".into(), Reason::Fault), 2)]),
    };
    let index = PipelineSnapshot {
        name: "index".into(),
        state: State::Running,
        since: Some(Duration::from_secs(60)),
        restarts: 0,
        last_failure: None,
        stalled: Duration::ZERO,
        balance: Balance::default(),
        source: SourceCounters::Kafka(Default::default()),
        sink: SinkCounters::Elasticsearch(Default::default()),
        plugins: Vec::new(),
        halted: None,
        rollbacks: Vec::new(),
        stand_ins: Vec::new(),
        rollback_counts: BTreeMap::new(),
    };
    let sink = SinkCounters::Slack(Default::default());
    let alert = PipelineSnapshot { name: "alert".into(), sink, ..index.clone() };
    Snapshot {
        reload: ReloadStatus::default(),
        is_stopping: false,
        up: Some(Duration::from_secs(90)),
        pipelines: vec![ship, index, alert],
    }
}

/// Of the plugin of the first pipeline.
pub(crate) fn stand_in() -> StandInSnapshot {
    StandInSnapshot {
        plugin: "drop-debug".into(),
        digest: format!("sha256:{}", "0a".repeat(32)),
        why: "plugin drop-debug: /p/f.wasm is no component".into(),
    }
}

/// Reads a page as strictly as its format is described: each metric in one piece, with help, type and values.
pub(crate) fn parse(page: &str) -> BTreeMap<String, Metric> {
    assert!(page.ends_with('\n'), "the last line has to end");
    let (mut metrics, mut current) = (BTreeMap::<String, Metric>::new(), String::new());
    for line in page.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap();
            let metric = Metric { help: help.to_owned(), ..Metric::default() };
            assert_eq!(metrics.insert(name.to_owned(), metric), None, "{name} is there twice");
            current = name.to_owned();
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert_eq!(name, current);
            metrics.get_mut(name).unwrap().kind = kind.to_owned();
        } else {
            let (name, labels, value) = sample(line);
            assert_eq!(name, current, "{line}");
            let metric = metrics.get_mut(&name).unwrap();
            assert!(!metric.kind.is_empty(), "{name} has values before its type");
            assert!(metric.values.iter().all(|(others, _)| *others != labels), "{line} is there twice");
            metric.values.push((labels, value));
        }
    }
    metrics
}

/// `name{label="value",…} number`
fn sample(line: &str) -> (String, BTreeMap<String, String>, f64) {
    let name_end = line.find(['{', ' ']).unwrap();
    let (name, mut rest) = line.split_at(name_end);
    let mut labels = BTreeMap::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        loop {
            let (label, quoted) = rest.split_once("=\"").unwrap();
            let (text, after) = unescape(quoted);
            assert_eq!(labels.insert(label.to_owned(), text), None, "{line}");
            match after.strip_prefix(',') {
                Some(next) => rest = next,
                None => break rest = after.strip_prefix('}').unwrap(),
            }
        }
    }
    (name.to_owned(), labels, rest.strip_prefix(' ').unwrap().parse().unwrap())
}

/// The text up to the closing quote, and what comes behind it.
fn unescape(quoted: &str) -> (String, &str) {
    let (mut text, mut characters) = (String::new(), quoted.char_indices());
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (text, &quoted[at + 1..]),
            '\\' => match characters.next().unwrap().1 {
                'n' => text.push('\n'),
                escaped @ ('\\' | '"') => text.push(escaped),
                other => panic!("\\{other} is no escape"),
            },
            other => text.push(other),
        }
    }
    panic!("no closing quote in {quoted}");
}

fn document() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/metrics.md")).unwrap()
}

#[test]
fn pages_keep_the_rules_of_the_format() {
    let plain =
        |name: &str| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    for (name, metric) in parse(&page(&snapshot())) {
        assert!(plain(&name) && (name.starts_with("sluice_") || name.starts_with("process_")), "{name}");
        assert!(metric.help.len() > 10 && metric.help.ends_with('.') && !metric.help.contains('\\'), "{name}");
        assert!(["counter", "gauge"].contains(&metric.kind.as_str()), "{name}");
        assert_eq!(metric.kind == "counter", name.ends_with("_total"), "{name}");
        for (labels, value) in &metric.values {
            assert!(labels.keys().all(|label| plain(label)), "{name}");
            assert!(value.is_finite() && *value >= 0.0, "{name}");
        }
    }
}

#[test]
fn labels_are_escaped() {
    for text in ["", "plain", "a\"b", "a\\b", "\\", "\"", "a\nb", "\\n", "a,b=\"c\"} 1", "tab\tß€"] {
        let mut page = Page::default();
        page.gauge("it", "Help.").add(&[("a", text), ("b", "x")], 1_u64);
        let page = page.finish();
        assert_eq!(page.lines().count(), 3, "{page}");
        let labels = [("a", text), ("b", "x")].map(|(label, text)| (label.to_owned(), text.to_owned()));
        assert_eq!(parse(&page)["it"].values, [(labels.into(), 1.0)], "{page}");
    }
}

#[test]
fn figures_are_those_of_the_snapshot() {
    let mut snapshot = snapshot();
    snapshot.pipelines[1].state = State::Restarting(Failure::transient("kafka source", "away"));
    snapshot.pipelines[1].halted = Some("why".into());
    snapshot.pipelines[0].stand_ins = vec![stand_in()];
    snapshot.reload = ReloadStatus { last_ok: false, text: "why".into(), reloads: 3, refused: 4 };
    let page = page(&snapshot);
    let plugin =
        format!("{{pipeline=\"ship\",plugin=\"drop-debug\",digest=\"sha256:{}\",kind=\"filter\"}}", "0a".repeat(32));
    let bundles = |result: &str, count: u64| {
        let labels = plugin.trim_end_matches('}');
        format!("sluice_plugin_crash_bundles_total{labels},result=\"{result}\"}} {count}")
    };
    for line in [
        "sluice_config_last_reload_successful 0",
        "sluice_config_reloads_total{result=\"applied\"} 3",
        "sluice_config_reloads_total{result=\"refused\"} 4",
        "sluice_pipeline_up{pipeline=\"ship\"} 1",
        "sluice_pipeline_up{pipeline=\"index\"} 0",
        "sluice_pipeline_halted{pipeline=\"ship\"} 0",
        "sluice_pipeline_halted{pipeline=\"index\"} 1",
        "sluice_pipeline_restarts_total{pipeline=\"ship\"} 2",
        "sluice_records_read_total{pipeline=\"ship\"} 130",
        "sluice_records_returned_total{pipeline=\"ship\"} 10",
        "sluice_records_delivered_total{pipeline=\"ship\"} 100",
        "sluice_records_dropped_total{pipeline=\"ship\",by=\"drop-debug\"} 7",
        "sluice_records_dropped_total{pipeline=\"ship\",by=\"redact\"} 2",
        "sluice_records_dead_lettered_total{pipeline=\"ship\",reason=\"document_parsing_exception\"} 1",
        "sluice_records_expired_total{pipeline=\"ship\",cause=\"offset_out_of_range\"} 3",
        "sluice_expired_bytes_total{pipeline=\"ship\",cause=\"rotated_away\"} 4096",
        "sluice_records_in_flight{pipeline=\"ship\"} 10",
        "sluice_source_lag_bytes{pipeline=\"ship\"} 0",
        "sluice_source_lag_records{pipeline=\"index\"} 0",
        "sluice_sink_in_flight_bytes{pipeline=\"ship\"} 0",
        "sluice_sink_in_flight_bytes{pipeline=\"index\"} 0",
        &format!("sluice_plugin_calls_total{plugin} 11"),
        &format!("sluice_plugin_records_total{plugin} 120"),
        &format!("sluice_plugin_dropped_total{plugin} 9"),
        &format!("sluice_plugin_edits_total{plugin} 4"),
        &format!("sluice_plugin_edits_blocked_total{plugin} 3"),
        &format!("sluice_plugin_alerts_total{plugin} 5"),
        &format!("sluice_plugin_faults_total{plugin} 6"),
        &format!("sluice_plugin_passed_total{plugin} 8"),
        &format!("sluice_plugin_call_seconds_total{plugin} 0.0015"),
        &format!("sluice_plugin_stand_in{} 1", plugin.replace(",kind=\"filter\"", "")),
        &bundles("written", 2),
        &bundles("failed", 1),
        &bundles("skipped", 7),
    ] {
        assert!(page.lines().any(|other| other == line), "{line}\nis not in\n{page}");
    }
    let files = page.lines().filter(|line| line.starts_with("sluice_files_") && !line.contains("pipeline=\"ship\""));
    assert_eq!(files.count(), 0, "only a files source has files: {page}");
}

/// A process that has pipelines to build yet shows the same metrics, without values of pipelines.
#[test]
fn every_metric_is_there_from_the_start() {
    let empty = Snapshot { pipelines: Vec::new(), ..snapshot() };
    let (empty, full) = (parse(&page(&empty)), parse(&page(&snapshot())));
    assert!(empty.keys().eq(full.keys()));
    let of_pipelines = |metric: &&Metric| metric.values.iter().any(|(labels, _)| labels.contains_key("pipeline"));
    assert_eq!(empty.values().filter(of_pipelines).count(), 0);
}

#[test]
fn the_process_measures_itself() {
    let figures = parse(&page(&snapshot()));
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
    for (name, least, most) in [
        ("process_start_time_seconds", now - 3600.0, now + 1.0),
        ("process_cpu_seconds_total", 0.000_1, 36_000.0),
        ("process_resident_memory_bytes", 1e6, 1e11),
        ("process_open_fds", 3.0, 1e5),
    ] {
        let value = figures[name].values[0].1;
        assert!((least..=most).contains(&value), "{name} {value}");
    }
}

#[test]
fn the_document_names_every_metric_with_its_type_and_labels() {
    let mut described = BTreeSet::new();
    let is_row = |line: &&str| ["| `sluice_", "| `process_"].iter().any(|start| line.starts_with(start));
    for row in document().lines().filter(is_row) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let labels: BTreeSet<String> = cells[3]
            .split(',')
            .map(|label| label.trim().trim_matches('`').to_owned())
            .filter(|label| !label.is_empty())
            .collect();
        assert!(cells[4].len() > 10, "{row} says nothing");
        let entry = (cells[1].trim_matches('`').to_owned(), cells[2].to_owned(), labels);
        assert!(described.insert(entry), "{row} is there twice");
    }
    let mut snapshot = snapshot();
    snapshot.pipelines[0].stand_ins = vec![stand_in()];
    let exported: BTreeSet<_> = parse(&page(&snapshot))
        .into_iter()
        .map(|(name, metric)| {
            let labels = metric.values.iter().flat_map(|(labels, _)| labels.keys().cloned()).collect::<BTreeSet<_>>();
            (name, metric.kind, labels)
        })
        .collect();
    let missing: Vec<_> = exported.difference(&described).collect();
    let invented: Vec<_> = described.difference(&exported).collect();
    assert!(missing.is_empty() && invented.is_empty(), "not described: {missing:#?}\nnot exported: {invented:#?}");
}

#[test]
fn the_alert_rules_use_metrics_that_exist() {
    let metrics = parse(&page(&snapshot()));
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/monitoring/alerts.yaml");
    let rules = Yaml::load_from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let rules = rules[0]["groups"][0]["rules"].as_sequence().unwrap();
    assert!(rules.len() >= 5, "{rules:?}");
    for rule in rules {
        assert!(rule["alert"].as_str().unwrap().starts_with("Sluice"));
        let rule = rule["expr"].as_str().unwrap();
        let words = rule.split(|character: char| !character.is_ascii_alphanumeric() && character != '_');
        let used: Vec<&str> =
            words.filter(|word| word.starts_with("sluice_") || word.starts_with("process_")).collect();
        assert!(!used.is_empty(), "{rule}");
        for name in used {
            assert!(metrics.contains_key(name), "{name} in {rule}");
        }
    }
}
