//! Whether the process does what it is there for, and if not, why.

use serde_json::{Value, json};
use sluice_core::supervisor::State;

use crate::metrics::{PipelineSnapshot, Snapshot};

/// Why a process that has not ended is as good as dead: each pipeline that failed for good.
pub(super) fn failed(snapshot: &Snapshot) -> Vec<Value> {
    let failed = snapshot.pipelines.iter().filter(|pipeline| matches!(pipeline.state, State::Failed(_)));
    failed.filter_map(reason).collect()
}

/// Why the process is not ready: the order to stop, each pipeline that does not run, each that a plugin halts. An
/// outage of the other side is no reason: the pipeline waits for its end, and lag shows it.
pub(super) fn unready(snapshot: &Snapshot) -> Vec<Value> {
    if snapshot.pipelines.is_empty() {
        return vec![json!({ "component": "process", "text": "starting: its pipelines are being built" })];
    }
    let stopping = snapshot.is_stopping.then(|| json!({ "component": "process", "text": "stopping" }));
    let of_pipeline = |pipeline| reason(pipeline).into_iter().chain(halted(pipeline));
    stopping.into_iter().chain(snapshot.pipelines.iter().flat_map(of_pipeline)).collect()
}

/// What should be known, and is no reason to send anybody elsewhere.
pub(super) fn notes(snapshot: &Snapshot) -> Vec<Value> {
    let refused = (!snapshot.reload.last_ok).then(|| json!({ "component": "reload", "text": snapshot.reload.text }));
    refused.into_iter().collect()
}

fn halted(pipeline: &PipelineSnapshot) -> Option<Value> {
    pipeline.halted.as_ref().map(|fault| of(pipeline, "plugins", format!("halted: {fault}")))
}

fn reason(pipeline: &PipelineSnapshot) -> Option<Value> {
    match &pipeline.state {
        State::Running => None,
        State::Starting => Some(of(pipeline, "pipeline", "starting".to_owned())),
        State::Stopped => Some(of(pipeline, "pipeline", "stopped".to_owned())),
        State::Restarting(failure) => {
            Some(of(pipeline, &failure.component, format!("{}; the pipeline starts again", failure.text)))
        }
        State::Failed(failure) => {
            Some(of(pipeline, &failure.component, format!("{}; failed for good, the process stops", failure.text)))
        }
    }
}

fn of(pipeline: &PipelineSnapshot, component: &str, text: String) -> Value {
    json!({ "pipeline": pipeline.name, "component": component, "text": text })
}
