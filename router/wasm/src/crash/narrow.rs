//! Makes a call again before its bundle is written: what does it need, and does a new instance fail as well?
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use tracing::subscriber::{NoSubscriber, with_default};

use super::replay::ask;
use super::smallest::smallest;
use super::{Bundle, Call};
use crate::fault::Fault;
use crate::limits::thread_cpu_time;
use crate::plugin::Plugin;

/// CPU time of it all: a record that loops costs the limit of a call each time.
const LONGEST: Duration = Duration::from_secs(10);

/// Finds out whether the call fails in the same way on new instances, and leaves out the records that it does not take.
/// Once `is_hurried`, what is known by then has to do.
pub(super) fn narrow(plugin: &Plugin, bundle: &mut Bundle, is_hurried: &AtomicBool) {
    // What the plugin says was heard when it happened.
    with_default(NoSubscriber::default(), || try_again(plugin, bundle, is_hurried));
}

fn try_again(plugin: &Plugin, bundle: &mut Bundle, is_hurried: &AtomicBool) {
    if matches!(bundle.call, Call::LeftOut(_)) || is_hurried.load(Relaxed) {
        return;
    }
    let began = thread_cpu_time();
    let repeats = fault_of(plugin, &bundle.call).is_some_and(|fault| fault.is_same(&bundle.fault));
    bundle.repeats = Some(repeats);
    let Call::Records(batch) = &bundle.call else { return };
    if !repeats || batch.len == 1 {
        return;
    }
    let mut found = None;
    let records = smallest(batch.len, |records| {
        if is_hurried.load(Relaxed) || thread_cpu_time().saturating_sub(began) > LONGEST {
            return None;
        }
        let call = Call::Records(batch.only(records));
        let fault = fault_of(plugin, &call).filter(|fault| fault.is_like(&bundle.fault));
        let fails = fault.is_some();
        if let Some(fault) = fault {
            // What fails is always smaller than what failed before.
            found = Some((call, fault));
        }
        Some(fails)
    });
    let len = batch.len;
    if let Some((call, fault)) = found.filter(|_| records.len() < len as usize) {
        bundle.seen = Some((len, bundle.fault.in_full()));
        bundle.fault = Fault { before: bundle.fault.before, ..fault };
        bundle.call = call;
    }
}

/// What a new instance fails with.
fn fault_of(plugin: &Plugin, call: &Call) -> Option<Fault> {
    match plugin.start() {
        Ok(instance) => ask(instance, call).err().map(|failed| plugin.fault(failed)),
        Err(fault) => Some(fault),
    }
}
