//! Whether the process does what it is there for, and if not, why.

use sluice_core::supervisor::State;

use crate::{
    metrics::{PipelineSnapshot, RollbackSnapshot, Snapshot, StandInSnapshot},
    status::Reason,
};

/// Why a process that has not ended is as good as dead: each pipeline that failed for good.
pub(crate) fn failed(snapshot: &Snapshot) -> Vec<Reason> {
    let failed = snapshot.pipelines.iter().filter(|pipeline| matches!(pipeline.state, State::Failed(_)));
    failed.filter_map(reason).collect()
}

/// Why the process is not ready: the order to stop, each pipeline that does not run, each that a plugin halts. An
/// outage of the other side is no reason: the pipeline waits for its end, and lag shows it.
pub(crate) fn unready(snapshot: &Snapshot) -> Vec<Reason> {
    if snapshot.pipelines.is_empty() {
        return vec![of_process("process", "starting: its pipelines are being built")];
    }
    let stopping = snapshot.is_stopping.then(|| of_process("process", "stopping"));
    let of_pipeline = |pipeline| reason(pipeline).into_iter().chain(halted(pipeline));
    stopping.into_iter().chain(snapshot.pipelines.iter().flat_map(of_pipeline)).collect()
}

/// What should be known, and is no reason to send anybody elsewhere.
pub(crate) fn notes(snapshot: &Snapshot) -> Vec<Reason> {
    let refused = (!snapshot.reload.last_ok).then(|| of_process("reload", &snapshot.reload.text));
    let taken_back = snapshot.pipelines.iter().flat_map(|pipeline| {
        let text = |rollback: &RollbackSnapshot| {
            let RollbackSnapshot { plugin, from, to, why, .. } = rollback;
            format!("plugin {plugin} runs {to} again, as {from} was taken back: {why}")
        };
        pipeline.rollbacks.iter().map(move |rollback| of(pipeline, "plugins", text(rollback)))
    });
    let stand_ins = snapshot.pipelines.iter().flat_map(|pipeline| {
        let text = |stand_in: &StandInSnapshot| {
            let StandInSnapshot { plugin, digest, why } = stand_in;
            format!("plugin {plugin} runs {digest}, its last good version, as the one of the files cannot: {why}")
        };
        pipeline.stand_ins.iter().map(move |stand_in| of(pipeline, "plugins", text(stand_in)))
    });
    refused.into_iter().chain(taken_back).chain(stand_ins).collect()
}

fn halted(pipeline: &PipelineSnapshot) -> Option<Reason> {
    pipeline.halted.as_ref().map(|fault| of(pipeline, "plugins", format!("halted: {fault}")))
}

fn reason(pipeline: &PipelineSnapshot) -> Option<Reason> {
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

fn of(pipeline: &PipelineSnapshot, component: &str, text: String) -> Reason {
    Reason { pipeline: Some(pipeline.name.clone()), component: component.to_owned(), text }
}

fn of_process(component: &str, text: &str) -> Reason {
    Reason { pipeline: None, component: component.to_owned(), text: text.to_owned() }
}
