//! What the macros expand to: the one instance of the plugin in its component.
use std::cell::RefCell;

use crate::batch::Batch;
use crate::bindings::exports::sluice::plugin::lifecycle::Manifest;
use crate::bindings::sluice::plugin::batches;
use crate::bindings::{enricher, notifier};
use crate::config::Config;
use crate::enricher::{Enricher, edits};
use crate::filter::{Filter, drops};
use crate::notifier::{Notifier, alerts, tick};

/// Holds the plugin from `configure` on.
pub struct Slot<T>(RefCell<Option<T>>);

impl<T> Slot<T> {
    #[allow(clippy::new_without_default)]
    pub const fn new() -> Self {
        Self(RefCell::new(None))
    }

    pub fn configure(
        &self,
        json: String,
        configure: impl FnOnce(&mut Config) -> Result<T, String>,
    ) -> Result<Manifest, String> {
        log_panics();
        if self.0.borrow().is_some() {
            return Err("configure was called twice".into());
        }
        let mut config = Config::new(json);
        self.0.replace(Some(configure(&mut config)?));
        Ok(config.into_manifest())
    }

    fn ask<A>(&self, question: impl FnOnce(&mut T) -> A) -> Result<A, String> {
        self.0.borrow_mut().as_mut().map(question).ok_or_else(|| "called before configure".into())
    }
}

impl<T: Filter> Slot<T> {
    pub fn filter(&self, batch: &batches::Batch) -> Result<Vec<u32>, String> {
        self.ask(|plugin| drops(plugin, &Batch::new(batch)))
    }
}

impl<T: Enricher> Slot<T> {
    pub fn enrich(&self, batch: &batches::Batch) -> Result<enricher::Edits, String> {
        self.ask(|plugin| edits(plugin, &Batch::new(batch)))
    }
}

impl<T: Notifier> Slot<T> {
    pub fn notify(&self, batch: &batches::Batch) -> Result<Vec<notifier::Alert>, String> {
        self.ask(|plugin| alerts(plugin, &Batch::new(batch)))
    }

    pub fn tick(&self, now: u64) -> Result<Vec<notifier::Alert>, String> {
        self.ask(|plugin| tick(plugin, now))
    }
}

/// A panic ends the instance without a word, unless its place is logged first.
fn log_panics() {
    #[cfg(target_family = "wasm")]
    std::panic::set_hook(Box::new(|panic| crate::log::write(crate::log::Level::Error, &told(panic.location()))));
}

/// What the log is told of a panic: where it was. Its message may quote a record, as that of a slice at a wrong place
/// in a text does.
#[cfg(any(target_family = "wasm", test))]
fn told(place: Option<&std::panic::Location>) -> String {
    place.map_or("panicked".to_string(), |place| format!("panicked at {place}"))
}

/// Makes a [`Filter`](crate::Filter) the plugin of this crate.
#[macro_export]
macro_rules! filter {
    ($plugin:ty) => {
        const _: () = {
            use $crate::bindings::filter;
            $crate::__component!(filter, $crate::Filter, $plugin);

            impl filter::Guest for Component {
                fn filter(batch: filter::Batch) -> Result<Vec<u32>, String> {
                    PLUGIN.with(|plugin| plugin.filter(&batch))
                }
            }
        };
    };
}

/// Makes an [`Enricher`](crate::Enricher) the plugin of this crate.
#[macro_export]
macro_rules! enricher {
    ($plugin:ty) => {
        const _: () = {
            use $crate::bindings::enricher;
            $crate::__component!(enricher, $crate::Enricher, $plugin);

            impl enricher::Guest for Component {
                fn enrich(batch: enricher::Batch) -> Result<enricher::Edits, String> {
                    PLUGIN.with(|plugin| plugin.enrich(&batch))
                }
            }
        };
    };
}

/// Makes a [`Notifier`](crate::Notifier) the plugin of this crate.
#[macro_export]
macro_rules! notifier {
    ($plugin:ty) => {
        const _: () = {
            use $crate::bindings::notifier;
            $crate::__component!(notifier, $crate::Notifier, $plugin);

            impl notifier::Guest for Component {
                fn notify(batch: notifier::Batch) -> Result<Vec<notifier::Alert>, String> {
                    PLUGIN.with(|plugin| plugin.notify(&batch))
                }

                fn tick(now: u64) -> Result<Vec<notifier::Alert>, String> {
                    PLUGIN.with(|plugin| plugin.tick(now))
                }
            }
        };
    };
}

/// What every kind of plugin has: its place, `lifecycle`, and the exports of the component.
#[doc(hidden)]
#[macro_export]
macro_rules! __component {
    ($kind:ident, $trait:path, $plugin:ty) => {
        use $crate::bindings::exports::sluice::plugin::lifecycle;

        std::thread_local! {
            static PLUGIN: $crate::guest::Slot<$plugin> = const { $crate::guest::Slot::new() };
        }

        struct Component;

        impl lifecycle::Guest for Component {
            fn configure(config: String) -> Result<lifecycle::Manifest, String> {
                PLUGIN.with(|plugin| plugin.configure(config, <$plugin as $trait>::configure))
            }
        }

        $crate::bindings::export!(Component with_types_in $crate::bindings);
        $crate::bindings::$kind::export!(Component with_types_in $crate::bindings::$kind);
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_told_by_its_place_alone() {
        let here = std::panic::Location::caller();
        let expect = format!("panicked at {}:{}:{}", here.file(), here.line(), here.column());
        assert_eq!(told(Some(here)), expect);
        assert_eq!(told(None), "panicked");
    }
}
