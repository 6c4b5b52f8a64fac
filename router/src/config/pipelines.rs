//! The whole document: pipelines, dead letters, and what holds for the process.

use std::time::Duration;

use super::decode::Block;
use super::document::{Node, Value};
use super::interpolate::Environment;
use super::plan::{DeadLetter, Pipeline, Plan, Plugin, Sink, Source};
use super::problem::{Findings, Place, join};
use super::{admin, conflicts, crash_bundles, elastic, files, kafka, kinds, plugins, slack};

/// Reads the document. The plan is to be trusted only if no error was found.
pub(super) fn plan(root: &Node, environment: Environment, findings: &Findings) -> Option<Plan> {
    let block = Block::open(findings, root, root.at, "")?;
    let dead_letters_go = block.has("dead_letter");
    let pipelines = block
        .required_child("pipelines", "pipelines: { NAME: { source: …, sink: … } }")
        .map(|pipelines| read_pipelines(&pipelines, dead_letters_go, environment));
    let dead_letter = block.child("dead_letter").and_then(|dead_letter| read_dead_letter(dead_letter, environment));
    let range = kinds::duration(Duration::from_secs(1), Duration::from_secs(3600));
    let grace_period = block.get("grace_period", range);
    let admin = block.child("admin").map(admin::admin);
    let crash_bundles = block.child("crash_bundles").map(crash_bundles::crash_bundles);
    let plugin_cache = block.get("plugin_cache", kinds::path);
    let cache_at = block.place("plugin_cache");
    block.finish();

    let drafts = pipelines?;
    conflicts::between(&drafts, dead_letter.as_ref(), findings);
    if let Some(folder) = &plugin_cache {
        let crashes = crash_bundles.as_ref().and_then(Option::as_ref).map(|crashes| crashes.folder.as_path());
        conflicts::shared_cache(folder, cache_at, &drafts, crashes, findings);
    }
    if !dead_letters_go {
        conflicts::no_dead_letter(&drafts, findings);
    }
    Some(Plan {
        pipelines: drafts.into_iter().map(Draft::finish).collect::<Option<_>>()?,
        dead_letter,
        grace_period: grace_period.unwrap_or(Duration::from_secs(25)),
        crash_bundles: match crash_bundles {
            Some(crash_bundles) => Some(crash_bundles?),
            None => None,
        },
        admin: match admin {
            Some(admin) => Some(admin?),
            None => None,
        },
        plugin_cache,
    })
}

/// A pipeline as far as it could be read, and where its ends stand.
pub(super) struct Draft {
    pub name: String,
    pub source: Option<End<Source>>,
    plugins: Vec<Plugin>,
    pub sink: Option<End<Sink>>,
}

/// A source or a sink: its kind is known even if something in it is wrong.
pub(super) struct End<T> {
    pub kind: &'static str,
    /// As in `pipelines.ship.source.files`.
    pub path: String,
    pub at: Place,
    pub value: Option<T>,
}

impl Draft {
    fn finish(self) -> Option<Pipeline> {
        Some(Pipeline { name: self.name, source: self.source?.value?, plugins: self.plugins, sink: self.sink?.value? })
    }
}

fn read_pipelines(block: &Block, dead_letters: bool, environment: Environment) -> Vec<Draft> {
    let findings = block.findings();
    if block.all().is_empty() {
        let message = "there is no pipeline; write \"NAME: { source: …, sink: … }\"";
        findings.error(block.at(), block.path(), message);
    }
    let mut drafts = Vec::new();
    for entry in block.all() {
        let path = join(block.path(), &entry.key);
        if let Err(message) = kinds::check_name(&entry.key) {
            findings.error(entry.at, &path, message);
        }
        if let Some(block) = Block::open(findings, &entry.value, entry.at, &path) {
            drafts.push(read_pipeline(block, &entry.key, dead_letters, environment));
        }
    }
    drafts
}

fn read_pipeline(block: Block, name: &str, dead_letters: bool, environment: Environment) -> Draft {
    let source = block
        .required_child("source", "source: { kafka: { brokers: [kafka:9092], group: sluice, topics: [logs] } }")
        .and_then(|source| read_source(source, environment));
    let plugins = plugins::chain(&block, dead_letters);
    let sink = block
        .required_child("sink", "sink: { kafka: { brokers: [kafka:9092], topic: logs } }")
        .and_then(|sink| read_sink(sink, environment));
    if let Some(sink) = sink.as_ref().filter(|sink| sink.kind == "slack")
        && has_no_plugins(&block)
    {
        let message = "needs a notifier, which says what is an alert; write in the pipeline \
                       \"plugins: [{ name: exceptions, component: /etc/sluice/plugins/exception-notifier.wasm }]\"";
        block.findings().error(sink.at, &sink.path, message);
    }
    block.finish();
    Draft { name: name.to_owned(), source, plugins, sink }
}

fn has_no_plugins(pipeline: &Block) -> bool {
    match pipeline.entry("plugins") {
        None => true,
        Some(entry) => matches!(&entry.value.value, Value::List(items) if items.is_empty()),
    }
}

fn read_source(block: Block, environment: Environment) -> Option<End<Source>> {
    read_end(block, "a source", &["files", "kafka"], |kind, inner| match kind {
        "files" => files::source(inner).map(Source::Files),
        _ => kafka::source(inner, environment).map(Source::Kafka),
    })
}

fn read_sink(block: Block, environment: Environment) -> Option<End<Sink>> {
    read_end(block, "a sink", &["kafka", "elasticsearch", "slack"], |kind, inner| match kind {
        "kafka" => kafka::sink(inner, environment).map(Sink::Kafka),
        "slack" => slack::sink(inner, environment).map(Sink::Slack),
        _ => elastic::sink(inner, environment).map(Sink::Elasticsearch),
    })
}

fn read_end<T>(
    block: Block,
    what: &str,
    kinds: &[&'static str],
    read: impl Fn(&str, Block) -> Option<T>,
) -> Option<End<T>> {
    let end = block.one_of(what, kinds, "keep one, and give the other a pipeline of its own").map(|kind| End {
        kind,
        path: join(block.path(), kind),
        at: block.place(kind),
        value: block.child(kind).and_then(|inner| read(kind, inner)),
    });
    block.finish();
    end
}

fn read_dead_letter(block: Block, environment: Environment) -> Option<DeadLetter> {
    let dead_letter = block
        .required_child("kafka", "kafka: { brokers: [kafka:9092], topic: logs-dead }")
        .and_then(|kafka| self::kafka::dead_letter(kafka, environment));
    block.finish();
    dead_letter
}
