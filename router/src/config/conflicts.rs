//! Contradictions between parts of the document that are right by themselves.

use super::pipelines::{Draft, End};
use super::plan::{DeadLetter, FilesSource, KafkaSource, Sink, Source};
use super::problem::{Findings, Place, join};
use std::path::Path;

/// Reports every pair of parts that cannot run together.
pub(super) fn between(drafts: &[Draft], dead_letter: Option<&DeadLetter>, findings: &Findings) {
    for (index, draft) in drafts.iter().enumerate() {
        let earlier = drafts.get(..index).unwrap_or_default();
        if let Some((files, end)) = draft.files() {
            shared_checkpoints(files, end, earlier, findings);
        }
        if let Some((kafka, end)) = draft.kafka() {
            shared_group(kafka, end, earlier, findings);
            circle(kafka, end, draft, dead_letter, findings);
        }
    }
}

/// Reports every sink that needs a place for dead letters, for a document that has none.
pub(super) fn no_dead_letter(drafts: &[Draft], findings: &Findings) {
    for draft in drafts {
        let Some(sink) = draft.sink.as_ref() else { continue };
        let what = match &sink.value {
            _ if sink.kind == "elasticsearch" => "documents that the index refuses",
            Some(Sink::Kafka(kafka)) if !kafka.allowed_topics.is_empty() => "records that name a topic not allowed",
            _ => continue,
        };
        let brokers = match draft.kafka() {
            Some((kafka, _)) => kafka.brokers.join(", "),
            None => "kafka:9092".to_owned(),
        };
        let message = format!(
            "{what} would have nowhere to go; write at the top level \
             \"dead_letter: {{ kafka: {{ brokers: [{brokers}], topic: logs-dead }} }}\""
        );
        findings.error(sink.at, &sink.path, message);
    }
}

impl Draft {
    fn files(&self) -> Option<(&FilesSource, &End<Source>)> {
        match self.source.as_ref()? {
            end @ End { value: Some(Source::Files(files)), .. } => Some((files, end)),
            _ => None,
        }
    }

    fn kafka(&self) -> Option<(&KafkaSource, &End<Source>)> {
        match self.source.as_ref()? {
            end @ End { value: Some(Source::Kafka(kafka)), .. } => Some((kafka, end)),
            _ => None,
        }
    }
}

/// Two writers of one checkpoint would each undo what the other saved.
fn shared_checkpoints(files: &FilesSource, end: &End<Source>, earlier: &[Draft], findings: &Findings) {
    for other in earlier {
        let Some((theirs, their_end)) = other.files() else {
            continue;
        };
        if theirs.checkpoints == files.checkpoints {
            let message = format!(
                "the pipeline {} (line {}) keeps its checkpoints in {} too; write a folder of its own",
                other.name,
                their_end.at.line,
                files.checkpoints.display()
            );
            findings.error(end.at, &join(&end.path, "checkpoints"), message);
        }
    }
}

/// The cache makes room in its folder, and each crash bundle too.
pub(super) fn shared_cache(
    cache: &Path,
    at: Place,
    drafts: &[Draft],
    crash_bundles: Option<&Path>,
    findings: &Findings,
) {
    let write = "write a folder of its own, or one in it";
    let message = match drafts.iter().find(|draft| draft.files().is_some_and(|(files, _)| files.checkpoints == cache)) {
        Some(draft) => format!("the pipeline {} keeps its checkpoints in {} too; {write}", draft.name, cache.display()),
        None if crash_bundles == Some(cache) => format!("crash bundles are kept in {} too; {write}", cache.display()),
        None => return,
    };
    findings.error(at, "plugin_cache", message);
}

/// The members of a group divide a topic's partitions among them, so that each pipeline would see a part.
fn shared_group(kafka: &KafkaSource, end: &End<Source>, earlier: &[Draft], findings: &Findings) {
    for other in earlier {
        let Some((theirs, their_end)) = other.kafka() else {
            continue;
        };
        let shared = kafka.topics.iter().find(|topic| theirs.topics.contains(topic));
        if let Some(topic) = shared
            && theirs.group == kafka.group
            && same_cluster(&theirs.brokers, &kafka.brokers)
        {
            let message = format!(
                "the pipeline {} (line {}) reads {topic:?} in the group {:?} too, and each would see a part of it; \
                 write a group of its own",
                other.name, their_end.at.line, kafka.group
            );
            findings.error(end.at, &join(&end.path, "group"), message);
        }
    }
}

/// A pipeline that reads what it writes never ends.
fn circle(
    source: &KafkaSource,
    end: &End<Source>,
    draft: &Draft,
    dead_letter: Option<&DeadLetter>,
    findings: &Findings,
) {
    let reads =
        |brokers: &[String], topic: &String| same_cluster(brokers, &source.brokers) && source.topics.contains(topic);
    let path = join(&end.path, "topics");
    if let Some(Sink::Kafka(sink)) = draft.sink.as_ref().and_then(|sink| sink.value.as_ref())
        && reads(&sink.brokers, &sink.topic)
    {
        let message = format!("the pipeline would read what it writes to {:?}; write another topic", sink.topic);
        findings.error(end.at, &path, message);
    }
    if let Some(dead_letter) = dead_letter
        && reads(&dead_letter.brokers, &dead_letter.topic)
    {
        let message = format!(
            "the pipeline would read its own dead letters from {:?}; write another topic for them",
            dead_letter.topic
        );
        findings.error(end.at, &path, message);
    }
}

/// Whether two lists of brokers are likely one cluster: both name one of its brokers.
fn same_cluster(a: &[String], b: &[String]) -> bool {
    a.iter().any(|broker| b.contains(broker))
}
