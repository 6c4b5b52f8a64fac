//! What changes in the config file and in the components takes effect while the process runs, or is refused whole.
//!
//! A thread of its own looks, compiles and configures; pipelines only see what is ready.

mod watch;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    panic::{self, AssertUnwindSafe},
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use tracing::{debug, error, info, warn};

use crate::{
    config::{self, Pipeline, Plan, Severity},
    process::{Current, Fleet, Observed, Outcome},
};

use watch::Watch;

/// Between two looks. A change takes effect after the second look that finds it.
const LOOK: Duration = Duration::from_millis(500);
/// Keys of refusals beside those of pipelines, none of which can be called so: the document is no plan, or was tried
/// and taken back; and the plan cannot be made.
const DOCUMENT: &str = "the config file";
const PLAN: &str = "the changed config";

/// Starts the thread that follows `config` and the components that it names. It ends with the process's stop.
pub(crate) fn start(config: &Path, current: Current, fleet: Arc<Fleet>, observed: Arc<Observed>) -> Result<()> {
    let wanted = current.plan().clone();
    let refused = BTreeMap::new();
    let watch = Watch::default();
    let mut reload = Reload { config: config.to_owned(), current, wanted, watch, refused, observed };
    let follow = move || {
        reload.follow();
        while fleet.pause(LOOK) {
            // A fault of ours: what runs goes on, and the next change is looked at again.
            if panic::catch_unwind(AssertUnwindSafe(|| reload.look(Instant::now()))).is_err() {
                reload.refuse(PLAN, "a panic ended the look at it; this is a fault of Sluice, please report it".into());
                error!(
                    "a look at what changed ended in a panic; what ran before goes on, and changes are looked at again"
                );
            }
        }
        // The admin port answers to the end.
        fleet.over();
    };
    thread::Builder::new().name("reload".into()).spawn(follow).context("cannot start the thread that reloads")?;
    Ok(())
}

struct Reload {
    config: PathBuf,
    current: Current,
    /// What the config file says, if that is sound and was not tried in vain; what runs otherwise.
    wanted: Plan,
    watch: Watch,
    /// What does not run as the files say, and why: [`DOCUMENT`], [`PLAN`] or a pipeline's name. All but the
    /// first is tried again when anything changes, as a config may need a component that comes a moment later.
    refused: BTreeMap<String, String>,
    observed: Arc<Observed>,
}

impl Reload {
    fn look(&mut self, now: Instant) {
        self.current.settle();
        for order in self.observed.orders().take() {
            let done = self.current.roll_back(&order.pipeline, &order.plugin).map_err(|error| format!("{error:#}"));
            // Whoever asked may have gone.
            let _ = order.answer.send(done);
        }
        if let Err(error) = self.current.bind() {
            // Told when the port was lost.
            debug!("{error:#}");
        }
        let sights = self.watch.look(now);
        for path in &sights.gone {
            warn!(path = %path.display(), "is gone or empty; what runs goes on until it is back");
        }
        if sights.settled.is_empty() {
            return;
        }
        let mut was_refused = std::mem::take(&mut self.refused);
        let (had_refused, mut changes) = (!was_refused.is_empty(), 0);
        if sights.settled.contains(&self.config) {
            // Whoever edits the file wants to hear of it, also if it is the same that is wrong.
            was_refused.retain(|what, _| what != DOCUMENT && what != PLAN);
            self.read();
        } else if let Some(reason) = was_refused.get(DOCUMENT) {
            self.refuse(DOCUMENT, reason.clone());
        }
        if self.wanted != *self.current.plan() {
            match self.current.change(&self.wanted, || self.watch.is_still()) {
                Ok(Outcome::Runs) => changes += 1,
                Ok(Outcome::Moved) => self.put_off(PLAN, &sights.settled, &was_refused),
                // Pipelines are not stopped for it again before the file is another.
                Ok(Outcome::TakenBack(reason)) => self.refuse_document(reason),
                Err(error) => self.refuse(PLAN, format!("{error:#}")),
            }
        }
        for pipeline in self.current.plan().pipelines.clone() {
            if uses(&pipeline, &sights.settled) || was_refused.contains_key(&pipeline.name) {
                match self.current.refresh(&pipeline, || self.watch.is_still()) {
                    Ok(Some(changed)) => changes += u64::from(changed),
                    Ok(None) => self.put_off(&pipeline.name, &sights.settled, &was_refused),
                    Err(error) => self.refuse(&pipeline.name, format!("{error:#}")),
                }
            }
        }
        self.tell(changes, had_refused, &was_refused);
        self.follow();
    }

    /// The config file, if it is sound. Anything else is told, and what runs is wanted.
    fn read(&mut self) {
        let text = match fs::read(&self.config).map(String::from_utf8) {
            Ok(Ok(text)) => text,
            // It is being swapped at this moment: there is another look.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(error) => return self.refuse_document(format!("cannot be read: {error}")),
            Ok(Err(error)) => return self.refuse_document(format!("is not UTF-8: {}", error.utf8_error())),
        };
        let checked = config::check(&text, &self.config.to_string_lossy(), &|name| std::env::var(name).ok());
        if checked.plan.as_ref() == Some(&self.wanted) {
            return;
        }
        let mut first_error = None;
        for problem in checked.problems {
            match problem.severity {
                Severity::Warning => warn!("{problem}"),
                Severity::Error => {
                    error!("{problem}");
                    first_error.get_or_insert(problem.to_string());
                }
            }
        }
        match checked.plan {
            Some(plan) => self.wanted = plan,
            None => self.refuse_document(first_error.unwrap_or_default()),
        }
    }

    /// Files changed while they were read: these are read again, and what was refused before still is.
    fn put_off(&mut self, what: &str, files: &BTreeSet<PathBuf>, was_refused: &BTreeMap<String, String>) {
        self.watch.again(files);
        if let Some(reason) = was_refused.get(what) {
            self.refuse(what, reason.clone());
        }
    }

    fn refuse_document(&mut self, reason: String) {
        self.refuse(DOCUMENT, reason);
        self.wanted = self.current.plan().clone();
    }

    fn refuse(&mut self, what: &str, reason: String) {
        self.refused.insert(what.to_owned(), reason);
    }

    /// What was refused for the same reason at the last attempt is not told again.
    fn tell(&self, changes: u64, had_refused: bool, before: &BTreeMap<String, String>) {
        let mut refused = 0;
        for (what, reason) in self.refused.iter().filter(|(what, reason)| before.get(*what) != Some(reason)) {
            error!(of = what, reason, "a change is refused; what ran before goes on");
            refused += 1;
        }
        let healed = had_refused && self.refused.is_empty();
        if changes > 0 || healed {
            info!("what runs is what the files say");
        }
        self.observed.change_reload(|status| {
            status.reloads += changes;
            status.refused += refused;
            status.last_ok = self.refused.is_empty();
            if let Some((what, reason)) = self.refused.iter().next() {
                status.text = format!("{what}: {reason}");
            } else if changes > 0 || healed {
                status.text = "what runs is what the files say".into();
            }
        });
    }

    /// The files that decide what runs, or would run.
    fn follow(&mut self) {
        let pipelines = self.current.plan().pipelines.iter().chain(&self.wanted.pipelines);
        let components =
            pipelines.flat_map(|pipeline| pipeline.plugins.iter().map(|plugin| plugin.component.as_path()));
        self.watch.follow(components.chain([self.config.as_path()]));
    }
}

fn uses(pipeline: &Pipeline, files: &BTreeSet<PathBuf>) -> bool {
    pipeline.plugins.iter().any(|plugin| files.contains(&plugin.component))
}
