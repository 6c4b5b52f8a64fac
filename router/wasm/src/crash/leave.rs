//! Where faults happen: what is left behind for a bundle.
use std::path::Path;
use std::sync::Arc;

use super::batch::{Kept, MOST_BYTES};
use super::{Bundle, Call, Job, Place, Recording, Subject, Tallies};
use crate::bindings;
use crate::columns::Columns;
use crate::component::Component;
use crate::fault::{Cause, Fault};
use crate::limits::Limits;
use crate::link::Link;
use crate::plugin::Plugin;

impl Link {
    /// Leaves a bundle of a call about `columns` that failed, and says what to type to see the fault again. Nothing if
    /// there is to be no bundle.
    pub(crate) fn leave_bundle(&self, columns: &Columns<'_>, now: u64, fault: &Fault) -> Option<String> {
        if !self.leaves_bundles {
            return None;
        }
        self.plugin.leave_bundle(fault, || {
            let (views, times) = columns.view(&self.fields, self.plugin.manifest().times);
            let batch = bindings::Batch { len: columns.alive().len() as u32, now, times, columns: &views };
            Kept::of(&batch).map_or_else(too_large, Call::Records)
        })
    }

    /// Why it failed, with what to type to see it again.
    pub(crate) fn shown_again(&self, columns: &Columns<'_>, now: u64, fault: &Fault) -> String {
        with_replay(fault.to_string(), self.leave_bundle(columns, now, fault))
    }
}

fn too_large() -> Call {
    Call::LeftOut(format!("it carried more than {MOST_BYTES} bytes"))
}

impl Plugin {
    /// Leaves a bundle of what an instance was asked when it failed, unless it did not even start. Says what to type to
    /// see the fault again.
    pub(crate) fn leave_bundle(self: &Arc<Self>, fault: &Fault, call: impl FnOnce() -> Call) -> Option<String> {
        let (recording, tallies) = (self.recording(), self.bundles());
        if recording.private.unwrap_or(self.manifest().essential) {
            return None;
        }
        let call = || if matches!(fault.call, "instantiate" | "configure") { Call::Start } else { call() };
        leave(recording, Some(tallies), fault, self.limits(), call, || {
            let reads = self.manifest().reads.clone();
            (subject(self.name(), self.component(), self.options(), recording, reads), Some(self.clone()))
        })
    }
}

/// The same for a plugin that did not start at all. What it says against its config is no fault.
pub(crate) fn leave_start(
    recording: &Recording,
    fault: &Fault,
    component: &Component,
    options: &str,
    limits: &Limits,
) -> Option<String> {
    if recording.private == Some(true) || matches!(fault.cause, Cause::Refused(_)) {
        return None;
    }
    leave(
        recording,
        None,
        fault,
        limits,
        || Call::Start,
        || (subject(&fault.plugin, component, options, recording, Vec::new()), None),
    )
}

fn leave(
    recording: &Recording,
    tallies: Option<&Arc<Tallies>>,
    fault: &Fault,
    limits: &Limits,
    call: impl FnOnce() -> Call,
    subject: impl FnOnce() -> (Subject, Option<Arc<Plugin>>),
) -> Option<String> {
    let crashes = &recording.crashes;
    let (path, keep) = match crashes.place(fault, tallies.map(|tallies| &**tallies))? {
        Place::New(path, keep) => (path, keep),
        Place::Earlier(path) => return Some(command(&path)),
    };
    let (subject, plugin) = subject();
    let bundle = Bundle {
        when: jiff::Timestamp::now().to_string(),
        host: crashes.host.clone(),
        plugin: subject,
        limits: limits.clone(),
        fault: fault.clone(),
        seen: None,
        repeats: None,
        call: call(),
    };
    let command = command(&path);
    crashes.hand_over(Job { bundle, path, keep, tallies: tallies.cloned(), plugin }).then_some(command)
}

fn subject(
    name: &str,
    component: &Component,
    options: &str,
    recording: &Recording,
    reads: Vec<Vec<String>>,
) -> Subject {
    Subject {
        name: name.to_owned(),
        kind: component.kind,
        size: component.size,
        file: recording.file.clone(),
        config: options.to_owned(),
        reads,
    }
}

fn command(path: &Path) -> String {
    format!("sluice plugin replay {}", path.display())
}

/// A reason with what to type to see its fault again.
pub(crate) fn with_replay(why: String, replay: Option<String>) -> String {
    match replay {
        Some(replay) => format!("{why}; `{replay}` shows it again"),
        None => why,
    }
}
