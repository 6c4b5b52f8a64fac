//! The plugins of one pipeline, as they stand now: swapped as a whole while records flow.
use std::sync::{Arc, Mutex, PoisonError};

use sluice_core::Failure;
use tokio::sync::watch;

use crate::component::Kind;
use crate::plugin::{OnFault, Plugin};

/// Plugins in the order in which a batch passes them.
pub type Plugins = Arc<[Arc<Plugin>]>;

/// Shared by whoever swaps plugins and by the chains of a pipeline's generations, each of which takes over the newest
/// plugins between two batches.
#[derive(Debug)]
pub struct Lineup {
    current: watch::Sender<Plugins>,
    halted: Mutex<Option<String>>,
    has_dead_letters: bool,
}

impl Lineup {
    /// Checks that the plugins fit together; the error is fatal. `has_dead_letters` says whether there is a place for
    /// records that a plugin cannot answer for.
    pub fn new(plugins: Vec<Arc<Plugin>>, has_dead_letters: bool) -> Result<Arc<Self>, Failure> {
        check(&plugins, has_dead_letters)?;
        let (current, _) = watch::channel(plugins.into());
        Ok(Arc::new(Self { current, halted: Mutex::default(), has_dead_letters }))
    }

    /// Puts all of `plugins` in place of the present ones, or none. Records that wait for a halted plugin go on.
    pub fn replace(&self, plugins: Vec<Arc<Plugin>>) -> Result<(), Failure> {
        check(&plugins, self.has_dead_letters)?;
        self.set_halted(None);
        self.current.send_replace(plugins.into());
        Ok(())
    }

    pub fn current(&self) -> Plugins {
        self.current.borrow().clone()
    }

    /// The fault that a plugin was halted for, while records wait for another version or config of it.
    pub fn halted(&self) -> Option<String> {
        self.halted.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_halted(&self, why: Option<String>) {
        *self.halted.lock().unwrap_or_else(PoisonError::into_inner) = why;
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<Plugins> {
        self.current.subscribe()
    }
}

fn check(plugins: &[Arc<Plugin>], has_dead_letters: bool) -> Result<(), Failure> {
    let fatal = |plugin: &Plugin, text: String| Err(Failure::fatal(format!("plugin {}", plugin.name()), text));
    for plugin in plugins {
        if plugin.on_fault() == OnFault::DeadLetter && !has_dead_letters {
            return fatal(
                plugin,
                "a record that it cannot answer for goes to the dead-letter topic (on_fault: dead_letter, the default of \
                 filters and enrichers), and there is none; add a `dead_letter` block, or write on_fault: halt or \
                 on_fault: pass"
                    .into(),
            );
        }
    }
    let misplaced =
        plugins.windows(2).find(|pair| pair[0].kind() == Kind::Notifier && pair[1].kind() != Kind::Notifier);
    match misplaced {
        Some(pair) => fatal(
            &pair[1],
            format!("a {} stands behind the notifier {}; put notifiers last", pair[1].kind(), pair[0].name()),
        ),
        None => Ok(()),
    }
}
