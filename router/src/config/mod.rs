//! The configuration: a YAML document becomes a plan. Nothing here touches the world: no file is read, nothing is
//! connected to, and the environment is handed in. Every problem of a document is found at once.
//!
//! Text → `document` (a tree with places) → `interpolate` (`${NAME}`) → `pipelines` and the blocks below it
//! (`decode`, `kinds`) → `conflicts` → `Plan`.

mod admin;
mod allow;
mod brokers;
mod conflicts;
mod crash_bundles;
mod decode;
mod document;
mod duplicates;
mod elastic;
mod files;
mod hosts;
mod indexes;
mod interpolate;
mod kafka;
mod kinds;
mod pipelines;
mod plan;
mod plugins;
mod problem;
mod requests;
mod secrets;
mod slack;
mod texts;
mod trial;
mod units;

#[cfg(test)]
mod documentation;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod tests;

pub use interpolate::Environment;
pub(crate) use kinds::check_name;
pub use plan::{
    Acks, Admin, Auth, BulkCompression, CrashBundles, DeadLetter, ElasticsearchSink, FilesSource, Flush, Grants,
    IndexName, KafkaCompression, KafkaOptions, KafkaSink, KafkaSource, Language, LineTime, LogFormat, LongLines,
    Multiline, OnFault, Partition, Pipeline, Plan, Plugin, ReadFrom, Retry, Secret, Sink, SlackSink, Source, Start,
    Texts, Trial,
};
pub(crate) use problem::one_line;
pub use problem::{Problem, Severity};

use problem::Findings;

/// What checking a document found.
#[derive(Debug, Clone, PartialEq)]
pub struct Checked {
    /// There exactly if no problem is an error.
    pub plan: Option<Plan>,
    /// In the order of the document; warnings among them do not prevent a plan.
    pub problems: Vec<Problem>,
}

/// Checks the document in `text`. `file` is its name in the problems; `environment` answers the variables in it.
pub fn check(text: &str, file: &str, environment: Environment) -> Checked {
    let findings = Findings::new(file, text);
    let plan = document::parse(text, &findings).and_then(|mut root| {
        interpolate::resolve(&mut root, "", environment, &findings);
        pipelines::plan(&root, environment, &findings)
    });
    let problems = findings.into_problems();
    let sound = problems.iter().all(|problem| problem.severity == Severity::Warning);
    Checked { plan: plan.filter(|_| sound), problems }
}
